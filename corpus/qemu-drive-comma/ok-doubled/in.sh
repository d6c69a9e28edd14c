#!/bin/sh
# The comma of the name is doubled, and what is behind the other ones are options.
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/web,,old.qcow2,format=qcow2
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/web.qcow2,readonly,format=qcow2,if=virtio
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a,$X.qcow2,format=qcow2
