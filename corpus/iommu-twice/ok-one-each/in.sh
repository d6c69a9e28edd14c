#!/bin/sh
# These are two VMs, with one IOMMU each.
qemu-system-x86_64 -M q35 -device intel-iommu
qemu-system-x86_64 -M q35 -device virtio-iommu-pci
