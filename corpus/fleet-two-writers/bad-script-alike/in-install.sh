#!/bin/sh
qemu-system-x86_64 -name vm-install -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=virtio
