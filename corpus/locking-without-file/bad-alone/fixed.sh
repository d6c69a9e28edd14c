#!/bin/sh
qemu-system-x86_64 -cdrom /srv/a.iso \
	-m 1G
