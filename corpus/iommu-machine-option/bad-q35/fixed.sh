#!/bin/sh
qemu-system-x86_64 -machine q35,accel=kvm -device intel-iommu -m 4G -device virtio-net-pci,netdev=n -netdev user,id=n
