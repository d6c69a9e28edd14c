#!/bin/sh
qemu-system-x86_64 -M q35 -accel kvm -cpu host -m 2G
