#!/bin/bash
qemu-system-x86_64 -machine q35,accel=kvm,kernel-irqchip=split \
	-device '{"driver":"intel-iommu","intremap":"on","caching-mode":true}' \
	-device '{"driver":"vfio-pci","host":"0000:01:00.0"}'
