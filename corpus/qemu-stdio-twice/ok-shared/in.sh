#!/bin/sh
# With mon:stdio or mux=on the monitor and the serial port share the terminal.
qemu-system-x86_64 -M q35 -m 2G -nographic -serial mon:stdio
qemu-system-x86_64 -M q35 -m 2G -nographic -monitor none -serial stdio
qemu-system-x86_64 -M q35 -m 2G -display none -serial stdio
qemu-system-x86_64 -M q35 -m 2G -nographic -chardev stdio,id=a,mux=on -mon chardev=a -serial chardev:a
