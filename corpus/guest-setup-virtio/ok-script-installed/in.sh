#!/bin/sh
# The disk is not empty: there is nothing to install any more.
qemu-system-x86_64 -machine q35 -m 4G -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd -drive file=disk.img,format=raw,if=virtio -cdrom win.iso
