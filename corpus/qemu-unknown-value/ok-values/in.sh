#!/bin/sh
# A kind of -display that is like none of these may be of a newer version.
qemu-system-x86_64 -M q35 -m 2G -vga virtio -display gtk,gl=on -drive file=/srv/vm/a.qcow2,format=qcow2,cache=writeback,if=virtio
qemu-system-x86_64 -M q35 -m 2G -display newer-kind -drive file=/srv/vm/a.qcow2,format=$F,cache=$C
