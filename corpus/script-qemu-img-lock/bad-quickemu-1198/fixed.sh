#!/usr/bin/env bash
# After quickemu 4.9.3: the disk is checked before anything else is done, also for
# --monitor-cmd, which talks to a VM that runs.
disk_img="$1"

if ! qemu-img check -U -q "${disk_img}"; then
	echo "ERROR! ${disk_img} is damaged"
	exit 1
fi

if [ "$2" = --monitor-cmd ]; then
	echo "$3" | socat - unix-connect:"${disk_img%.*}.sock"
	exit
fi

qemu-system-x86_64 -enable-kvm -machine q35 -m 4G \
	-drive id=SystemDisk,if=none,format=qcow2,file="${disk_img}",cache=writeback \
	-device virtio-blk-pci,drive=SystemDisk -daemonize
