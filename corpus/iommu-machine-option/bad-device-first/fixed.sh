#!/bin/sh
qemu-system-x86_64 -device intel-iommu -device e1000 \
	-M q35 \
	-m 4G
