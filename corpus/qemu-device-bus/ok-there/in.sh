#!/bin/sh
# The controller is there: as a -device before it, by -usb, or as a part of the machine.
qemu-system-x86_64 -M q35 -m 2G -device virtio-scsi-pci -drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=d -device scsi-hd,drive=d
qemu-system-x86_64 -m 2G -device usb-tablet -usb
qemu-system-x86_64 -M q35,usb=on -m 2G -device usb-tablet
qemu-system-ppc64 -M pseries -m 2G -device usb-kbd
qemu-system-aarch64 -M virt -m 2G $USB -device usb-kbd
