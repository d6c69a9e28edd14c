#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G
qemu-system-x86_64 -M q35 -m size=512M,slots=2,maxmem=4G
