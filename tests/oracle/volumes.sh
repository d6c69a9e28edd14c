#!/usr/bin/env bash
# What vmend reads of a file system in a partition, against the programs that made it.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have sfdisk jq || {
	skip 'file systems in partitions' 'sfdisk or jq is not here'
	tap_end
	exit 0
}

# One partition of SIZE MiB, made by the rest of the arguments on a file of that size.
volume() { # NAME SIZE COMMAND...
	local name=$1 mib=$2
	shift 2
	have "$1" || { skip "$name" "$1 is not here"; return 1; }
	rm -f "$dir/disk" "$dir/part"
	truncate -s $((mib + 4))M "$dir/disk"
	truncate -s "${mib}M" "$dir/part"
	"$@" "$dir/part" >"$dir/log" 2>&1 || { not_ok "$name: $1" "$(cat "$dir/log")"; return 1; }
	printf 'label: gpt\nstart=2048, size=%dM\n' "$mib" | sfdisk -q "$dir/disk"
	dd if="$dir/part" of="$dir/disk" bs=1M seek=1 conv=notrunc,sparse status=none
}

seen() { # KEY of the only volume
	"$VMEND" inspect --format json "$dir/disk" | jq -r ".. | .volumes? // empty | .[0].$1"
}

# The file system fills the partition to within SLACK bytes, and nothing is wrong with it.
fills() { # NAME SIZE SLACK CONTENT COMMAND...
	local name=$1 mib=$2 slack=$3 content=$4 size
	shift 4
	volume "$name" "$mib" "$@" || return
	is "$name: what it is" "$(seen content)" "$content"
	size=$(seen content_size)
	if [ "$size" -le $((mib << 20)) ] && [ "$size" -ge $(((mib << 20) - slack)) ]; then
		ok "$name: its size"
	else
		not_ok "$name: its size" "$size of $((mib << 20)) bytes"
	fi
	is "$name: no findings" "$("$VMEND" check --format concise "$dir/disk")" ''
	# The partition is made smaller than what is in it.
	printf 'label: gpt\nstart=2048, size=%dM\n' $((mib / 2)) | sfdisk -q "$dir/disk" 2>/dev/null
	is "$name: larger than its partition" "$("$VMEND" check --format concise "$dir/disk" |
		grep -c 'fs-larger-than-partition')" 1
}

fills ext4 64 0 ext mkfs.ext4 -q -F
fills 'ext4 with 1 KiB blocks' 64 0 ext mkfs.ext4 -q -F -b 1024
fills ext2 32 0 ext mkfs.ext2 -q -F
fills FAT16 32 0 FAT mkfs.fat -F 16
fills FAT32 64 0 FAT mkfs.fat -F 32
fills XFS 320 65536 XFS mkfs.xfs -q
fills NTFS 32 4096 NTFS mkfs.ntfs -F -Q
fills swap 16 4096 swap mkswap
fills Btrfs 128 0 btrfs mkfs.btrfs -q
fills exFAT 32 0 exFAT mkfs.exfat
tap_end
