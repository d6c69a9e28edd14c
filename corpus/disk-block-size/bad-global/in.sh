#!/bin/sh
qemu-system-x86_64 -drive if=virtio,file=/srv/d.raw,format=raw -global virtio-blk-pci.logical_block_size=4096
