#!/bin/sh
# Each letter is there once; what is in a variable is not known.
qemu-system-x86_64 -M q35 -m 2G -boot cdn
qemu-system-x86_64 -M q35 -m 2G -boot once=d,order=c,menu=on
qemu-system-x86_64 -M q35 -m 2G -boot $ORDER
