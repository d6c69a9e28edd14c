#!/bin/sh
qemu-system-aarch64 -M q35 -m 2G
qemu-system-x86_64 -M q53 -m 2G
qemu-system-x86_64 -M pc-1.3 -m 2G
