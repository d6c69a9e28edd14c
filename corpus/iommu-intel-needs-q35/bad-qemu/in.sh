#!/bin/sh
qemu-system-x86_64 -M pc -device intel-iommu
qemu-system-x86_64 -m 1G -device intel-iommu
