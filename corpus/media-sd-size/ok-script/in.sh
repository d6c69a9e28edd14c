#!/bin/sh
# The size of the image, 64 MiB, is a power of 2.
qemu-system-x86_64 -machine q35 -m 512 -device sdhci-pci -drive file=disk.img,format=raw,if=none,id=x -device sd-card,drive=x
