#!/bin/sh
# The second disk is not the overlay's base.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio -drive file=other.img,format=raw,if=virtio
