#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=root \
	-device virtio-blk-pci,drive=root -device virtio-blk-pci,drive=root \
	-netdev user,id=net0 -device virtio-net-pci,netdev=net0 -device e1000e,netdev=net0
