#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -boot cdrom
qemu-system-x86_64 -M q35 -m 2G -boot order=cc,menu=on
