#!/usr/bin/env bash
# Hybrid MBRs as sgdisk makes them, on disks that then grow, lose a copy of their GPT or get
# another partition:
#
#   - one that is in step is no finding that fails, and no repair changes a byte of it
#   - one that is out of step is found where sgdisk finds it, and mended to the bytes that
#     `sgdisk --hybrid` writes for the table as it is now
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
mounts=$PWD/tests/lib/mountinfo
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have sgdisk cmp || {
	skip "hybrid MBRs" "sgdisk or cmp is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

make_disk() { # HYBRID [SIZE-OF-PARTITION-2]
	rm -f disk.raw disk.raw.vmend-undo
	truncate -s 64M disk.raw
	sgdisk -n 1:2048:+8M -t 1:ef00 -n "2:18432:+${2:-20M}" -n 3:90112:0 disk.raw &&
		sgdisk -h "$1" disk.raw
} >/dev/null 2>&1

check() {
	"$vmend" check --format concise --host-mounts "$mounts" disk.raw
}

fix() {
	"$vmend" fix --unsafe-fixes --host-mounts "$mounts" disk.raw
}

mbr() { # the entries and the signature
	tail -c +447 disk.raw | head -c 66 | od -An -tx1
}

# What is wrong after a repair; nothing else may be left than the note on the hybrid MBR.
complaints() { # MBR   the entries as they must be
	local said left
	said=$(sgdisk -v disk.raw 2>&1)
	[[ $said == *"No problems found"* ]] || printf 'sgdisk: %s\n' "$said"
	left=$(check | grep -v 'note\[pmbr-extra\]')
	[ -z "$left" ] || printf 'left: %s\n' "$left"
	[ "$(mbr)" = "$1" ] || printf 'the MBR is\n%s\nand not\n%s\n' "$(mbr)" "$1"
}

try() { # NAME   after the damage: mends, judges against $want, undoes
	local said
	cp disk.raw damaged.raw
	said=$(fix 2>&1) || true
	silent "$1" "$(complaints "$want" || true)"
	"$vmend" undo disk.raw >/dev/null 2>&1
	if cmp -s disk.raw damaged.raw; then ok "$1, and undone"; else not_ok "$1, and undone" "$said"; fi
}

for layout in 1:2 1:2:EE 3:EE; do
	make_disk $layout || {
		not_ok "hybrid $layout" "sgdisk does not make it"
		continue
	}
	want=$(mbr)
	cp disk.raw whole.raw
	silent "hybrid $layout: in step" "$(complaints "$want")"

	truncate -s 128M disk.raw
	try "hybrid $layout: the disk has grown"

	cp whole.raw disk.raw
	dd if=/dev/zero of=disk.raw bs=512 seek=1 count=33 conv=notrunc status=none
	try "hybrid $layout: no primary"

	truncate -s 128M disk.raw
	try "hybrid $layout: no primary, and the disk has grown"

	cp whole.raw disk.raw
	dd if=/dev/zero of=disk.raw bs=512 seek=131039 count=33 conv=notrunc status=none
	try "hybrid $layout: no backup"
done

# The entry of partition 2 is kept, and the table below it changed.
for size in 12M 30M; do
	for layout in 1:2 2:EE; do
		make_disk $layout
		head -c 512 disk.raw >stale
		make_disk $layout $size
		want=$(mbr)
		dd if=stale of=disk.raw conv=notrunc status=none
		said=$(sgdisk -v disk.raw 2>&1)
		found=$(check)
		if [[ $said == *Mismatched* && $found == *'error[pmbr-hybrid-mismatch]'* ]]; then
			ok "hybrid $layout: partition 2 has now $size, which both find"
		else
			not_ok "hybrid $layout: partition 2 has now $size" "$said"$'\n'"$found"
		fi
		try "hybrid $layout: partition 2 has now $size"
	done
done
tap_end
