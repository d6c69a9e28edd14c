#!/bin/sh
# Clusters of 1 MiB need fewer entries: the cache of 32 MiB is enough for 4 TiB.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
