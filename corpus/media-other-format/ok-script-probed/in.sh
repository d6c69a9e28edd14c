#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,if=virtio
