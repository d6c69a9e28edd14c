#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -display none -daemonize -serial file:/srv/log
qemu-system-x86_64 -M q35 -m 2G -nographic -pidfile /run/daemonize
