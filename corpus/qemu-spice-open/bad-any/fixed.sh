#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,disable-ticketing=on,addr=127.0.0.1
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,addr=127.0.0.1,disable-ticketing
