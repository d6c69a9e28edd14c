#!/bin/sh
qemu-system-x86_64 -m 2G -device usb-tablet -device qemu-xhci
