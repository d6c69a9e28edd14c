#!/bin/sh
# The target is QEMU 5.0, which takes SD cards of any size.
qemu-system-x86_64 -machine q35 -m 512 -device sdhci-pci -drive file=disk.img,format=raw,if=none,id=x -device sd-card,drive=x
