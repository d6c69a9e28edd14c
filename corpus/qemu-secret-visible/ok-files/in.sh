#!/bin/sh
# The secret is in a file, or is encrypted with one that is.
qemu-system-x86_64 -M q35 -m 2G -object secret,id=master,file=/etc/vm/key -object secret,id=luks,data=$DATA,keyid=master,iv=$IV,format=base64 -spice port=5900,addr=127.0.0.1,password-secret=luks
