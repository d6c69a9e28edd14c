#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -netdev user,id=n -device virtio-net-pci,netdev=n,mac=52:54:00:12:34
qemu-system-x86_64 -M q35 -m 2G -nic user,mac=53:54:00:12:34:56
qemu-system-x86_64 -M q35 -m 2G -nic user,mac=52:54:00:00:00:01 -nic user,mac=52:54:00:00:00:01
