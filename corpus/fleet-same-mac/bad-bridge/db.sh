#!/bin/sh
qemu-system-x86_64 -name db -m 2048 -nodefaults \
	-drive file=db.img,format=raw,if=virtio \
	-netdev bridge,id=n,br=br0 \
	-device virtio-net-pci,netdev=n,mac=52:54:00:6b:3c:58
