#!/bin/sh
qemu-system-x86_64 -drive file=/mnt/nas/a.iso,media=cdrom,file.locking=on,file.locking=off \
	-drive if=none,id=cd1,file=/mnt/nas/b.iso,readonly=on -set drive.cd1.file.locking=off
