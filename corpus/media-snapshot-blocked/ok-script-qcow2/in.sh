#!/bin/sh
# Each of the disks is a QCOW2: all of them take part in a snapshot.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio -drive file=data.img,format=qcow2,if=virtio
