#!/bin/sh
# A model that is like none of QEMU's may be one's own.
qemu-system-x86_64 -M q35 -m 2G -device virtio-net-pci-transitional -device acme-lab-card -device $CARD -device VGA
