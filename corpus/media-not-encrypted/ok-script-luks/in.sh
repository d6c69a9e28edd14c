#!/bin/sh
# A raw file that begins with the header of LUKS is what format=luks opens.
qemu-system-x86_64 -machine q35 -m 512 -object secret,id=s0,file=key -drive file=disk.img,format=luks,if=virtio,key-secret=s0
