#!/bin/sh
qemu-system-x86_64 -m 2G -no-hpet -no-acpi -runas vm
