#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G \
	-drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=a -device nvme,drive=a,serial=first \
	-drive file=/srv/vm/b.qcow2,format=qcow2,if=none,id=b -device nvme,drive=b,serial=nvme1
