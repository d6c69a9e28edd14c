#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -drive if=pflash,format=raw,readonly=on,file=vars.fd -drive if=pflash,format=raw,file=copy.fd 
