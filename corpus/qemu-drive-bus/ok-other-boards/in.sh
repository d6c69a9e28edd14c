#!/bin/sh
# The board has such a bus: SCSI on versatilepb, SD on raspi3b.
qemu-system-arm -M versatilepb -drive file=/srv/vm/root.qcow2,format=qcow2,if=scsi
qemu-system-aarch64 -M raspi3b -drive file=/srv/vm/sd.img,format=raw,if=sd
qemu-system-x86_64 -M q35 -drive file=/srv/vm/root.qcow2,format=qcow2,if=$BUS -drive file=/srv/a.raw,format=raw,if=ide
