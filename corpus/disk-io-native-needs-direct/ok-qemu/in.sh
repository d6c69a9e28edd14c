#!/bin/sh
# With cache.direct=on or cache=directsync the host does not cache the disk.
qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,aio=native,cache.direct=on \
	-drive file=/srv/b.raw,format=raw,aio=native,cache=$C -drive file=/srv/c.raw,format=raw,cache=directsync,aio=native
