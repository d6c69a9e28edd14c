#!/bin/sh
# The CD-ROM's image is not here: it may be what starts.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=virtio -cdrom installer.iso
