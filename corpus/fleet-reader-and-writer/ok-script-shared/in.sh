#!/bin/sh
# With share-rw=on the writer says that the image is shared.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive file=disk.img,format=raw,if=none,id=d \
	-device virtio-blk-pci,drive=d,share-rw=on
