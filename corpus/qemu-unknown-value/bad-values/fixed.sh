#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -vga qxl-vga -drive file=/srv/vm/a.qcow2,format=qcow2,cache=writeback,if=virtio
qemu-system-x86_64 -M q35 -m 2G -display gtk -drive file=/srv/vm/a.qcow2,format=qcow2
