#!/bin/sh
# Each kind of option has ids of its own.
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=x \
	-device virtio-blk-pci,drive=x \
	-netdev user,id=x -device virtio-net-pci,netdev=x \
	-chardev null,id=x -device isa-serial,chardev=x,id=x
qemu-system-x86_64 -M q35 -drive file=/srv/a.raw,format=raw,id=$A -drive file=/srv/b.raw,format=raw,id=$A
