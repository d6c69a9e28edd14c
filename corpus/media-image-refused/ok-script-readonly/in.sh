#!/bin/sh
# The image is marked corrupt, and QEMU opens such a one to read it.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio,readonly=on
