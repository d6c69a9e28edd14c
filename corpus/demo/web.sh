#!/bin/sh
# the web server
exec qemu-system-x86_64 -machine q35 -accel kvm -m 4G -smp 4 \
	-drive file=web.qcow2,format=raw,if=virtio \
	-nic user,model=virtio-net-pci,hostfwd=tcp::8443-:443
