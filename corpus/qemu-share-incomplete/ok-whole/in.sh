#!/bin/sh
# The share has all three, or what it lacks may be in the variable.
qemu-system-x86_64 -M q35 -m 2G -virtfs local,path=/srv/share,mount_tag=share,security_model=mapped-xattr
qemu-system-x86_64 -M q35 -m 2G -fsdev local,id=f,path=/srv/share,security_model=mapped-file -device virtio-9p-pci,fsdev=f,mount_tag=share
qemu-system-x86_64 -M q35 -m 2G -virtfs local,$SHARE
