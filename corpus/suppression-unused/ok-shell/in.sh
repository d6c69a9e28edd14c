#!/bin/sh
# vmend: ignore[disk-cache-unsafe] scratch
qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,cache=unsafe,if=virtio
