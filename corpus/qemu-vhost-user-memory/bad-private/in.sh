#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=fs,path=/run/fs.sock -device vhost-user-fs-pci,chardev=fs,tag=share
