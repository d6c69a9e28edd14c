#!/bin/sh
# It listens on this machine alone, or asks for a password (password=on, sasl=on).
qemu-system-x86_64 -M q35 -m 2G -vnc 127.0.0.1:1
qemu-system-x86_64 -M q35 -m 2G -vnc unix:/run/vnc.sock
qemu-system-x86_64 -M q35 -m 2G -vnc :1,password=on
qemu-system-x86_64 -M q35 -m 2G -vnc :1,sasl=on
qemu-system-x86_64 -M q35 -m 2G -vnc $ADDR:1
qemu-system-x86_64 -M q35 -m 2G -vnc none
