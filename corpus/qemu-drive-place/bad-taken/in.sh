#!/bin/sh
qemu-system-x86_64 -m 2G -cdrom /srv/iso/install.iso -drive file=/srv/vm/a.qcow2,format=qcow2,index=2
qemu-system-x86_64 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2 -hda /srv/vm/b.qcow2
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,if=virtio,index=0 -drive file=/srv/vm/b.qcow2,format=qcow2,if=virtio,index=0
qemu-system-x86_64 -M pc -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,index=4
