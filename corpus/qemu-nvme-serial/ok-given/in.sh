#!/bin/sh
# The serial number may come from -global, or be in the variable.
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=a -device nvme,drive=a,serial=first
qemu-system-x86_64 -M q35 -m 2G -global nvme.serial=one -drive file=/srv/vm/a.qcow2,format=qcow2,if=none,id=a -device nvme,drive=a
qemu-system-x86_64 -M q35 -m 2G -device nvme,$NVME
