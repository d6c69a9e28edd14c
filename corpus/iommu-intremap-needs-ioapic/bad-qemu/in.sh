#!/bin/sh
qemu-system-x86_64 -enable-kvm -M q35 -device intel-iommu,intremap=on
qemu-system-x86_64 -M q35,accel=kvm,kernel-irqchip=on -device intel-iommu,intremap=on
