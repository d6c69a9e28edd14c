#!/bin/sh
# The device is a modern one only: by disable-legacy=on, or behind a root port.
qemu-system-x86_64 -M q35 -m 2G -device virtio-rng-pci,iommu_platform=on,disable-legacy=on
qemu-system-x86_64 -M q35 -m 2G -device pcie-root-port,id=rp -device virtio-rng-pci,iommu_platform=on,bus=rp
qemu-system-x86_64 -M q35 -m 2G -device virtio-gpu-pci,iommu_platform=on
qemu-system-x86_64 -M q35 -m 2G -global virtio-pci.disable-legacy=on -device virtio-rng-pci,iommu_platform=on
