#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -nographic -monitor stdio
qemu-system-x86_64 -M q35 -m 2G -serial stdio -monitor stdio
