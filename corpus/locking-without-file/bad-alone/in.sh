#!/bin/sh
qemu-system-x86_64 -cdrom /srv/a.iso \
	-drive file.locking=off \
	-m 1G
