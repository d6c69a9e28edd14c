#!/bin/sh
# It listens on this machine alone, or connects to somebody and does not listen.
qemu-system-x86_64 -M q35 -m 2G -gdb tcp:127.0.0.1:1234 -serial telnet:127.0.0.1:4444,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -gdb unix:/run/gdb.sock,server=on,wait=off -incoming defer
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=c,host=192.0.2.7,port=4446 -device isa-serial,chardev=c
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=c,port=4446,server=on,tls-creds=t -object tls-creds-x509,id=t,dir=/etc/pki,endpoint=server -device isa-serial,chardev=c
