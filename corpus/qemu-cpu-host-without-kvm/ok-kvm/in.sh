#!/bin/sh
# KVM comes from -machine, from the program's name, or may be in a variable.
qemu-system-x86_64 -M q35,accel=kvm:tcg -cpu host -m 2G
qemu-system-x86_64 -M q35 -cpu host -m 2G $KVM
qemu-system-x86_64 -M q35 -cpu max -m 2G
kvm -cpu host,migratable=off -m 2G
