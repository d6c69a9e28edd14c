#!/bin/sh
# It listens on this machine alone, or is a socket of the file system.
qemu-system-x86_64 -M q35 -m 2G -monitor telnet:127.0.0.1:4444,server,nowait
qemu-system-x86_64 -M q35 -m 2G -monitor telnet:localhost:4444,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -qmp unix:/run/vm.sock,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -monitor tcp:192.0.2.7:4444
qemu-system-x86_64 -M q35 -m 2G -monitor tcp:$ADDR:4444,server=on
