#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=d -device virtio-scsi-pci -device scsi-hd,drive=d
qemu-system-aarch64 -M virt -m 2G -device qemu-xhci -device usb-kbd -device usb-tablet
