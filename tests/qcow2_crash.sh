#!/usr/bin/env bash
# QCOW2 images of qemu-img, damaged where it costs most, and mended: the guest's disk and the
# snapshots are what they were before, and qemu-img check finds nothing. Killed by strace at
# each call that changes the file: `vmend undo` gives the damaged file byte for byte, a
# second `vmend fix` the mended one, and in between QEMU sees nothing worse than before.
#
# CRASH_ALL=1: the kills for every layout, not for one of each damage.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
. tests/lib/kill.sh
root=$PWD
vmend=${VMEND:-$root/build/release/vmend}
have qemu-img qemu-io || {
	skip 'mended QCOW2 images' 'qemu-img or qemu-io is not here'
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state LC_ALL=C.UTF-8
kills=''
can_kill || kills='strace is missing, or may not trace'

# ---- bytes of d.qcow2 ----

be() { # OFFSET LENGTH
	local hex
	hex=$(od -An -v -tx1 -j "$(($1))" -N "$2" d.qcow2 | tr -d ' \n')
	echo $((16#$hex))
}

poke() { # OFFSET LENGTH VALUE
	local hex
	# shellcheck disable=SC2001
	hex=$(printf "%0$(($2 * 2))x" "$3" | sed 's/../\\x&/g')
	# shellcheck disable=SC2059
	printf "$hex" | dd of=d.qcow2 bs=1 seek="$(($1))" conv=notrunc status=none
}

random_bytes() { # OFFSET LENGTH
	head -c "$2" /dev/urandom | dd of=d.qcow2 bs=64K seek="$(($1))" conv=notrunc \
		oflag=seek_bytes status=none
}

l2_width() { echo $(($(be 4 4) > 2 && $(be 76 4) & 16 ? 16 : 8)); } # of an entry
cluster_size() { echo $((1 << $(be 20 4))); }
l1_slot() { echo $(($(be 40 8) + $1 * 8)); }
offset_of() { echo $(($1 & 0x00fffffffffffe00)); } # of an entry
table_at() { echo $(($(be "$1" 8) & 0x00fffffffffffe00)); }

# ---- images ----

io() { # COMMANDS... on d.qcow2
	local c args=()
	for c; do args+=(-c "$c"); done
	qemu-io -f qcow2 "${args[@]}" d.qcow2 >said 2>&1 || cat said
}

# Two snapshots; every L2 table of the disk has something in common with one of theirs.
with_snapshots() { # OPTIONS...
	qemu-img create -q -f qcow2 -o "$1" d.qcow2 1536K
	io 'write -q -P 1 0 1536K' 'write -q -P 2 64K 70K'
	qemu-img snapshot -c one d.qcow2
	io 'write -q -P 3 0 5K' 'write -q -P 4 300K 9K' 'write -q -P 5 1M 3K' 'write -q -P 6 1300K 1K'
	qemu-img snapshot -c two d.qcow2
	io 'write -q -P 7 1K 3K' 'write -q -P 8 310K 9K' 'write -q -P 9 1026K 3K'
}

build() { # LAYOUT
	rm -f d.qcow2*
	case $1 in
	512) with_snapshots cluster_size=512 ;;
	4K) with_snapshots cluster_size=4K ;;
	64K) with_snapshots cluster_size=64K ;;
	v2) with_snapshots cluster_size=4K,compat=0.10 ;;
	64-bit) with_snapshots cluster_size=1K,refcount_bits=64 ;;
	extended) with_snapshots cluster_size=16K,extended_l2=on ;;
	# nothing was written since the last snapshot: all tables are its, too
	fresh)
		with_snapshots cluster_size=4K
		qemu-img snapshot -c three d.qcow2
		;;
	packed)
		qemu-img create -q -f raw base.raw 1536K
		qemu-io -f raw -c 'write -q -P 1 0 1536K' base.raw >said 2>&1
		qemu-img convert -c -f raw -O qcow2 -o cluster_size=4K base.raw d.qcow2
		qemu-img snapshot -c one d.qcow2
		io 'write -q -P 7 1K 3K'
		qemu-img snapshot -c two d.qcow2
		;;
	# what is not in it is in a file whose format the header names
	backed)
		qemu-img create -q -f qcow2 base.qcow2 1536K
		qemu-io -f qcow2 -c 'write -q -P 1 0 1536K' base.qcow2 >said 2>&1
		qemu-img create -q -f qcow2 -o cluster_size=4K -b base.qcow2 -F qcow2 d.qcow2
		io 'write -q -P 2 64K 70K'
		;;
	lazy)
		qemu-img create -q -f qcow2 -o cluster_size=4K,lazy_refcounts=on d.qcow2 1536K
		io 'write -q -P 1 0 700K' 'write -q -P 2 900K 64K'
		;;
	# nobody closed it: refcounts were not written
	died)
		qemu-img create -q -f qcow2 -o cluster_size=4K,lazy_refcounts=on d.qcow2 1536K
		# in a shell of its own, which would report it
		(qemu-io -f qcow2 -c 'write -q -P 1 0 700K' -c flush -c abort d.qcow2
		exit $?) >said 2>&1
		;;
	bitmaps)
		with_snapshots cluster_size=4K
		qemu-img bitmap --add d.qcow2 b0
		qemu-img bitmap --add d.qcow2 b1
		io 'write -q -P 7 1100K 30K'
		;;
	esac
}

# ---- damage ----

lose_l1_entry() { poke "$(l1_slot 0)" 8 0; }
set_bits() { poke 72 8 $(($(be 72 8) | $1)); }
lose_snapshots() { poke 60 4 0; }
lose_block() { poke "$(be 48 8)" 8 0x7fffffff0000; }

damage() { # NAME
	local block
	case $1 in
	l1-entry) lose_l1_entry ;;
	l2-entry) # behind the end of the file
		block=$(table_at "$(l1_slot 0)")
		poke $((block + 3 * $(l2_width))) 8 0x80007ffffff00000
		;;
	l1-entries) lose_l1_entry; poke "$(l1_slot 9)" 8 0 ;;
	l1-entry-corrupt) lose_l1_entry; set_bits 2 ;;
	snapshots) lose_snapshots ;;
	snapshots-corrupt) lose_snapshots; set_bits 2 ;;
	l1-entry-snapshots) lose_l1_entry; lose_snapshots ;;
	all)
		lose_l1_entry
		lose_snapshots
		set_bits 3
		;;
	all-counts)
		lose_l1_entry
		set_bits 3
		lose_block
		;;
	block) lose_block ;;
	block-gone)
		block=$(table_at "$(be 48 8)")
		lose_block
		random_bytes "$block" "$(cluster_size)"
		;;
	table) poke 48 8 0 ;;
	table-clusters) poke 56 4 0 ;;
	copied) # cleared in the first L1 entry, set in one that a snapshot shares
		poke "$(l1_slot 0)" 8 $(($(be "$(l1_slot 0)" 8) & 0x7fffffffffffffff))
		block=$(table_at "$(l1_slot 0)")
		poke $((block + 8 * 40)) 8 $(($(be $((block + 8 * 40)) 8) | 1 << 63))
		;;
	dirty) set_bits 1 ;;
	stale) # the refcounts of a few clusters were not written
		block=$(table_at "$(be 48 8)")
		poke $((block + 2 * 6)) 2 0
		poke $((block + 2 * 9)) 2 0
		set_bits 1
		;;
	died) ;;
	no-format) # the header's extension becomes one that nobody knows
		[ "$(be 112 4)" = $((0xe2792aca)) ] && poke 112 4 0x11111111
		;;
	stream) # of the disk's cluster 5, compressed
		block=$(table_at "$(l1_slot 0)")
		block=$(($(be $((block + 5 * 8)) 8) & (1 << 58) - 1))
		poke $((block + 2)) 8 0x7766554433221100
		;;
	bitmap-stale) poke 88 8 0 ;;
	bitmap-broken) # the type of the first one
		block=$(bitmap_directory)
		poke $((block + 16)) 1 7
		;;
	esac
}

bitmap_directory() {
	local off
	off=$(be 100 4)
	while [ "$(be "$off" 4)" != $((0x23852875)) ]; do
		off=$((off + 8 + ($(be $((off + 4)) 4) + 7) / 8 * 8))
	done
	be $((off + 8 + 16)) 8
}

# ---- what QEMU sees ----

snapshot_names() { # FILE
	qemu-img snapshot -l "$1" | awk 'NR > 2 { print $2 }'
}

dump() { # FILE PREFIX   the disk and the snapshots as raw files
	local s
	qemu-img convert -f qcow2 -O raw "$1" "$2.disk" || return
	for s in $(snapshot_names "$1"); do
		qemu-img convert -f qcow2 -O raw -l "snapshot.name=$s" "$1" "$2.snap-$s" || return
	done
}

same_dumps() { # PREFIX PREFIX
	local f other
	[ "$(compgen -G "$1.*" | sed 's/.*\.//')" = "$(compgen -G "$2.*" | sed 's/.*\.//')" ] ||
		echo "snapshots: $(echo "$2".*), expected $(echo "$1".*)"
	for f in "$1".*; do
		other=$2${f#"$1"}
		qemu-img compare -q -f raw -F raw "$f" "$other" || echo "$other is not as $f"
	done
}

differing() { # FILE FILE   the bytes that differ, by number
	cmp -l "$1" "$2" | awk '{ print $1 }' | sort
}

# Whatever was done so far: every byte of the disk is as it was before, or as it will be.
half_way() { # FILE WHEN
	[ -f broken.disk ] || return 0
	qemu-img convert -f qcow2 -O raw "$1" half.disk >said 2>&1 ||
		{ echo "$2: QEMU cannot read it any more: $(cat said)"; return; }
	cmp -s half.disk broken.disk || cmp -s half.disk good.disk ||
		[ -z "$(comm -12 <(differing half.disk broken.disk) <(differing half.disk good.disk))" ] ||
		echo "$2: the disk is neither as it was nor as it will be"
}

# ---- one case ----

tried=' '

mended() { # LAYOUT DAMAGE EXIT CHECK [OPTIONS...]   of fix, and of qemu-img check after it
	local what="$2, $1" ends=$3 check=$4 layout=$1 bad
	shift 4
	FIX=("$@")
	rm -f good.* broken.* now.*
	build "$layout"
	dump d.qcow2 good
	bad=$([ "$layout" = died ] || qemu-img check -f qcow2 d.qcow2 2>&1 >/dev/null)
	damage "${what%%,*}"
	qemu-img convert -f qcow2 -O raw d.qcow2 broken.disk >said 2>&1 || rm -f broken.disk
	cp d.qcow2 d.qcow2.was
	rm -rf state
	{
		echo "$bad"
		"$vmend" fix "${FIX[@]}" d.qcow2 >fixed.said 2>&1
		[ $? = "$ends" ] || cat fixed.said
		qemu-img check -f qcow2 d.qcow2 >said 2>&1
		[ $? = "$check" ] || cat said
		dump d.qcow2 now 2>&1 && same_dumps good now
		"$vmend" undo d.qcow2 >said 2>&1
		cmp -s d.qcow2 d.qcow2.was || echo 'undo does not give it back'
	} >complaints
	silent "$what" "$(grep -v '^$' complaints)"
	[[ $tried != *" ${what%%,*} "* || -n ${CRASH_ALL:-} ]] || return 0
	tried+="${what%%,*} "
	if [ -n "$kills" ]; then
		skip "$what: killed" "$kills"
		return
	fi
	rm -f d.qcow2.vmend-undo
	every_point "$what: killed" d.qcow2 12 "$ends"
}

# The same of what is lost for good: LEN bytes of the disk at OFF are zeros then, as it is.
zeroed() { # LAYOUT DAMAGE OFF LEN OPTIONS...
	local what="$2, $1" off=$3 len=$4
	FIX=("${@:5}")
	rm -f good.* broken.* now.*
	build "$1"
	dump d.qcow2 good
	damage "$2"
	cp d.qcow2 d.qcow2.was
	rm -rf state
	{
		! qemu-img convert -f qcow2 -O raw d.qcow2 broken.disk >said 2>&1 || echo 'QEMU reads it as it is'
		rm -f broken.disk
		"$vmend" fix "${FIX[@]}" d.qcow2 >fixed.said 2>&1 || cat fixed.said
		qemu-img check -f qcow2 d.qcow2 >said 2>&1 || cat said
		dump d.qcow2 now 2>&1
		for f in good.*; do
			dd if=/dev/zero of="$f" bs="$len" seek=$((off / len)) count=1 conv=notrunc status=none
		done
		same_dumps good now
		"$vmend" undo d.qcow2 >said 2>&1
		cmp -s d.qcow2 d.qcow2.was || echo 'undo does not give it back'
	} >complaints
	silent "$what" "$(grep -v '^$' complaints)"
	if [ -n "$kills" ]; then
		skip "$what: killed" "$kills"
		return
	fi
	rm -f d.qcow2.vmend-undo
	every_point "$what: killed" d.qcow2 12 0
}

for layout in 512 4K 64K v2 64-bit extended packed fresh; do
	for what in l1-entry snapshots l1-entry-snapshots; do
		mended "$layout" "$what" 0 0 --unsafe-fixes
	done
	[ "$layout" = v2 ] && continue # has no marks
	for what in l1-entry-corrupt snapshots-corrupt all all-counts; do
		mended "$layout" "$what" 0 0 --unsafe-fixes
	done
done
for layout in 512 4K 64K v2 64-bit extended fresh; do
	mended "$layout" l2-entry 0 0 --unsafe-fixes
done
mended 512 l1-entries 0 0 --unsafe-fixes
mended 64-bit l1-entries 0 0 --unsafe-fixes
for layout in 4K 512 64K v2 64-bit extended packed fresh; do
	mended "$layout" block 0 0
	mended "$layout" table 0 0
	mended "$layout" table-clusters 0 0
	# What the old block was is not known any more: it stays in use, and is a leak.
	mended "$layout" block-gone 1 3
done
mended 4K copied 0 0
mended v2 copied 0 0
mended lazy dirty 0 0
mended lazy stale 0 0
mended died died 0 0
mended backed no-format 0 0
zeroed packed stream 20480 4096 --deep --lossy-fixes
mended bitmaps bitmap-stale 0 0
mended bitmaps bitmap-broken 0 0 --unsafe-fixes
tap_end
