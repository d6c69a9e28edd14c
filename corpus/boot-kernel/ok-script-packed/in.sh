#!/bin/sh
# On ARM QEMU unpacks the kernel itself.
qemu-system-aarch64 -machine virt -cpu max -m 512 -kernel Image.gz
