#!/bin/sh
qemu-system-x86_64 -name db -m 2048 -nodefaults \
	-drive file=db.img,format=raw,if=virtio \
	-netdev user,id=n,hostfwd=tcp:127.0.0.1:2222-:22 \
	-device virtio-net-pci,netdev=n
