#!/bin/sh
# The raw disk is read-only: there is nothing on it to go back to.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio -drive file=data.img,format=raw,if=virtio,readonly=on
