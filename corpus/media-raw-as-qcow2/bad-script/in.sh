#!/bin/bash
qemu-system-x86_64 -m 2G -drive "file=./disk.img,format=qcow2,if=virtio" # on a LAN
