#!/bin/sh
qemu-system-x86_64 -drive file=/srv/a.iso,media=cdrom,file.locking=no \
	-blockdev file,node-name=f,filename=/srv/b.iso,read-only=on,locking=true \
	-drive file=/srv/c.iso,media=cdrom,file.locking=maybe
