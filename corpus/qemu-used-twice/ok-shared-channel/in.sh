#!/bin/sh
# A channel with mux=on may be shared, and so may an iothread.
qemu-system-x86_64 -M q35 -m 2G \
	-chardev stdio,id=con,mux=on -mon chardev=con -device isa-serial,chardev=con -device isa-serial,chardev=con \
	-object iothread,id=io \
	-drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=a -device virtio-blk-pci,drive=a,iothread=io \
	-drive file=/srv/vm/b.qcow2,format=qcow2,if=none,id=b -device virtio-blk-pci,drive=b,iothread=io
qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,if=$IF,id=a -device virtio-blk-pci,drive=a
