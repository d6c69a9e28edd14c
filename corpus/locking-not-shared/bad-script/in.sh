#!/bin/sh
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=/smb/web.img,format=raw,if=virtio
