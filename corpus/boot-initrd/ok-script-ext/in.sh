#!/bin/sh
# The image of a file system is mounted as the initial RAM disk, as of old.
qemu-system-x86_64 -machine q35 -m 512 -kernel vmlinuz -initrd ram.img
