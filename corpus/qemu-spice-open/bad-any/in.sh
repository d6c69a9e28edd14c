#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,disable-ticketing=on
qemu-system-x86_64 -M q35 -m 2G -spice port=5930,addr=0.0.0.0,disable-ticketing
