#!/bin/sh
# What is like no key of -drive and -netdev may be one of a driver, or of a newer version.
qemu-system-x86_64 -M q35 -m 2G -smp 4,modules=2 -drive driver=newer,file=/srv/vm/a.img,frob=1 -netdev user,id=n,frob=1,$MORE -boot menu=on,strict=on -device virtio-net-pci,netdev=n
qemu-system-x86_64 -M q35 -m 2G -smp 4,@more@=2,$KEY=1 -drive file.driver=newer,FILE=1
