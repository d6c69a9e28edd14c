#!/bin/sh
qemu-system-x86_64 -drive file=/srv/a.iso,media=cdrom,locking=off \
	-drive file=/srv/b.iso,media=cdrom,"locking"=off,file.locking=on \
	-blockdev raw,node-name=c,read-only=on,file.driver=file,file.filename=/srv/c.iso,locking=off
