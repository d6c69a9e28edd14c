#!/bin/sh
# The file has another option, or may be in the variable.
qemu-system-x86_64 -drive file.filename=/srv/a.iso,media=cdrom,file.locking=off \
	-drive file.driver=file,file.locking=off,media=cdrom,"$REST" -drive "$OPTS,file.locking=off"
