#!/bin/sh
# These are the ways of today: hpet=off in -machine, and base=localtime in -rtc.
qemu-system-x86_64 -M q35,hpet=off -m 2G -display sdl -rtc base=localtime -device ivshmem-plain,memdev=m -object memory-backend-ram,id=m,size=16M
