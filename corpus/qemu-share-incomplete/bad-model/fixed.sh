#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -virtfs local,path=/srv/share,mount_tag=share,security_model=mapped-xattr
qemu-system-x86_64 -M q35 -m 2G -virtfs local,path=/srv/share,security_model=none
