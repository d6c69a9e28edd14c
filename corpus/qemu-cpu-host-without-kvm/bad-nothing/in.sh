#!/bin/sh
qemu-system-x86_64 -M q35 -cpu host -m 2G
