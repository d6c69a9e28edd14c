#!/usr/bin/env bash
# Disks of sfdisk, sgdisk, parted and mkimg, broken at random, against the judgement of
# sgdisk and libfdisk. For each:
#
#   - where sgdisk sees a problem, so does vmend
#   - where one copy of the table was whole, `vmend fix` makes the disk clean, with the
#     partitions that it had; with --unsafe-fixes where the damage may be on purpose
#   - what vmend calls clean after its fix, sgdisk and libfdisk call clean, or else it was
#     not clean before
#   - no byte within a partition changes, and a second fix finds nothing to do
#   - `vmend undo` gives the broken disk back, byte for byte
#
# The exception: a backup alone, without a protective entry and with something else where
# the primary was, may be what an earlier life of the disk has left. sgdisk would take it
# for the truth; vmend says nothing of it and leaves it alone.
#
# GPT_SEED=N GPT_CASES=N: other breaks, or more of them. GPT_KEEP=DIR keeps what failed.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg breakgpt=$build/tools/breakgpt
seed=${GPT_SEED:-1} cases=${GPT_CASES:-100} keep=${GPT_KEEP:-}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have sfdisk sgdisk parted fdisk partx cmp || {
	skip "disks broken at random" "sfdisk, sgdisk, parted, fdisk or partx is not installed"
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

# ---- healthy disks ----

bases=()
base() { # NAME SECTOR-SIZE, the disk in the file NAME
	bases+=("$1:$2")
	partitions "$1" "$2" >"$1.parts"
	partx -g -S "$2" -o START,SECTORS "$1" 2>/dev/null >"$1.ranges"
	# Something that a repair could damage, at both ends of each partition.
	while read -r start sectors; do
		yes "$1 $start" | head -c 4096 |
			dd of="$1" bs=512 seek="$start" conv=notrunc status=none
		yes "$1 $start" | head -c 4096 |
			dd of="$1" bs=512 seek=$((start + sectors - 8)) conv=notrunc status=none
	done <"$1.ranges"
}

# What tools of others list. sfdisk of this day knows sectors of 512 bytes only.
partitions() { # FILE SECTOR-SIZE
	if [ "$2" = 512 ]; then
		sfdisk -d "$1" 2>/dev/null | grep -E '^label|start=' | sed 's/^[^ ]* : /: /'
	else
		partx -g -S "$2" -o NR,START,SECTORS,TYPE,UUID,NAME,FLAGS "$1" 2>/dev/null
	fi
}

made() { # FILE COMMAND...   an empty disk, then COMMAND FILE
	truncate -s 8M "$1" && "${@:2}" "$1" >/dev/null 2>&1 ||
		echo "# ${*:2} failed"
}

make_bases() {
	made fdisk sfdisk -q <<-'.'
		label: gpt
		size=1M, type=uefi, name="esp"
		size=3M, name="boot"
		name="root"
	.
	base fdisk 512
	made fdisk34 sfdisk -q <<-'.'
		label: gpt
		first-lba: 34
		start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649
		start=2048, size=8192, attrs="LegacyBIOSBootable"
	.
	base fdisk34 512
	made fdisk16 sfdisk -q <<-'.'
		label: gpt
		table-length: 16
		size=6M
	.
	base fdisk16 512
	made sgdisk sgdisk -n 1:0:+2M -t 1:ef00 -n 3:0:+4M -c 3:"a name" -n 5:0:0 -A 5:set:60
	base sgdisk 512
	made sgdisk256 sgdisk -S 256 -a 8 -n 200:0:+3M -n 2:0:0
	base sgdisk256 512
	truncate -s 8M parted && parted -s parted mklabel gpt mkpart x fat32 1MiB 5MiB \
		mkpart y ext4 5MiB 100% set 1 esp on
	base parted 512
	# Boot code is nobody's to touch.
	yes 'boot code' | head -c 440 | dd of=parted conv=notrunc status=none
	echo 'size 8M
sector 4096
gpt style=fdisk
part 1 start=1M size=4M type=esp name="esp"
part 2 start=5M end=max type=linux name="root"' >recipe
	"$mkimg" recipe fdisk4k && base fdisk4k 4096
	echo 'size 8M
sector 4096
gpt style=sgdisk
part 1 start=6 size=300 type=esp
part 7 start=512 size=1024 type=linux' >recipe
	"$mkimg" recipe sgdisk4k && base sgdisk4k 4096
}

# ---- what others say ----

# Problems only: remarks of taste are left out.
sgdisk_says() { # FILE
	local out
	out=$(sgdisk -v "$1" 2>&1) || echo "sgdisk: exit $?"
	grep -qF 'No problems found' <<<"$out" || echo 'sgdisk: not "No problems found"'
	grep -v "doesn't \(begin\|end\) on a" <<<"$out" |
		grep -E '^(Caution|Problem|Identified [1-9])|invalid|corrupt|damaged|differ|ERROR|[Mm]ismatch' |
		sed 's/^/sgdisk: /'
}

fdisk_says() { # FILE SECTOR-SIZE
	if [ "$2" = 512 ]; then
		sfdisk --verify "$1" 2>&1
	else
		printf 'v\nq\n' | fdisk -b "$2" "$1" 2>&1 | sed 's/^Command (m for help): //'
		fdisk -b "$2" -l "$1" 2>&1 | grep -q 'type: gpt' || echo 'no GPT is seen'
	fi | grep -vE -e '^(|[^ ]*:|Welcome to fdisk.*|Changes will remain.*|Be careful.*)$' \
		-e '^(No errors detected|Header version|Using [0-9]* out of|A total of)' |
		sed 's/^/libfdisk: /'
}

# sgdisk takes every file for a disk of 512-byte sectors.
others_say() { # FILE SECTOR-SIZE
	[ "$2" != 512 ] || sgdisk_says "$1"
	fdisk_says "$1" "$2"
}

# ---- one case ----

complain() { # WHAT [DETAIL]
	bad+="$1"$'\n'
	[ -z "${2:-}" ] || bad+="$(sed 's/^/    /' <<<"$2")"$'\n'
}

# Bytes that changed within a partition, as offsets.
in_partitions() { # BROKEN FIXED RANGES
	cmp -l "$1" "$2" 2>/dev/null | awk '
		BEGIN { n = 0 }
		NR == FNR { from[n] = $1 * 512; to[n++] = ($1 + $2) * 512; next }
		{ for (i = 0; i < n; i++) if ($1 > from[i] && $1 <= to[i]) { print $1 - 1; exit } }
	' "$3" -
}

# Neither sector 0 nor an intact header is left: a disk to nobody. Said, and not clean.
is_no_disk() { # FILE
	"$vmend" check "$1" 2>&1 | grep -q '1 not a VM image'
}

run_case() { # BASE SECTOR-SIZE SEED
	local did verdict before after found rest rc opts=() bad=
	cp --sparse=always "$1" disk
	did=$("$breakgpt" disk "$2" "$3") || complain "breakgpt failed"
	verdict=${did%%:*}
	cp --sparse=always disk broken

	before=$(others_say disk "$2")
	found=$("$vmend" check --format concise disk 2>&1)
	rc=$?
	[ $rc -le 1 ] || complain "check: exit $rc" "$found"
	case $verdict in guess) opts=(--unsafe-fixes) ;; esac
	[ "$verdict" != report ] || [ $rc -eq 1 ] || is_no_disk disk || complain "not reported"
	[ "$verdict" = leftover ] || [ -z "$(grep ^sgdisk <<<"$before")" ] || [ -n "$found" ] ||
		complain "silent where others are not:" "$before"

	"$vmend" fix "${opts[@]}" disk >out 2>&1 || [ $? -eq 1 ] || complain "fix: failed" "$(cat out)"
	rest=$("$vmend" check --format concise disk 2>&1)
	rc=$?
	after=$(others_say disk "$2")
	case $verdict in
	leftover) cmp -s disk broken || complain "touched" ;;
	ignore) [ -z "$after" ] || [ "$after" = "$before" ] || complain "others say:" "$after" ;;
	mend | guess) [ $rc -eq 0 ] || complain "not mended:" "$rest" ;;
	esac
	[ $rc -ne 0 ] || [ -z "$after" ] || [[ $verdict =~ ^(leftover|ignore)$ ]] || is_no_disk disk ||
		complain "called clean, but others say:" "$after"
	[[ $verdict =~ ^(report|leftover)$ ]] || partitions disk "$2" | cmp -s - "$1.parts" ||
		complain "other partitions:" "$(partitions disk "$2" | diff "$1.parts" -)"
	[ -z "$(in_partitions broken disk "$1.ranges")" ] ||
		complain "wrote into a partition at byte $(in_partitions broken disk "$1.ranges")"
	undo_case
	silent "$1, seed $3: $did" "$bad"
	[ -z "$bad" ] || [ -z "$keep" ] || cp --sparse=always broken "$keep/$1-$3.raw"
}

undo_case() {
	cp --sparse=always disk fixed
	"$vmend" fix "${opts[@]}" disk >out 2>&1
	cmp -s disk fixed || complain "a second fix changed something" "$(cat out)"
	[ ! -f disk.vmend-undo ] || "$vmend" undo disk >out 2>&1 || complain "undo:" "$(cat out)"
	cmp -s disk broken || complain "undo did not give the broken disk back" "$(cmp disk broken 2>&1)"
	[ ! -f disk.vmend-undo ] || complain "a journal is left after undo"
	rm -f disk.vmend-undo
}

make_bases
echo "# seed $seed"
for b in "${bases[@]}"; do
	name=${b%:*} ss=${b#*:}
	bad=
	found=$("$vmend" check --format concise "$name" 2>&1) || complain "vmend:" "$found"
	found=$(others_say "$name" "$ss")
	[ -z "$found" ] || complain "others:" "$found"
	silent "$name is healthy, all say" "$bad"
done
for ((i = 0; i < cases; i++)); do
	b=${bases[i % ${#bases[@]}]}
	run_case "${b%:*}" "${b#*:}" $((seed * 100000 + i))
done
tap_end
