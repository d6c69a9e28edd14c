#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -pflash /usr/share/OVMF/OVMF_CODE_4M.fd
