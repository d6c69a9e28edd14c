#!/bin/sh
# An overlay that is opened as raw stands on nothing: what it says of a base is not asked.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=virtio
