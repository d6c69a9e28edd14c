#!/bin/sh
# The -drive names another base, so QEMU does not ask for the one that is named in the image.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio,backing.driver=raw,backing.file.filename=base.img
