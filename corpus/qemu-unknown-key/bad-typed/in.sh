#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -smp 4,foo=1 -boot ordr=d
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,fromat=qcow2 -drive file=/srv/vm/b.qcow2,format=qcow2,ifs=virtio -netdev user,id=n,hostfw=tcp::2222-:22 -device virtio-net-pci,netdev=n
