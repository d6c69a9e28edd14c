#!/bin/sh
# Numbers in all of QEMU's ways, and words that are put in later.
qemu-system-x86_64 -M q35,accel=kvm:hvf:tcg -m 1.5G -smp 0x4
qemu-system-x86_64 -M pc,accel=$ACCEL:tcg -m 4096 -smp "$(nproc)"
qemu-system-x86_64 -M pc -m 4g -smp @cpus@,cores=CORES
