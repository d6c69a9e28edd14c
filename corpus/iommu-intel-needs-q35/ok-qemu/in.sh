#!/bin/sh
qemu-system-x86_64 -m 1G -device intel-iommu "$@"
qemu-system-x86_64 -M q35 -M accel=kvm -device intel-iommu
qemu-system-x86_64 -M "$M" -device intel-iommu
