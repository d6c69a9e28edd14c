#!/bin/sh
# The memory has share=on, or may be in the variable.
qemu-system-x86_64 -M q35,memory-backend=mem -m 2G -object memory-backend-memfd,id=mem,size=2G,share=on -chardev socket,id=fs,path=/run/fs.sock -device vhost-user-fs-pci,chardev=fs,tag=share
qemu-system-x86_64 -M q35 -m 2G $MEM -chardev socket,id=fs,path=/run/fs.sock -device vhost-user-fs-pci,chardev=fs,tag=share
