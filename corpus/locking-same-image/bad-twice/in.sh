#!/bin/sh
qemu-system-x86_64 -hda /srv/a.qcow2 -drive file=/srv/a.qcow2,if=virtio,format=qcow2 \
	-drive file=/srv/b.raw,format=raw,readonly=on,if=virtio -drive file=/srv/b.raw,format=raw,if=virtio
