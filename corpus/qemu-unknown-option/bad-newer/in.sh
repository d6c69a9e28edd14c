#!/bin/sh
# It is like none that there is: one of a newer QEMU, or of one with changes.
qemu-system-x86_64 -M q35 -m 2G -fast-reload pool -display none
