#!/bin/sh
qemu-system-x86_64 -drive if=none,id=d,file=/srv/d.raw,format=raw \
	-device virtio-blk-pci,drive=d,logical_block_size=4096
