#!/bin/sh
qemu-system-x86_64 \
  -machine q35 \
  -bios /usr/share/ovmf/OVMF.fd \
  -hda disk.img
