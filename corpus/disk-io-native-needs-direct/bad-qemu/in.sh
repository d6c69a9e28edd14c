#!/bin/sh
qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,aio=native \
	-drive file=/srv/b.raw,format=raw,aio=native,cache=none,cache.direct=off
