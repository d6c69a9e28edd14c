#!/bin/sh
# None is written to, but for one on a share that may have no locks at all.
qemu-system-x86_64 -drive file=/srv/a.iso,media=cdrom,file.locking=off \
	-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd,file.locking=off \
	-drive file=/srv/b.qcow2,snapshot=on,file.locking=off \
	-drive file=/srv/c.raw,readonly="$RO",file.locking=off \
	-drive file=/mnt/nas/d.qcow2,if=virtio,file.locking=off -drive file=/srv/e.raw,if=virtio,file.locking=auto
