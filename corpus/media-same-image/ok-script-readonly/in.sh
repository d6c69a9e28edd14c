#!/bin/sh
# Both disks are read-only: two readers are not in each other's way.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio,readonly=on -drive file=./disk.img,format=qcow2,if=virtio,readonly=on
