#!/bin/sh
qemu-system-x86_64 -M q35 -m lots -smp four
qemu-system-x86_64 -M q35 -m 4x -smp 4,sockets=1,cores=4c
