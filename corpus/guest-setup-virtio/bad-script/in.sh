#!/bin/sh
qemu-system-x86_64 -machine q35 -m 4G -drive file=disk.img,format=raw,if=virtio -cdrom win.iso
