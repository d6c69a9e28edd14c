#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -monitor telnet:127.0.0.1:4444,server,nowait
qemu-system-x86_64 -M q35 -m 2G -qmp tcp:127.0.0.1:4445,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=m,port=4446,server=on,wait=off,host=127.0.0.1 -mon chardev=m,mode=control
