#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=disk0 \
	-device virtio-blk-pci,drive=disk1 \
	-object rng-random,id=rng0,filename=/dev/urandom -device virtio-rng-pci,rng=rng
qemu-system-x86_64 -M q35 -m 2G -device virtio-net-pci,netdev=net0 -mon chardev=mon0
