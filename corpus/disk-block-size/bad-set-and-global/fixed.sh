#!/bin/sh
# The first is right by -set, the second wrong by it, the third wrong by its kind.
qemu-system-x86_64 -device virtio-scsi-pci -drive if=none,id=a,file=/srv/a.raw,format=raw \
	-device virtio-blk-pci,drive=a,id=one,logical_block_size=4096 \
	-set device.one.physical_block_size=4096 \
	-drive if=none,id=b,file=/srv/b.raw,format=raw \
	-device virtio-blk-pci,drive=b,id=two,physical_block_size=4096 \
	-set device.two.logical_block_size=4096 \
	-drive if=none,id=c,file=/srv/c.raw,format=raw \
	-device scsi-hd,drive=c,physical_block_size=4096 -global driver=scsi-hd,property=logical_block_size,value=4096
