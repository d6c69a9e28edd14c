#!/bin/sh
qemu-system-x86_64 -M q35 -m mem=2G -smp 4,core=4 -device virtio-net-pci,macaddr=52:54:00:12:34:56
qemu-system-x86_64 -M q35 -m 2G -net nic,mac=52:54:00:12:34:56 -net user
