#!/bin/sh
qemu-system-x86_64 -M q35 -device intel-iommu -m 4G
qemu-system-aarch64 -M virt,iommu=smmuv3 -cpu max
