#!/bin/sh
qemu-system-x86_64 \
  -drive 'file=/srv/a,,b.iso,media=cdrom,index=2,file.locking=off' \
  -m 1G
