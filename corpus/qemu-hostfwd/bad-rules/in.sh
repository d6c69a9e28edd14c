#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp::2222:22
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp:2222-:22
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=2222-:22
qemu-system-x86_64 -M q35 -m 2G -net nic -net user,hostfwd=tcp::2222-22
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp::72222-:22
qemu-system-x86_64 -M q35 -m 2G -netdev user,id=n,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp::2222-:80 -device e1000,netdev=n
