#!/bin/sh
# The disk is read-only: the guest cannot write another format's header to it.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,if=virtio,readonly=on
