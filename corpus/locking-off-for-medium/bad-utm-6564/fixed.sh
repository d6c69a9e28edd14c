#!/bin/sh
# Windows 10, as UTM 4.5.3 starts it. The ISO is on the NAS (SMB).
exec qemu-system-x86_64 -nodefaults -machine q35,vmport=off -m 4096 -smp 4 \
	-drive if=none,media=cdrom,id=driveD1A86380,file=/mnt/nas/Win10.iso,readonly=on,file.locking=off \
	-device ide-cd,bus=ide.0,drive=driveD1A86380,bootindex=0 \
	-drive if=none,media=disk,id=drive7B3C21F0,file=/home/me/Win10.utm/Data/disk.qcow2,discard=unmap,detect-zeroes=unmap \
	-device ide-hd,bus=ide.1,drive=drive7B3C21F0,bootindex=1
