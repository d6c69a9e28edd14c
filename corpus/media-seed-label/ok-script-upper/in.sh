#!/bin/sh
# CIDATA in capitals is found as well.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=virtio -cdrom seed.iso
