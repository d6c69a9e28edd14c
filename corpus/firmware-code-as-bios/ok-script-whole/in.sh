#!/bin/sh
# The file OVMF.fd has the variables and the code, and may be given as a BIOS.
qemu-system-x86_64 -machine q35 -m 512 -bios /usr/share/ovmf/OVMF.fd
