#!/bin/sh
qemu-system-x86_64 -enable-kvm -M q35,kernel_irqchip=split -device intel-iommu,intremap=on
qemu-system-x86_64 -M q35,accel=kvm,kernel-irqchip=split -device intel-iommu,intremap=on
