#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -vnc :1
qemu-system-x86_64 -M q35 -m 2G -vnc 0.0.0.0:2,websocket=on
