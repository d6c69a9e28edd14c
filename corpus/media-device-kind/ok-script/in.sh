#!/bin/sh
# The driver is file, which opens regular files.
qemu-system-x86_64 -machine q35 -m 512 -blockdev driver=raw,node-name=a,file.driver=file,file.filename=disk.img -device virtio-blk-pci,drive=a
