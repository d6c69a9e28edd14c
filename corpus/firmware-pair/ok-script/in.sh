#!/bin/sh
# The file of variables is as long as those of a 2 MiB build, as the code is one.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd -drive if=pflash,format=raw,file=vars.fd -drive file=disk.img,format=raw,if=virtio
