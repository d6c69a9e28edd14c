#!/bin/sh
# On ARM's virt the IOMMU is an option of the machine; on q35 it is a device.
qemu-system-x86_64 -M q35 -device intel-iommu -m 4G
qemu-system-aarch64 -M virt,iommu=smmuv3 -cpu max
