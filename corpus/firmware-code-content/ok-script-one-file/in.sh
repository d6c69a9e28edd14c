#!/bin/sh
# The file has the code behind the variables.
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,file=OVMF.fd
