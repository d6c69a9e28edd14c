#!/bin/sh
qemu-system-x86_64 -name in -m 2048 -nodefaults \
	-drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
	-drive if=pflash,unit=1,format=raw,file=vm_VARS.fd
