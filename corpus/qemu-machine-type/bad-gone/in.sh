#!/bin/sh
qemu-system-x86_64 -M pc-i440fx-2.1 -m 2G
qemu-system-x86_64 -M pc-q35-5.0 -m 2G
