#!/bin/sh
# The short form -enable-kvm goes with both.
qemu-system-x86_64 -machine q35,accel=kvm -enable-kvm -m 2G
qemu-system-x86_64 -machine q35 -accel kvm -m 2G
