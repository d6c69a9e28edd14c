#!/bin/sh
# The physical size may be set for this device: what the variable stands for is not known.
qemu-system-x86_64 -drive if=none,id=a,file=/srv/a.raw,format=raw \
	-device virtio-blk-pci,drive=a,id=one,logical_block_size=4096 \
	-set "device.$NAME.physical_block_size=4096"
