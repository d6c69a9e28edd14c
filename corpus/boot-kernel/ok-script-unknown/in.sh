#!/bin/sh
# A file that does not show what it is may be a program of one's own.
qemu-system-x86_64 -machine q35 -m 512 -kernel kernel.bin
