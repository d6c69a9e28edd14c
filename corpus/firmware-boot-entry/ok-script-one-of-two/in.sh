#!/bin/sh
# Another entry starts from a partition that is there.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd -drive file=disk.img,format=raw,if=virtio
