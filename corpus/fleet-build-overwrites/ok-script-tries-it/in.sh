#!/bin/sh
# A script mostly tries what was built, and can do without it.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=out/web.img,format=raw,if=virtio
