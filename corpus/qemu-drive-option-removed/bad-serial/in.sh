#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=root,serial=ROOT01 \
	-device virtio-blk-pci,drive=root \
	-drive file=/srv/vm/data.qcow2,format=qcow2,if=virtio,serial=DATA01,boot=on
