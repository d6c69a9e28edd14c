#!/bin/sh
qemu-system-x86_64 -m 2G -cdrom /mnt/nas/a.iso -drive file=/srv/b.iso,media=cdrom,index=2
