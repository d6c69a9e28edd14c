#!/bin/sh
qemu-system-x86_64 -name vm-run -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=virtio
