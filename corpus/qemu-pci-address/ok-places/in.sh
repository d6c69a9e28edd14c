#!/bin/sh
# Slots differ, or buses, or functions of one slot; 10 and 0xa are hexadecimal.
qemu-system-x86_64 -m 2G -device e1000,addr=10 -device virtio-rng-pci,addr=0xa
qemu-system-x86_64 -m 2G -device pci-bridge,id=b,chassis_nr=1 -device e1000,addr=5,bus=b -device e1000,addr=5
qemu-system-x86_64 -m 2G -device e1000,addr=5.0,multifunction=on -device e1000,addr=5.1
