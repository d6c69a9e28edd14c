#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=root \
	-device virtio-blk-pci,drive=root \
	-drive file=/srv/vm/data.qcow2,format=qcow2,if=none,id=data \
	-netdev user,id=net0 -device virtio-net-pci \
	-fsdev local,id=share,path=/srv/share,security_model=mapped-xattr
