#!/bin/sh
# The variables have no keys in them, though the code could check signatures.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.ms.fd -drive if=pflash,format=raw,file=OVMF_VARS_4M.fd -drive file=disk.img,format=raw,if=virtio
