#!/bin/sh
# The label is not cidata: cloud-init does not look for its files there.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=virtio -cdrom seed.iso
