#!/bin/sh
qemu-system-x86_64 -m 2G -drive "file=/mnt/nas/Win 10,,22H2.iso,media=cdrom,index=2,file.locking=off" -hda /srv/win.qcow2
