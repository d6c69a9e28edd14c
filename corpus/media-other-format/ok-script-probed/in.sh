#!/bin/sh
# No format is named: QEMU finds out that it is a VMDK.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,if=virtio
