#!/usr/bin/env bash
# QCOW2 images of partitioned disks, with file systems, whose L2 tables lie in any order and
# some of whose slots are empty as they should be, lose one to three L1 entries. `vmend fix
# --unsafe-fixes` puts back what names its own place; never a table into a slot that it was not
# in. What it leaves it names with --place, which then brings all of the guest's bytes back.
#
# SLOTS_SEED=N SLOTS_CASES=N: others, or more of them. SLOTS_KEEP=DIR keeps what failed.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
vmend=${VMEND_BUILD:-$PWD/build/release}/vmend
seed=${SLOTS_SEED:-1} cases=${SLOTS_CASES:-84} keep=${SLOTS_KEEP:-}
export LC_ALL=C.UTF-8
have qemu-img qemu-io sgdisk sfdisk mkfs.ext4 mkfs.vfat mkswap || {
	skip 'L2 tables that lost their slots' 'qemu-utils, gdisk, fdisk, e2fsprogs or dosfstools is missing'
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state

# ---- disks: MiB, and partitions as FILE-SYSTEM:MiB ----

into() { # FILE MIB-OF-DISK
	dd if="$1" of=disk.raw bs=1M seek="$2" conv=notrunc,sparse status=none
	rm -f "$1"
}

make_fs() { # KIND MIB-AT MIB
	truncate -s "$3M" fs
	case $1 in
	ext4) mkfs.ext4 -q -F fs ;;
	xfs) mkfs.xfs -q fs ;;
	vfat) mkfs.vfat fs >/dev/null ;;
	ntfs) mkfs.ntfs -q -F -Q -p $(($2 * 2048)) -H 16 -S 63 fs >/dev/null 2>&1 ;;
	swap) mkswap -q fs ;;
	esac
	into fs "$2"
}

make_disk() { # gpt|mbr|none MIB KIND:MIB...
	local label=$1 size=$2 at=1 n=0 part kind
	shift 2
	rm -f disk.raw
	truncate -s "${size}M" disk.raw
	[ "$label" != gpt ] || sgdisk -o disk.raw >/dev/null
	[ "$label" != mbr ] || echo 'label: dos' | sfdisk -q disk.raw
	for part; do
		kind=${part%:*} n=$((n + 1))
		case $label in
		gpt) sgdisk -n "$n:${at}M:+${part#*:}M" disk.raw >/dev/null ;;
		mbr) echo "${at}M,${part#*:}M" | sfdisk -q -a disk.raw ;;
		none) at=0 ;;
		esac
		make_fs "$kind" $at "${part#*:}"
		at=$((at + ${part#*:}))
	done
}

has_fs() { # PARTITIONS   are there tools for all of them?
	[[ $1 != *xfs* ]] || have mkfs.xfs || return
	[[ $1 != *ntfs* ]] || have mkfs.ntfs
}

# Data of files in some slots, and the L2 tables of all that have something in any order.
make_image() { # MIB CLUSTER-KIB
	local cover=$(($2 * $2 / 8)) n marks=() i # MiB of a slot
	n=$(($1 / cover))
	for ((i = 0; i < n; i++)); do
		[ $((RANDOM % 5)) -lt 2 ] || marks+=("$(((i * cover << 20) + (RANDOM % (cover << 4)) * 65536))")
	done
	for i in "${marks[@]}"; do
		head -c 24K /dev/urandom | dd of=disk.raw bs=64K seek="$i" oflag=seek_bytes conv=notrunc status=none
	done
	qemu-img create -q -f qcow2 -o "cluster_size=${2}K" whole.qcow2 "${1}M"
	qemu-img map --output=json -f raw disk.raw |
		sed -n 's/.*"start": \([0-9]*\),.*"data": true.*/\1/p' |
		awk -v c=$((cover << 20)) '!seen[int($1 / c)]++ { print "write -q -P 0 " $1 " 512" }' |
		shuf --random-source=<(yes $RANDOM) | qemu-io -f qcow2 whole.qcow2 >/dev/null 2>&1
	qemu-img convert -n --target-is-zero -f raw -O qcow2 disk.raw whole.qcow2
}

# ---- the L1 table ----

be64() { # FILE OFFSET
	echo $((16#$(od -An -v -tx1 -j "$2" -N 8 "$1" | tr -d ' \n')))
}

read_l1() { # FILE   sets l1, and at
	local n i
	at=$(be64 "$1" 40) n=$(($(be64 "$1" 32) & 0xffffffff))
	l1=()
	for ((i = 0; i < n; i++)); do l1+=("$(($(be64 "$1" $((at + i * 8))) & 0x00fffffffffffe00))"); done
}

lose() { # N   sets lost
	local used=() i
	for i in "${!l1[@]}"; do [ "${l1[i]}" = 0 ] || used+=("$i"); done
	mapfile -t lost < <(printf '%s\n' "${used[@]}" | shuf -n "$1" --random-source=<(yes $RANDOM))
	for i in "${lost[@]}"; do
		head -c 8 /dev/zero | dd of=d.qcow2 bs=8 seek=$((at + i * 8)) oflag=seek_bytes conv=notrunc status=none
	done
}

same_disk() {
	qemu-img compare -q -f qcow2 -F qcow2 whole.qcow2 d.qcow2
}

# What is in the table is what was there, or nothing. Sets left.
judge() { # CLUSTER-KIB
	local was=("${l1[@]}") i
	left=()
	read_l1 d.qcow2
	for i in "${!was[@]}"; do
		[ "${l1[i]}" != "${was[i]}" ] || continue
		[ "${l1[i]}" = 0 ] || bad+="entry $i is ${l1[i]}, and was ${was[i]}"$'\n'
		left+=("--place" "$((was[i] / ($1 << 10)))=$i")
	done
	l1=("${was[@]}")
}

one_case() { # WHAT CLUSTER-KIB
	local bad='' said left lost
	cp --sparse=always whole.qcow2 d.qcow2
	lose $((1 + RANDOM % 3))
	rm -f d.qcow2.vmend-undo
	said=$("$vmend" fix --unsafe-fixes d.qcow2 2>&1)
	judge "$2"
	total=$((total + 1)) tables=$((tables + ${#lost[@]})) tables_left=$((tables_left + ${#left[@]} / 2))
	if [ ${#left[@]} -eq 0 ]; then
		by_itself=$((by_itself + 1))
	else
		said+=$("$vmend" fix --unsafe-fixes "${left[@]}" d.qcow2 2>&1)
		judge "$2"
		[ ${#left[@]} -eq 0 ] || bad+="not with --place, either: ${left[*]}"$'\n'
	fi
	same_disk || bad+="the guest's bytes are others"$'\n'
	qemu-img check -q -f qcow2 d.qcow2 >checked 2>&1 || bad+=$(<checked)
	[ -z "$bad" ] || bad+=$said
	[ -z "$bad" ] || [ -z "$keep" ] || cp --sparse=always whole.qcow2 "$keep/$total.qcow2"
	silent "$1, entries ${lost[*]}" "$bad"
}

# A number that names no lost table is the user's error, about another disk perhaps.
refuses() { # WHAT WORDS ARGUMENT...
	local said code before bad=''
	before=$(sha256sum <d.qcow2)
	said=$("$vmend" fix --unsafe-fixes "${@:3}" 2>&1)
	code=$?
	[ $code -ge 2 ] || bad+="exit code $code"$'\n'
	[[ $said == *"$2"* ]] || bad+="it says: $said"$'\n'
	[ "$before" = "$(sha256sum <d.qcow2)" ] || bad+="it was changed"$'\n'
	silent "$1" "$bad"
}

wrong_places() {
	cp --sparse=always whole.qcow2 d.qcow2
	lose 1
	refuses "--place with the cluster of the header" "no L2 table in host cluster 0" --place 0=1 d.qcow2
	refuses "--place with a cluster that is not there" "no L2 table in host cluster 99999999" --place 99999999=1 d.qcow2
	refuses "--place with a folder" "one IMAGE" --place 0=1 .
}

DISKS=(
	'gpt 8192 64 vfat:512 ext4:4096 ext4:2048 swap:1024'
	'gpt 8192 64 vfat:100 xfs:5000 swap:512'
	'gpt 6144 64 vfat:512 swap:512 ntfs:4608'
	'mbr 6000 64 ext4:1000 ext4:4500'
	'none 4096 64 ext4:4096'
	'gpt 2048 32 vfat:256 ext4:1536'
	'gpt 1024 16 vfat:100 ext4:800 swap:64'
)
total=0 by_itself=0 tables=0 tables_left=0
for n in "${!DISKS[@]}"; do
	RANDOM=$((seed * 7919 + n))
	read -r label size cluster parts <<<"${DISKS[n]}"
	has_fs "$parts" || continue
	# shellcheck disable=SC2086
	make_disk "$label" "$size" $parts
	make_image "$size" "$cluster"
	said=$("$vmend" check whole.qcow2 2>&1) || not_ok "disk $n is whole" "$said"
	read_l1 whole.qcow2
	[ "$n" -ne 0 ] || wrong_places
	for ((k = n; k < cases; k += ${#DISKS[@]})); do one_case "$label, $cluster KiB, $parts" "$cluster"; done
done
echo "# seed $seed: $total images, $by_itself mended without a word; of $tables lost tables, $tables_left needed --place"
tap_end
