#!/bin/sh
# In -machine accel= takes a list; -accel is given once for each.
qemu-system-x86_64 -M q35,accel=kvm:tcg -m 2G -nographic
qemu-system-x86_64 -M q35 -accel kvm -accel tcg,thread=multi -m 2G
