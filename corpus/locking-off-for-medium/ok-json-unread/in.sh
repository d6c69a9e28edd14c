#!/bin/bash
# A variable for all of a file's options, what is no JSON, and a name that is JSON.
qemu-system-x86_64 \
	-blockdev "{\"driver\":\"raw\",\"node-name\":\"a\",\"read-only\":true,\"file\":$FILE}" \
	-blockdev "{\"driver\":\"raw\",\"node-name\":\"b\",\"read-only\":true,\"file\":{\"driver\":\"file\",\"filename\":\"$ISO\"}}" \
	-blockdev '{"driver":"raw","node-name":"c","read-only":true,"file":{"driver":"file","filename":"/mnt/nas/x.iso"}' \
	-drive 'file=json:{"driver":"raw",,"file":{"driver":"file",,"filename":"/mnt/nas/x.iso"}},media=cdrom' \
	-blockdev '{"driver":"raw","node-name":"e","read-only":true,"file":{"driver":"file","filename":"/mnt/nas/x.iso","locking":"off"}}' \
	-blockdev '{"driver":"raw","node-name":"f","read-only":true,"file":{"driver":"https","url":"https://example.org/x.iso"}}'
