#!/bin/sh
qemu-system-x86_64 -device e1000 \
	-M q35,iommu=on \
	-m 4G
