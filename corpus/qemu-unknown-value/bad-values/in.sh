#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -vga qxl-vga -drive file=/srv/vm/a.qcow2,format=qcow2,cache=writebak,if=virtio
qemu-system-x86_64 -M q35 -m 2G -display gtkk -drive file=/srv/vm/a.qcow2,format=qcow3
