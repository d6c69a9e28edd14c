#!/bin/sh
qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,cache=writeback,if=virtio
