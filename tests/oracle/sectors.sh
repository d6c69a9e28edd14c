#!/usr/bin/env bash
# Sectors of 512 and of 4096 bytes, against fdisk, sgdisk, e2fsck and, where a loop device
# can be made, the kernel:
#
#   - a GPT that `vmend fix --convert-sector-size` wrote has the same byte ranges as before,
#     for fdisk as for the kernel, and the file system in it is untouched
#   - there and back again is the same disk; `vmend undo` gives the input back
#   - what sgdisk does to a guest's disk on a host's device of 4096-byte sectors is found,
#     and the table restored
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have fdisk sgdisk mkfs.ext4 e2fsck cmp || {
	skip "sector sizes" "fdisk, sgdisk, mkfs.ext4, e2fsck or cmp is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d) || exit 2
loop=
detach() {
	[ -z "$loop" ] || losetup -d "$loop"
	loop=
}
trap 'detach; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

attach() { # FILE SECTOR-SIZE   sets loop; false where none can be made
	have losetup && loop=$(losetup --find --show -b "$2" "$1" 2>/dev/null) || loop=
	[ -n "$loop" ]
}

ranges() { # FILE SECTOR-SIZE   as bytes, in the order of the table
	fdisk -b "$2" -l -o Start,End,Type "$1" 2>/dev/null |
		awk -v ss="$2" '$1 + 0 > 0 && seen { print $1 * ss, ($2 + 1) * ss, $3, $4 }
			/^ *Start/ { seen = 1 }'
}

cat >recipe <<'END'
size 64M
gpt style=fdisk
part 1 start=1M size=8M name="EFI" type=esp
part 2 start=9M size=40M name="root"
part 5 start=50M size=4M name="gap"
END
"$mkimg" recipe disk.raw || exit 2
mkfs.ext4 -q -b 4096 -E offset=$((9 << 20)) disk.raw 10240 || exit 2
cp disk.raw before.raw
before=$(ranges disk.raw 512)
is "fdisk sees three partitions" "$(wc -l <<<"$before")" 3

# ---- there ----

"$vmend" fix --convert-sector-size 4096 disk.raw >out 2>&1
is "the conversion to 4096 exits 0" $? 0
is "fdisk -b 4096 lists the same bytes" "$(ranges disk.raw 4096)" "$before"
silent "fdisk -b 4096 has no complaint" "$(fdisk -b 4096 -l disk.raw 2>&1 >/dev/null)"
is "no table for 512 remains" "$(fdisk -l disk.raw 2>/dev/null | grep -c 'type: gpt')" 0
e2fsck -fn disk.raw?offset=$((9 << 20)) >out 2>&1
is "e2fsck finds nothing" $? 0
silent "no byte between the tables changed" \
	"$(cmp -i $((1 << 20)) -n $((62 << 20)) before.raw disk.raw 2>&1)"
if attach disk.raw 4096; then
	is "sgdisk -v has nothing to say about the device" \
		"$(sgdisk -v "$loop" 2>&1 | grep -c 'No problems found')" 1
	is "fdisk lists the same bytes on the device" "$(ranges "$loop" 4096)" "$before"
	partx -u "$loop" >/dev/null 2>&1
	silent "partx finds all three" \
		"$([ "$(partx -g -o NR "$loop" 2>&1 | wc -l)" -eq 3 ] || partx -s "$loop" 2>&1)"
	partx -d "$loop" >/dev/null 2>&1
	detach
else
	skip "a device of 4096-byte sectors" "no loop device can be made here"
fi

# ---- and back ----

"$vmend" fix --convert-sector-size 512 disk.raw >out 2>&1
is "the conversion to 512 exits 0" $? 0
is "fdisk lists the same bytes again" "$(ranges disk.raw 512)" "$before"
is "sgdisk -v has nothing to say" "$(sgdisk -v disk.raw 2>&1 | grep -c 'No problems found')" 1
"$vmend" undo disk.raw >out 2>&1 && "$vmend" undo disk.raw >>out 2>&1
is "both are taken back" $? 0
silent "byte for byte" "$(cmp before.raw disk.raw 2>&1)"

# ---- the accident ----

# What strace shows of `sgdisk --move-second-header` on a device of 4096-byte sectors.
accident() { # FILE
	printf '%s\n' "size $(stat -c %s "$1")" 'sector 4096' gpt >empty.recipe
	"$mkimg" empty.recipe empty.raw || return 1
	dd if=empty.raw of="$1" bs=4096 count=6 conv=notrunc status=none
	tail -c 20480 empty.raw >empty.tail
	dd if=empty.tail of="$1" bs=4096 conv=notrunc status=none \
		seek=$(($(stat -c %s "$1") / 4096 - 5))
	rm -f empty.*
}

restored() { # NAME
	"$vmend" check --format concise grown.raw >out 2>&1
	is "$1: found" "$(grep -c gpt-4k-emptied out)" 1
	"$vmend" fix --unsafe-fixes grown.raw >out 2>&1
	is "$1: mended" $? 0
	is "$1: the table is as it was" "$(ranges grown.raw 512)" "$before"
	is "$1: sgdisk -v has nothing to say" \
		"$(sgdisk -v grown.raw 2>&1 | grep -c 'No problems found')" 1
	silent "$1: no byte between the tables changed" \
		"$(cmp -i $((1 << 20)) -n $((61 << 20)) before.raw grown.raw 2>&1)"
	e2fsck -fn grown.raw?offset=$((9 << 20)) >out 2>&1
	is "$1: e2fsck finds nothing" $? 0
	"$vmend" undo grown.raw >out 2>&1
	silent "$1: undo" "$(cmp broken.raw grown.raw 2>&1)"
}

for size in 65M 96M 300M; do
	cp --sparse=always before.raw grown.raw
	truncate -s "$size" grown.raw
	accident grown.raw
	cp --sparse=always grown.raw broken.raw
	restored "the writes of sgdisk on a volume of $size"
done

cp --sparse=always before.raw grown.raw
truncate -s 96M grown.raw
if attach grown.raw 4096; then
	sgdisk --move-second-header "$loop" >out 2>&1
	detach
	cp --sparse=always grown.raw broken.raw
	restored "sgdisk itself on a device of 4096-byte sectors"
else
	skip "sgdisk itself on a device of 4096-byte sectors" "no loop device can be made here"
fi
tap_end
