#!/bin/sh
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=base.img,format=raw,if=virtio
