#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -s -serial telnet::4444,server=on,wait=off
qemu-system-x86_64 -M q35 -m 2G -gdb tcp::9000 -incoming tcp:0:6000
qemu-system-x86_64 -M q35 -m 2G -incoming tcp::6000
qemu-system-x86_64 -M q35 -m 2G -chardev socket,id=c,host=0.0.0.0,port=4446,server=on,wait=off -device isa-serial,chardev=c
