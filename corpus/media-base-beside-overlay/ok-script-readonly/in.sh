#!/bin/sh
# The base is attached read-only: nobody changes what the overlay stands on.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio -drive file=base.img,format=raw,if=virtio,readonly=on
