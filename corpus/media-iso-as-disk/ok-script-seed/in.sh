#!/bin/sh
# ISO images up to 16 MiB are seeds, as of cloud-init: they are attached as disks, too.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd -drive file=disk.img,format=raw,if=virtio
