#!/bin/sh
# With -U qemu-img asks for no lock; to write or to convert it has to have one.
qemu-img create -f qcow2 /srv/a.qcow2 10G
qemu-img info -U /srv/a.qcow2
qemu-img check --force-share /srv/a.qcow2
qemu-img check -r leaks /srv/a.qcow2
qemu-img convert -O raw /srv/a.qcow2 /srv/a.raw
qemu-img info "$OTHER"
qemu-img info /srv/a.iso
qemu-img info $FLAGS /srv/a.qcow2
qemu-kvm -hda /srv/a.qcow2 -cdrom /srv/a.iso
