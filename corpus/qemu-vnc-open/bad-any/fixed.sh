#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -vnc 127.0.0.1:1
qemu-system-x86_64 -M q35 -m 2G -vnc 127.0.0.1:2,websocket=on
