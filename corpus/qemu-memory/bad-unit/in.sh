#!/bin/sh
qemu-system-x86_64 -M q35 -m 2GB
qemu-system-x86_64 -M q35 -m size=512MiB,slots=2,maxmem=4G
