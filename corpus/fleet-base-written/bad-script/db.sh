#!/bin/sh
qemu-system-x86_64 -name db -m 2048 -nodefaults \
	-drive file=disk.img,format=qcow2,if=virtio
