#!/bin/sh
# A DOS label has types as well, and for UEFI any of them will do.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd -drive file=disk.img,format=raw,if=virtio
