#!/bin/sh
qemu-system-x86_64 -machine q35 -m 512 -blockdev '{"driver": "qcow2", "node-name": "a", "file": {"driver": "file", "filename": "disk.img"}}' -device virtio-blk-pci,drive=a
