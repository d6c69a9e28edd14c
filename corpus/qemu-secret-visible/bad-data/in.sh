#!/bin/sh
qemu-system-x86_64 -M q35 -m 2G -object secret,id=luks,data=hunter2 -spice port=5900,password=$PASSWORD
