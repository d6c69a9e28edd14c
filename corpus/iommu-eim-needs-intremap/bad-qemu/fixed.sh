#!/bin/sh
qemu-system-x86_64 -M q35,accel=kvm,kernel_irqchip=split -device intel-iommu,eim=on,intremap=on
