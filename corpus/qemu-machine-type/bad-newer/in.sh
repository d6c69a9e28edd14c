#!/bin/sh
qemu-system-x86_64 -M pc-q35-8.1 -m 2G
