#!/bin/sh
# A folder called etc below /srv is none of the system's.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
