#!/bin/sh
qemu-system-x86_64 -drive file=/tmp/a.qcow2,format=qcow2,cache=unsafe -snapshot -drive file=/srv/a.iso,media=cdrom,cache=unsafe
