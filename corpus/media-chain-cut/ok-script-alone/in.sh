#!/bin/sh
# The image stands on nothing, and an empty backing= says so.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio,backing=
