#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -gdb tcp:127.0.0.1:1234 -serial telnet:127.0.0.1:4444,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -gdb tcp:127.0.0.1:9000 -incoming tcp:127.0.0.1:6000
qemu-system-x86_64 -M q35 -m 2G -incoming tcp:127.0.0.1:6000
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=c,host=127.0.0.1,port=4446,server=on,wait=off -device isa-serial,chardev=c
