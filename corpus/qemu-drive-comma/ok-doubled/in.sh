#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/web,,old.qcow2,format=qcow2
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/web.qcow2,readonly,format=qcow2,if=virtio
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a,$X.qcow2,format=qcow2
