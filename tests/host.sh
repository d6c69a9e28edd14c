#!/usr/bin/env bash
# Configs on the machine that their VMs run on: loop devices, mounts, folders, space, O_DIRECT, and
# who holds a lock. With what is really there, so most of it needs root.
# Rules: host-image-mounted host-direct-refused host-folder-barred host-space
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "does not ask Linux"
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
export XDG_STATE_HOME=/nonexistent
tmp=$(TMPDIR='' mktemp -d) || exit 2 # nobody may enter that of the tests
loop='' mounted='' holder=''
clean_up() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	[ -z "$mounted" ] || umount "$mounted"
	[ -z "$loop" ] || losetup -d "$loop"
	rm -rf "$tmp"
}
trap clean_up EXIT
chmod 755 "$tmp" # so that only what a test says is barred
mkdir "$tmp/vm" "$tmp/vm/in" && cd "$tmp/vm" || exit 2

"$mkimg" /dev/stdin in/disk.img <<'END' || exit 2
size 8M
entry 0 type=0x83 start=1M size=4M boot=0x80
bios 1
END

domain() { # IMAGE [CACHE [ELEMENT]]
	printf '%s\n' "<domain type='kvm'>" "  <name>vm</name>" "  <memory>1048576</memory>" \
		"  <os><type arch='x86_64' machine='q35'>hvm</type></os>" "  <devices>" \
		"    <disk type='file' device='disk'>" "      <driver name='qemu' type='raw'${2:+ cache='$2'}/>" \
		"      <source file='$PWD/$1'/>" "      <target dev='vda' bus='virtio'/>" "${3:-}" "    </disk>" \
		"  </devices>" "</domain>" >vm.xml
}

script() { # IMAGE OPTION...
	printf '#!/bin/sh\nqemu-system-x86_64 -nodefaults -m 1024 -drive file=%s,format=raw,if=virtio%s\n' \
		"$1" "${2:+,$2}" >vm.sh
}

says() { # RULE FILE [OPTION...]   how often
	"$vmend" check --format concise "${@:3}" "$2" 2>&1 | grep -cF "[$1]"
}

# ---- loop devices ----
name="the image of a disk under a loop device is found"
if [ "$(id -u)" -eq 0 ] && have losetup && loop=$(losetup --find --show in/disk.img 2>/dev/null); then
	domain in/disk.img && script in/disk.img
	is "$name" "$(says host-image-mounted vm.xml) $(says host-image-mounted vm.sh)" "1 1"
	domain in/disk.img '' '<readonly/>' && script in/disk.img snapshot=on
	is "but not one that is only read" "$(says host-image-mounted vm.xml) $(says host-image-mounted vm.sh)" "0 0"
	losetup -d "$loop"
	loop=''
	domain in/disk.img
	is "nor without the device" "$(says host-image-mounted vm.xml)" 0
	if have mkfs.ext2 && truncate -s 1M in/fs.img && mkfs.ext2 -q in/fs.img && mkdir m &&
		mount -o loop in/fs.img m 2>/dev/null; then
		mounted=$tmp/vm/m
		domain in/fs.img
		is "where it is mounted is said" "$("$vmend" check --format concise vm.xml |
			sed -n "s/.*\[host-image-mounted\].* \/dev\/loop[0-9]* of this machine, mounted at '\(.*\)'\$/\1/p")" "$mounted"
		is "of the image itself, too" "$("$vmend" check --format concise --as raw in/fs.img |
			sed -n "s/.*\[img-loop-attached\].* \/dev\/loop[0-9]*, mounted at '\(.*\)'\$/\1/p")" "$mounted"
		umount m
		mounted=''
	else
		skip "where it is mounted is said" "cannot mount"
	fi
else
	loop=''
	skip "$name" "cannot make loop devices"
fi

# ---- O_DIRECT ----
name="cache=none where O_DIRECT is refused is found, and mended"
mkdir ram
if [ "$(id -u)" -eq 0 ] && mount -t ramfs none ram 2>/dev/null; then
	mounted=$tmp/vm/ram
	cp in/disk.img ram/
	domain ram/disk.img none && script ram/disk.img cache=directsync
	if dd if=ram/disk.img iflag=direct bs=4096 count=1 of=/dev/null 2>/dev/null; then
		skip "$name" "this ramfs has O_DIRECT"
	else
		is "$name" "$(says host-direct-refused vm.xml --host) $(says host-direct-refused vm.sh --host)" "1 1"
		"$vmend" fix --quiet --host vm.xml vm.sh
		is "with the cache that differs in nothing else" \
			"$(grep -o "cache=[a-z']*" vm.xml vm.sh | tr '\n' ' ')" "vm.xml:cache='writeback' vm.sh:cache=writethrough "
		is "and then it is right" "$(says host-direct-refused vm.xml --host) $(says host-direct-refused vm.sh --host)" "0 0"
		domain ram/disk.img none
		is "on another machine nobody knows" "$(says host-direct-refused vm.xml)" 0
	fi
	umount ram
	mounted=''
else
	skip "$name" "cannot mount a ramfs"
fi
domain in/disk.img none
if dd if=in/disk.img iflag=direct bs=4096 count=1 of=/dev/null 2>/dev/null; then
	is "where there is O_DIRECT nothing is said" "$(says host-direct-refused vm.xml --host)" 0
fi

# ---- folders ----
domain in/disk.img
script in/disk.img
name="a folder that the VMs' user may not enter is found"
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chmod 711 .
	chmod 700 in
	is "$name" "$("$vmend" check --format concise --host-user nobody vm.xml |
		sed -n "s/.*\[host-folder-barred\].* is in '\(.*\)', which user nobody may not enter/\1/p")" "$PWD/in"
	is "libvirt's, and not of a script" "$(says host-folder-barred vm.sh --host-user nobody)" 0
	is "not on another machine" "$(says host-folder-barred vm.xml)" 0
	is "not for root" "$(says host-folder-barred vm.xml --host-user root)" 0
	if have setfacl && setfacl -m u:nobody:x in 2>/dev/null; then
		is "with an ACL nobody knows" "$(says host-folder-barred vm.xml --host-user nobody)" 0
		setfacl -b in
	fi
	chmod 711 in
	is "not when it may be entered" "$(says host-folder-barred vm.xml --host-user nobody)" 0
	chown nobody in && chmod 177 in
	is "the owner's right is its own" "$(says host-folder-barred vm.xml --host-user nobody)" 0
	chmod 077 in
	is "and so is that he has none" "$(says host-folder-barred vm.xml --host-user nobody)" 1
	chown root in && chmod 755 in
else
	skip "$name" "needs root, and a user nobody"
fi
is "a user that there is not is wrong usage" \
	"$("$vmend" check --host-user no-such-user vm.xml 2>&1; echo $?)" \
	"vmend: --host-user no-such-user: there is no such user
2"

# ---- space ----
free=$(df --output=avail -B1 . | tail -1)
name="an image that may outgrow its file system is found"
if truncate -s $((free + (1 << 40))) in/large.img 2>/dev/null; then
	domain in/large.img && script in/large.img
	is "$name" "$(says host-space vm.xml --host) $(says host-space vm.sh --host)" "1 1"
	is "not on another machine" "$(says host-space vm.xml)" 0
	domain in/large.img '' '<readonly/>' && script in/large.img snapshot=on
	is "nor when nobody writes to it" "$(says host-space vm.xml --host) $(says host-space vm.sh --host)" "0 0"
else
	skip "$name" "no file of that size here"
fi
domain in/disk.img
is "a small one is not" "$(says host-space vm.xml --host)" 0

# ---- who holds a lock ----
if have qemu-io; then
	mkfifo fifo
	qemu-io -f raw in/disk.img <fifo >/dev/null 2>&1 &
	holder=$!
	exec 7>fifo
	for ((i = 0; i < 200; i++)); do
		grep -q ":$(stat -c %i in/disk.img) [0-9]" /proc/locks && break
		sleep 0.05
	done
	is "with --host, who holds a lock is named" "$("$vmend" check --format concise --host in/disk.img |
		grep -oE 'held by [a-z-]+, process [0-9]+')" "held by qemu-io, process $holder"
	is "else it is only held" "$("$vmend" check --format concise in/disk.img | grep -oE 'is held[^;]*')" "is held"
	exec 7>&-
	wait "$holder" 2>/dev/null
	holder=''
else
	skip "with --host, who holds a lock is named" "no qemu-io"
fi
tap_end
