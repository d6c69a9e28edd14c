#!/bin/sh
qemu-system-x86_64 -m 2G -display curses -no-hpet
