#!/bin/sh
# It listens on this machine alone, or asks for a password.
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,addr=127.0.0.1,disable-ticketing=on
qemu-system-x86_64 -M q35 -m 2G -spice unix=on,addr=/run/spice.sock,disable-ticketing=on
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,addr=$ADDR,disable-ticketing=on
qemu-system-x86_64 -M q35 -m 2G -spice port=5930
