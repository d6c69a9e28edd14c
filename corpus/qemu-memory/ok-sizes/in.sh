#!/bin/sh
# A number alone is of MiB, and parts of a GiB are right.
qemu-system-x86_64 -M q35 -m 2048
qemu-system-x86_64 -M q35 -m 2.5G
qemu-system-x86_64 -M q35 -m 4096,slots=2,maxmem=8G
qemu-system-x86_64 -M q35 -m ${GB}GB
qemu-system-x86_64 -M q35 -m 4096B
