#!/bin/sh
qemu-system-x86_64 -m 2G -cdrom "/mnt/nas/Win 10,22H2.iso" -hda /srv/win.qcow2
