#!/bin/sh
qemu-system-x86_64 -M q35 -device virtio-iommu-pci,id=i
