#!/bin/bash
qemu-system-x86_64 \
	-blockdev '{"driver":"raw","node-name":"a","read-only":true,"file":{"driver":"file","filename":"/srv/a.iso","locking":"off"}}' \
	-blockdev '{"driver":"raw","node-name":"b","read-only":true,"file":{"driver":"file","filename":"/srv/b.iso","locking":"off"}}' \
	-blockdev '{"driver":"raw","node-name":"c","locking":"off","file":"f"}'
