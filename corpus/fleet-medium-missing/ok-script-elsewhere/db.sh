#!/bin/sh
qemu-system-x86_64 -m 2048 -nodefaults \
	-cdrom ../debian.iso
