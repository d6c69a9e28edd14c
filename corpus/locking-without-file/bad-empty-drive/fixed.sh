#!/bin/sh
qemu-system-x86_64 -drive if=none,id=cd0 -device ide-cd,drive=cd0
