#!/bin/sh
# A CD-ROM may be empty, and a key may be in the variable.
qemu-system-x86_64 -M q35 -m 2G -device ide-cd -device virtio-net-pci -netdev $NET
qemu-system-x86_64 -M q35 -m 2G -device virtio-scsi-pci -device scsi-cd -device virtio-blk-pci,$DISK
