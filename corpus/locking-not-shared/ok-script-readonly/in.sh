#!/bin/sh
# The disk is read-only: other hosts may read it as well.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=/smb/web.img,format=raw,if=virtio,readonly=on
