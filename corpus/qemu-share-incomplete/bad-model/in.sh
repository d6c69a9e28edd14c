#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -virtfs local,path=/srv/share,mount_tag=share
qemu-system-x86_64 -M q35 -m 2G -virtfs local,path=/srv/share,security_model=none
