#!/bin/sh
# The secret is named in encrypt.key-secret.
qemu-system-x86_64 -machine q35 -m 512 -object secret,id=s0,file=key -drive file=disk.img,format=qcow2,if=virtio,encrypt.key-secret=s0
