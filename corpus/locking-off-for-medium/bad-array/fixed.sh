#!/bin/bash
# Größe und Gerät
ISO=/mnt/nas/a.iso
ARGS=(
	-m 4G
	-drive "file=/mnt/nas/virtio-win.iso,media=cdrom,file.locking=off" # the drivers
	-drive "file=$ISO,media=cdrom"
)
[ -n "$1" ] && ARGS+=(-cdrom /mnt/nas/never-looked-at.iso)
qemu-system-x86_64 "${ARGS[@]}"
