#!/bin/sh
# The cache has a size of its own (l2-cache-size): somebody has chosen it.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio,l2-cache-size=64M
