#!/bin/sh
# Parts between dashes, and of one digit, are right; a variable's part is not known.
qemu-system-x86_64 -M q35 -m 2G -nic user,mac=52-54-0-12-34-56 -nic user,mac=52:54:00:12:34:57
qemu-system-x86_64 -M q35 -m 2G -nic user,mac=52:54:00:$(openssl rand -hex 1):34:56
qemu-system-x86_64 -M q35 -m 2G -nic user,mac=52:54:00:12:34:56
