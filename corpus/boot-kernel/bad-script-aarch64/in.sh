#!/bin/sh
qemu-system-aarch64 -machine virt -cpu max -m 512 -kernel vmlinuz
