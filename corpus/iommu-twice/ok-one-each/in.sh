#!/bin/sh
qemu-system-x86_64 -M q35 -device intel-iommu
qemu-system-x86_64 -M q35 -device virtio-iommu-pci
