#!/bin/sh
# With -snapshot nothing is kept, and a CD-ROM is not written to.
qemu-system-x86_64 -drive file=/tmp/a.qcow2,format=qcow2,cache=unsafe -snapshot -drive file=/srv/a.iso,media=cdrom,cache=unsafe
