#!/bin/sh
qemu-system-x86_64 -M q35 -m 8G,slots=4,maxmem=4G
qemu-system-x86_64 -M q35 -m 8G,slots=4
