#!/bin/sh
qemu-system-x86_64 -m 2G -rtc base=localtime -display sdl -soundhw hda -machine acpi=off
qemu-system-x86_64 -m 2G -net nic,vlan=0 -device ivshmem,size=16M
