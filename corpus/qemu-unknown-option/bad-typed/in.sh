#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -smp 2 -nographc -no-grpahic --enable_kvm
