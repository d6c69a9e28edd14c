#!/bin/bash
args=(-m 1G
      -drive file.locking=off)
qemu-system-x86_64 "${args[@]}" -cdrom /srv/a.iso \
	-drive file.locking=off
