#!/bin/sh
qemu-system-x86_64 -enable-kvm -M q35 -device intel-iommu -device vfio-pci,host=01:00.0
