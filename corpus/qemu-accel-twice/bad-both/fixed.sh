#!/bin/sh
qemu-system-x86_64 -machine q35 -accel kvm -m 2G
qemu-system-x86_64 -machine q35,accel=tcg -accel kvm -m 2G
