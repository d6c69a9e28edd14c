#!/bin/sh
qemu-system-x86_64 -drive if=none,id=a,file=/srv/a.raw,format=raw -device virtio-blk-pci,drive=a -set drive.a.file.locking=off
