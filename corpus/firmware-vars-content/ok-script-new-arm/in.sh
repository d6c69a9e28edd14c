#!/bin/sh
qemu-system-aarch64 -machine virt -cpu max -m 512 -drive if=pflash,format=raw,readonly=on,file=AAVMF_CODE.fd -drive if=pflash,format=raw,file=vars.fd
