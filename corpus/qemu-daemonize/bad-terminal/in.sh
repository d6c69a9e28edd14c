#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -nographic -daemonize
qemu-system-x86_64 -M q35 -m 2G -display none -daemonize -monitor stdio
