#!/bin/sh
# The disk that starts has the lowest bootindex, wherever it stands.
qemu-system-x86_64 -machine q35 -m 512 \
  -drive file=data.img,format=raw,if=none,id=d1 -device virtio-blk-pci,drive=d1,bootindex=1 \
  -drive file=disk.img,format=raw,if=none,id=d0 -device virtio-blk-pci,drive=d0,bootindex=0
