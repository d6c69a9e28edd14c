#!/bin/sh
qemu-system-x86_64 -hda /srv/a.qcow2,file.locking=off -cdrom "$ISO,file.locking=off"
