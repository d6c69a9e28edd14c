#!/bin/sh
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-snapshot \
	-drive file=base.img,format=raw,if=virtio
