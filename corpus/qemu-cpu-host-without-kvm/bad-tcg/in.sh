#!/bin/sh
qemu-system-aarch64 -M virt -accel tcg -cpu host -m 2G
