#!/bin/sh
# No target is named (--target qemu=VERSION), and QEMU of today reads the image.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
