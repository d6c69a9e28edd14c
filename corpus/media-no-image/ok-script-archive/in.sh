#!/bin/sh
# A tar archive as a second raw disk is how files are handed to a guest.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio -drive file=files.tar,format=raw,if=virtio,readonly=on
