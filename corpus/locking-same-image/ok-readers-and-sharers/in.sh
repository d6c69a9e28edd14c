#!/bin/sh
# CD-ROMs are only read, snapshot=on keeps the image, and share-rw=on is meant.
qemu-system-x86_64 -cdrom /srv/a.iso -drive file=/srv/a.iso,media=cdrom,index=3 \
	-drive file=/srv/b.qcow2,snapshot=on -drive file=/srv/b.qcow2,snapshot=on \
	-drive if=none,id=c,file=/srv/c.raw,format=raw -device virtio-blk-pci,drive=c,share-rw=on \
	-drive if=none,id=d,file=/srv/c.raw,format=raw -device virtio-blk-pci,drive=d,share-rw=on \
	-drive if=virtio,file="$X" -drive if=virtio,file="$Y" -drive if=virtio,file=nbd:h:1 -drive if=virtio,file=nbd:h:1
