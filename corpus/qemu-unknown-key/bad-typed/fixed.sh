#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -smp 4,foo=1 -boot order=d
qemu-system-x86_64 -M q35 -m 2G -drive file=/srv/vm/a.qcow2,format=qcow2 -drive file=/srv/vm/b.qcow2,format=qcow2,if=virtio -netdev user,id=n,hostfwd=tcp::2222-:22 -device virtio-net-pci,netdev=n
