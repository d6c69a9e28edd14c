#!/bin/sh
qemu-system-x86_64 -m 2048 -nodefaults \
	-drive file=base.img,format=raw,if=virtio
