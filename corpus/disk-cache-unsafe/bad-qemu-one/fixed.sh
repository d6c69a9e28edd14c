#!/bin/sh
exec qemu-system-x86_64 -m 1G -drive file=disk.qcow2,format=qcow2
