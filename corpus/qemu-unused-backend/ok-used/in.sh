#!/bin/sh
# A device, the machine or -net names it, or a monitor may plug one in later.
qemu-system-x86_64 -M q35,pflash0=code -m 2G \
	-drive file=/srv/vm/OVMF_CODE.fd,format=raw,if=none,id=code,readonly=on \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=root \
	-device '{"driver":"virtio-blk-pci","drive":"root"}' \
	-netdev user,id=net0 -net nic,netdev=net0
# Plugged when it is there.
qemu-system-x86_64 -S -qmp unix:/run/vm.sock,server=on,wait=off \
	-drive file=/srv/vm/data.qcow2,format=qcow2,if=none,id=data
qemu-system-x86_64 -drive file=/srv/vm/data.qcow2,format=qcow2,if=none,id=data "$@"
