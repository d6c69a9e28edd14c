#!/bin/sh
# With to=99 QEMU looks for a port that is free.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=virtio \
	-vnc 127.0.0.1:1,to=99
