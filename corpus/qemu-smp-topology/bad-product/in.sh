#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -smp 4,sockets=1,cores=2,threads=1
qemu-system-x86_64 -M q35 -m 2G -smp 4,cores=8
qemu-system-x86_64 -M q35 -m 2G -smp cpus=8,maxcpus=4
