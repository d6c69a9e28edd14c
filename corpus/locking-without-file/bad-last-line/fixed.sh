#!/bin/bash
args=(-m 1G
)
qemu-system-x86_64 "${args[@]}" -cdrom /srv/a.iso
