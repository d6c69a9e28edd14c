#!/bin/sh
# Addresses may be empty; a port may be taken for TCP and UDP, or at two addresses.
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp::2222-:22,hostfwd=udp::2222-:22
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=:127.0.0.1:2222-10.0.2.15:22,hostfwd=tcp:127.0.0.2:2222-:80
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp::$PORT-:22
qemu-system-x86_64 -M q35 -m 2G -nic user,hostfwd=tcp:[::1]:2222-:22
