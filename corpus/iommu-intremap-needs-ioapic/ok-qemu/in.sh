#!/bin/sh
# Without KVM, or with kernel_irqchip=off, QEMU has the I/O APIC itself.
qemu-system-x86_64 -M q35 -device intel-iommu,intremap=on
qemu-system-x86_64 -M q35,accel=kvm,kernel_irqchip=off -device intel-iommu,intremap=on
