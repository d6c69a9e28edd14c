#!/bin/sh
qemu-system-x86_64 -M q35,accel=kmv -m 2G
qemu-system-x86_64 -machine type=q35,accel=kvm:tgc -m 2G
qemu-system-x86_64 -machine q35,accel=fastest -m 2G
