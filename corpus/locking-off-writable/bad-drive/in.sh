#!/bin/sh
# It said that the image is locked, so:
qemu-system-x86_64 -drive file=/srv/win.qcow2,format=qcow2,file.locking=off,if=virtio \
	-drive file="$DATA",if=virtio,file.locking="off"
