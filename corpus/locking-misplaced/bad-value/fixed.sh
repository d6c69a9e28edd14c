#!/bin/sh
qemu-system-x86_64 -drive file=/srv/a.iso,media=cdrom,file.locking=off \
	-blockdev file,node-name=f,filename=/srv/b.iso,read-only=on,locking=on \
	-drive file=/srv/c.iso,media=cdrom,file.locking=maybe
