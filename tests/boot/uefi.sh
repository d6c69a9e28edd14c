#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -bios /usr/share/ovmf/OVMF.fd -drive file=disk.img,format=raw,if=virtio
