#!/bin/sh
qemu-system-x86_64 -cdrom /mnt/nas/a.iso
