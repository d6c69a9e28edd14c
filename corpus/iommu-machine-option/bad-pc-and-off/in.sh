#!/bin/sh
qemu-system-x86_64 -M pc,iommu=on -m 4G
qemu-system-x86_64 -M pc,iommu=off -m 4G
qemu-system-x86_64 -M q35,iommu=on -m 4G "$@"
