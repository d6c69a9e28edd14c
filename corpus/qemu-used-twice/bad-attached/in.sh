#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/root.qcow2,format=qcow2,id=root -device virtio-blk-pci,drive=root
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/root.qcow2,if=virtio,format=qcow2,id=root -device virtio-blk-pci,drive=root
