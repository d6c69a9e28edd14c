#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/root.qcow2,format=qcow2,if=virtio -drive file=/srv/vm/b.qcow2,format=qcow2,if=sata
qemu-system-aarch64 -M virt -m 2G -drive file=/srv/vm/root.qcow2,format=qcow2,if=ide
