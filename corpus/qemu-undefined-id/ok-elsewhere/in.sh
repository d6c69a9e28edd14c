#!/bin/sh
# What the variable has may define it, and -hda has a name of QEMU's own.
qemu-system-x86_64 -M q35 -m 2G $DISKS -device virtio-blk-pci,drive=disk0
qemu-system-x86_64 -M q35 -m 2G -readconfig /srv/vm.cfg -device virtio-net-pci,netdev=net0
qemu-system-x86_64 -M q35 -m 2G -device virtio-blk-pci,drive=$ID -serial null -mon chardev=serial0
qemu-system-x86_64 -M q35 -blockdev driver=file,node-name=f,filename=/srv/a.raw \
	-blockdev driver=raw,node-name=d,file=f -device virtio-blk-pci,drive=d
