#!/bin/bash
qemu-system-x86_64 -machine q35 \
	-blockdev '{"driver":"raw","node-name":"cd0","read-only":true,"file":{"driver":"file","filename":"/mnt/nas/x.iso","locking":"off"}}' \
	-device ide-cd,drive=cd0 \
	-blockdev "{ \"driver\": \"file\", \"node-name\": \"f1\", \"filename\": \"/mnt/nas/y.iso\", \"read-only\": true, \"locking\": \"off\" }" \
	-blockdev driver=raw,node-name=cd1,file=f1,read-only=on \
	-device '{"driver": "ide-cd", "drive": "cd1"}' \
	-blockdev '{
		"driver": "raw",
		"node-name": "cd2",
		"read-only": true,
		"file": {
			"driver": "file",
			"filename": "/mnt/nas/z.iso",
			"locking": "off"
		}
	}' -device ide-cd,drive=cd2
