#!/bin/sh
# The serial port goes into a file, and -display none wants no terminal.
qemu-system-x86_64 -M q35 -m 2G -display none -daemonize -serial file:/srv/log
qemu-system-x86_64 -M q35 -m 2G -nographic -pidfile /run/daemonize
