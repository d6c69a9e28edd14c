#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=none,id=d0 -device virtio-blk-pci,drive=d0,logical_block_size=4096,physical_block_size=4096
