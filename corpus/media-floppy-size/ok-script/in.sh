#!/bin/sh
# The image has the size of a floppy of 1.44 MB.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=raw,if=floppy
