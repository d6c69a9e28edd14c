#!/bin/sh
qemu-system-x86_64 -M q35 -device virtio-iommu-pci,intremap=on,id=i,caching-mode=on
