#!/bin/sh
qemu-system-x86_64 -m 2G -localtime -sdl -soundhw hda -no-acpi
qemu-system-x86_64 -m 2G -net nic,vlan=0 -device ivshmem,size=16M
