#!/bin/sh
qemu-system-x86_64 -hda /srv/a.img
