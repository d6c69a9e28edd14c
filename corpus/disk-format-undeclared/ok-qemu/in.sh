#!/bin/sh
# QEMU itself looks at the image where no format is named; libvirt does not.
qemu-system-x86_64 -hda /srv/a.img
