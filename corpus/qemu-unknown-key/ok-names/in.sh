#!/bin/sh
# With -net nic it is macaddr=, and with -device it is mac=.
qemu-system-x86_64 -M q35 -m size=2G -smp 4,cores=4 -device virtio-net-pci,mac=52:54:00:12:34:56
qemu-system-x86_64 -M q35 -m 2G -net nic,macaddr=52:54:00:12:34:56 -net user
