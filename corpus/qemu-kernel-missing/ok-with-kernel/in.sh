#!/bin/sh
# The kernel is named in -kernel or in -machine, or may be in the variable.
qemu-system-x86_64 -M q35 -m 2G -kernel /boot/vmlinuz -initrd /boot/initrd.img -append console=ttyS0
qemu-system-x86_64 -M q35,kernel=/boot/vmlinuz -m 2G -append console=ttyS0
qemu-system-x86_64 -M q35 -m 2G -append console=ttyS0 "$@"
