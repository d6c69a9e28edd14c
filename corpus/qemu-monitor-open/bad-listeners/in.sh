#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -monitor telnet::4444,server,nowait
qemu-system-x86_64 -M q35 -m 2G -qmp tcp:0.0.0.0:4445,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=m,port=4446,server=on,wait=off -mon chardev=m,mode=control
