#!/bin/sh
qemu-system-x86_64 -M q35 -device intel-iommu,intremap=off -device virtio-iommu-pci
