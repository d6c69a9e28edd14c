#!/bin/sh
qemu-system-x86_64 \
  -machine q35 \
  -hda disk.img
