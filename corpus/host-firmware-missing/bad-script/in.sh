#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=/usr/share/vmend-has-none/OVMF_CODE.fd -drive if=pflash,format=raw,file=vars.fd
