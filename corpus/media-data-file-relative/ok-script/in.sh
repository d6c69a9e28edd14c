#!/bin/sh
# QEMU looks for the data file beside the image when it is given the image by name.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
