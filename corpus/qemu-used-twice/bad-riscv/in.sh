#!/bin/sh
qemu-system-riscv64 -M virt -m 1G -kernel /srv/Image -append root=/dev/vda \
	-drive id=root,file=/srv/root.img,format=raw -device virtio-blk-device,drive=root
