#!/bin/sh
# The target is QEMU 8.2, which has the option still.
qemu-system-x86_64 -m 2G -no-hpet -no-acpi -runas vm
