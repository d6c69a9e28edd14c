#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/web,,old.qcow2,format=qcow2
