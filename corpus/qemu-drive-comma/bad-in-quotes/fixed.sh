#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive "file=/srv/vm/My disk,, second one.img,format=raw,if=virtio"
