#!/bin/sh
# What is not set QEMU computes from the rest.
qemu-system-x86_64 -M q35 -m 2G -smp 8,sockets=1,cores=4,threads=2
qemu-system-x86_64 -M q35 -m 2G -smp 8,cores=4
qemu-system-x86_64 -M q35 -m 2G -smp 4,maxcpus=8,sockets=2
qemu-system-x86_64 -M q35 -m 2G -smp cores=2,threads=2
qemu-system-x86_64 -M q35 -m 2G -smp $N,sockets=1,cores=2,threads=1
qemu-system-x86_64 -M q35 -m 2G -smp 4 -smp sockets=1,cores=2
