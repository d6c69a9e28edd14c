#!/bin/sh
# A copy beside the script is the VM's own: no other VM starts with it.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,file=OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd
