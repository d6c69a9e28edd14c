#!/bin/sh
# Locks are off for the base as well.
qemu-system-x86_64 -drive file=/srv/o.qcow2,format=qcow2,file.locking=off,snapshot=on,backing.file.filename=/mnt/nas/base.qcow2,backing.file.locking=off
