#!/bin/sh
# A machine that attaches no drives by itself leaves them to -device.
qemu-system-x86_64 -M microvm -m 512M -nodefaults -kernel /srv/bzImage -append root=/dev/vda \
	-drive id=root,file=/srv/root.img,format=raw -device virtio-blk-device,drive=root
qemu-system-riscv64 -M sifive_u -m 1G -kernel /srv/Image \
	-drive id=usb,file=/srv/usb.img,format=raw -device usb-storage,drive=usb
