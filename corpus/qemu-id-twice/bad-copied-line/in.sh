#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=disk0 \
	-drive file=/srv/vm/data.qcow2,format=qcow2,if=none,id=disk0 \
	-device virtio-blk-pci,drive=disk0 \
	-netdev user,id=net0 -device virtio-net-pci,netdev=net0,id=nic0 \
	-netdev tap,id=net1,ifname=tap1 -device virtio-net-pci,netdev=net1,id=nic0
