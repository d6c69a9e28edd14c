#!/bin/sh
# Options of old and new versions, with one dash and with two, and words that are their values.
qemu-system-x86_64 -M q35 -m 2G --nographic -no-reboot -L bios -fw_cfg name=opt/a,string=b -D log -d guest_errors
qemu-system-aarch64 -M virt -m 2G -cpu cortex-a57 -shim shim.efi -kernel vmlinuz -append "-nographc quiet" -run-with chroot=/srv/jail -dtb virt.dtb
