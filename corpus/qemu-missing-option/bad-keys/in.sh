#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -device virtio-blk-pci -netdev user
qemu-system-x86_64 -M q35 -m 2G -fsdev local,id=f,path=/srv,security_model=mapped-xattr -device virtio-9p-pci,fsdev=f
