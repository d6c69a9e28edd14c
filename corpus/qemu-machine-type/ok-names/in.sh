#!/bin/sh
# A distribution has names of its own, and what the program does not list may be a board's.
qemu-system-x86_64 -M pc-q35-noble -m 2G
qemu-system-x86_64 -M pc-q35-7.2 -m 2G
qemu-system-aarch64 -M virt-6.2 -m 2G
qemu-system-riscv64 -M virt -m 2G
qemu-system-arm -M lab-board -m 64M
qemu-system-i386 -M isapc -m 64M
qemu-system-x86_64 -M $MACHINE -m 2G
