#!/bin/sh
# The image has the signature of the format that is named.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=vmdk,if=virtio
