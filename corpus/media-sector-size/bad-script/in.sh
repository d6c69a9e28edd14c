#!/bin/sh
qemu-system-x86_64 -m 2G -drive file=disk.img,format=raw,if=none,id=d0 -device virtio-blk-pci,drive=d0
