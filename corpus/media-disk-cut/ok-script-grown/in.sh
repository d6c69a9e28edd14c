#!/bin/sh
# The overlay is larger than its base: all of the partitions are on it.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
