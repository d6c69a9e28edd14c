#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -append "console=ttyS0 root=/dev/vda1" -drive file=/srv/vm/root.qcow2,format=qcow2,if=virtio
qemu-system-x86_64 -M q35 -m 2G -initrd /boot/initrd.img
