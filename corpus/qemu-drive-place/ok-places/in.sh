#!/bin/sh
# Drives that say nothing go to the places that are left; each bus counts its own.
qemu-system-x86_64 -m 2G -cdrom /srv/iso/install.iso -drive file=/srv/vm/a.qcow2,format=qcow2 -drive file=/srv/vm/b.qcow2,format=qcow2
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,index=4 -drive file=/srv/vm/b.qcow2,format=qcow2,if=virtio,index=4
qemu-system-x86_64 -M $M -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,bus=0,unit=1 -drive file=/srv/vm/b.qcow2,format=qcow2,index=1
qemu-system-x86_64 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,index=$I -drive file=/srv/vm/b.qcow2,format=qcow2,index=0
