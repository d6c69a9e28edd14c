#!/bin/sh
# On ARM the firmware makes its variables in empty flash.
qemu-system-aarch64 -machine virt -cpu max -m 512 -drive if=pflash,format=raw,readonly=on,file=AAVMF_CODE.fd -drive if=pflash,format=raw,file=vars.fd
