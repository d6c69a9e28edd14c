#!/bin/sh
# It said that the image is locked, so:
qemu-system-x86_64 -drive file=/srv/win.qcow2,format=qcow2,if=virtio \
	-drive file="$DATA",if=virtio
