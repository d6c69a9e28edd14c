#!/bin/sh
qemu-system-x86_64 -enable-kvm -M q35 -device intel-iommu -global intel-iommu.caching-mode=on -device vfio-pci,host=01:00.0
