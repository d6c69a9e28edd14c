#!/bin/sh
qemu-system-x86_64 -m 2G -device e1000,addr=0x5 -device virtio-rng-pci,addr=05.0
qemu-system-x86_64 -m 2G -device e1000,addr=20
