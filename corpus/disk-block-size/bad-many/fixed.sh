#!/bin/sh
qemu-system-x86_64 -device virtio-scsi-pci -drive if=none,id=a,file=/srv/a.raw,format=raw -device ide-hd,drive=a,logical_block_size=4096,physical_block_size=4096 \
	-drive if=none,id=b,file=/srv/b.raw,format=raw -device scsi-hd,drive=b,logical_block_size=4000 \
	-drive if=none,id=c,file=/srv/c.raw,format=raw -device nvme,serial=c,drive=c,logical_block_size=4k,physical_block_size=4k \
	-drive file=/srv/e.raw,format=raw,logical_block_size=4096
