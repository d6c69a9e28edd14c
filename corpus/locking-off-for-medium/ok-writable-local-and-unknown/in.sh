#!/bin/sh
qemu-system-x86_64 -drive file=/mnt/nas/disk.qcow2,format=qcow2 -cdrom /srv/a.iso \
	-drive file="$ISO",media=cdrom -drive "file=/mnt/nas/$X.iso,media=cdrom" \
	-drive file=nbd:nas:10809,media=cdrom,if=virtio
