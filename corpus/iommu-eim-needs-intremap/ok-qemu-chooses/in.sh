#!/bin/sh
# With a split irqchip QEMU turns interrupt remapping on by itself.
qemu-system-x86_64 -M q35,accel=kvm,kernel_irqchip=split -device intel-iommu,eim=on
