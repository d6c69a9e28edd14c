#!/bin/sh
qemu-system-x86_64 -device virtio-scsi-pci -drive if=none,id=a,file=/srv/a.raw,format=raw -device ide-hd,drive=a,physical_block_size=4096 \
	-drive if=none,id=b,file=/srv/b.raw,format=raw -device scsi-hd,drive=b,logical_block_size=4096,physical_block_size=4096 \
	-drive if=none,id=c,file=/srv/c.raw,format=raw -device nvme,serial=c,drive=c,logical_block_size=4096,physical_block_size=$P \
	-drive if=virtio,file=/srv/d.raw,format=raw -global virtio-blk-pci.logical_block_size=4096 -global virtio-blk-pci.physical_block_size=4096 \
	-drive if=none,id=e,file=/srv/e.iso -device scsi-cd,drive=e,logical_block_size=2048,physical_block_size=2048
