#!/bin/sh
virtual=$(qemu-img info --output=json /srv/a.qcow2)
qemu-img info -U /srv/a.qcow2
qemu-kvm -hda /srv/a.qcow2
