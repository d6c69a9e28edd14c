#!/bin/sh
qemu-system-x86_64 \
  -cdrom '/srv/a,b.iso,file.locking=off' \
  -m 1G
