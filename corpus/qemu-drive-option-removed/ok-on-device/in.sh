#!/bin/sh
# The serial number is one of the -device.
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/root.qcow2,format=qcow2,if=none,id=root \
	-device virtio-blk-pci,drive=root,serial=ROOT01 \
	-device nvme,serial=N1 -blockdev driver=qcow2,node-name=x,file.driver=file,file.filename=/srv/x.qcow2
