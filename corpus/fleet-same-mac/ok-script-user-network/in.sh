#!/bin/sh
# Each VM has a user network of its own.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=virtio \
	-netdev user,id=n \
	-device virtio-net-pci,netdev=n,mac=52:54:00:6b:3c:58
