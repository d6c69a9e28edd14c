#!/bin/sh
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=/dev/nvme0n1,format=raw,if=virtio
