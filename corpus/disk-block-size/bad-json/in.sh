#!/bin/bash
qemu-system-x86_64 \
	-blockdev '{"driver":"qcow2","node-name":"d0","file":{"driver":"file","filename":"/srv/d.qcow2"}}' \
	-device '{"driver":"virtio-blk-pci","drive":"d0","logical_block_size":4096}'
