#!/bin/sh
# QEMU loads the kernel itself: the BIOS need not start the disk.
qemu-system-x86_64 -machine q35 -m 512 -kernel vmlinuz -drive file=disk.img,format=raw,if=virtio
