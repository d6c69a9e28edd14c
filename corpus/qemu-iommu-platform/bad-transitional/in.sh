#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -nic none -device virtio-rng-pci,iommu_platform=on
qemu-system-x86_64 -M q35 -m 2G -nic none -device virtio-balloon-pci,iommu_platform=on,disable-legacy=off
