#!/bin/sh
# QEMU itself guesses the format of each file of the chain: only libvirt does not.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
