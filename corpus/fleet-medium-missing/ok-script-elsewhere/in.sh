#!/bin/sh
qemu-system-x86_64 -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=virtio \
	-cdrom ../debian.iso
