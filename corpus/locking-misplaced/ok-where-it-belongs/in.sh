#!/bin/sh
# In a -drive it is file.locking, and for the driver file it is locking.
qemu-system-x86_64 -drive file=/srv/a.iso,media=cdrom,file.locking=off \
	-drive file=/srv/b.iso,media=cdrom,file.locking="$L" -drive driver=file,filename=/srv/c.iso,read-only=on,locking=off \
	-blockdev file,node-name=f,filename=/srv/d.iso,read-only=on,locking=auto
