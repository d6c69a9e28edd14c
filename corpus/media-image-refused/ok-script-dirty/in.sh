#!/bin/sh
# The image is marked dirty, not corrupt: QEMU opens it, and repairs its refcounts.
qemu-system-x86_64 -machine q35 -m 512 -drive file=disk.img,format=qcow2,if=virtio
