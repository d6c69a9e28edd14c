#!/bin/sh
# What a variable holds may end with an option that takes the next word, and a name with a
# placeholder in it is written later.
qemu-system-x86_64 -M q35 -m 2G $MORE -nographc
qemu-system-x86_64 -M q35 -m 2G -@DISPLAY@ "$@"
qemu-system-x86_64 -M q35 -m 2G "-$OPTION" none
