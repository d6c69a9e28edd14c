#!/bin/bash
qemu-system-x86_64 -m 2G -drive "file=./disk.img,format=raw,if=virtio" # on a LAN
