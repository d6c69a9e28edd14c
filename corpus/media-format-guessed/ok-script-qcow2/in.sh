#!/bin/sh
# The image is a QCOW2, whose header the guest cannot write to.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,if=virtio
