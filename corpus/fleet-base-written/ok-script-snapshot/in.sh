#!/bin/sh
# With -snapshot nothing is written to the base.
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-snapshot \
	-drive file=base.img,format=raw,if=virtio
