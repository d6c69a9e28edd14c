#!/usr/bin/env bash
# Repairs of the disk in a QCOW2, judged by QEMU: the broken disks of the corpus, converted
# by qemu-img with all kinds of options. After `vmend fix`, QEMU reads what a raw copy holds
# after the same fix; qemu-img check finds nothing; snapshots and backing files are as they
# were; `vmend undo` gives the file back byte for byte. And one of them killed at each call
# that changes the disk.
#
# WRITE_ALL=1: every case with every option. WRITE_KEEP=DIR keeps what failed.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
keep=${WRITE_KEEP:-}
have qemu-img qemu-io || {
	skip 'writing to the disk in a QCOW2' 'qemu-img or qemu-io is not here'
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state LC_ALL=C.UTF-8

VARIANTS=(plain packed zstd small 4k large extended extended-packed v2 one-bit 64-bit
	lazy allocated backing backing-packed backing-short snapshot snapshots extended-snapshot
	packed-snapshot)

convert() { # OPTIONS... ; from d.raw
	qemu-img convert -f raw -O qcow2 "$@" d.raw d.qcow2
}

overlay() { # [OPTIONS...]   an empty disk on base.qcow2
	qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 "$@" d.qcow2
}

make_variant() { # NAME   d.qcow2 from d.raw, and base.* when it has one
	case $1 in
	plain) convert ;;
	packed) convert -c ;;
	zstd) convert -c -o compression_type=zstd ;;
	small) convert -o cluster_size=512 ;;
	4k) convert -o cluster_size=4096 ;;
	large) convert -o cluster_size=2M ;;
	extended) convert -o extended_l2=on ;;
	extended-packed) convert -c -o extended_l2=on ;;
	v2) convert -o compat=0.10 ;;
	one-bit) convert -c -o refcount_bits=1,cluster_size=4096 ;;
	64-bit) convert -c -o refcount_bits=64 ;;
	lazy) convert -o lazy_refcounts=on ;;
	allocated) convert -S 0 ;;
	backing) convert && mv d.qcow2 base.qcow2 && overlay ;;
	backing-packed) convert -c && mv d.qcow2 base.qcow2 && overlay -o extended_l2=on ;;
	# shorter than the disk on it
	backing-short)
		qemu-img convert -f raw -O qcow2 d.raw d.qcow2 && cp d.raw top.raw &&
			head -c 3M d.raw >low.raw && qemu-img convert -f raw -O qcow2 low.raw base.qcow2 &&
			qemu-img rebase -f qcow2 -F qcow2 -b base.qcow2 d.qcow2
		;;
	snapshot) convert && qemu-img snapshot -c one d.qcow2 ;;
	# the second one when the first was written over in part
	snapshots)
		convert -o cluster_size=4096 && qemu-img snapshot -c one d.qcow2 &&
			qemu-io -f qcow2 -c 'write -z 0 512' d.qcow2 >said 2>&1 &&
			qemu-img snapshot -c two d.qcow2 && qemu-img snapshot -a one d.qcow2
		;;
	extended-snapshot) convert -o extended_l2=on && qemu-img snapshot -c one d.qcow2 ;;
	packed-snapshot) convert -c && qemu-img snapshot -c one d.qcow2 ;;
	esac >said 2>&1
}

complain() { # WHAT [DETAIL]
	bad+="$1"$'\n'
	[ -z "${2:-}" ] || bad+="    ${2//$'\n'/$'\n'    }"$'\n'
}

snapshot_names() {
	qemu-img snapshot -l d.qcow2 2>/dev/null | awk 'NR > 2 { print $2 }'
}

snapshot_sums() { # of their contents
	local s
	for s in $(snapshot_names); do
		qemu-img convert -f qcow2 -O raw -l "snapshot.name=$s" d.qcow2 s.raw &&
			cksum <s.raw
	done
}

# d.raw is broken, r.raw is the same after `vmend fix OPTIONS`.
try_variant() { # NAME OPTIONS...
	local name=$1 before after out rc
	shift
	rm -f d.qcow2* base.* top.raw low.raw
	make_variant "$name" || { complain "$name: was not made" "$(<said)"; return; }
	cp d.qcow2 was
	[ ! -e base.qcow2 ] || cp base.qcow2 base.was
	before=$(snapshot_sums)
	out=$("$vmend" fix "$@" d.qcow2 2>&1)
	rc=$?
	[ $rc = "$raw_rc" ] || complain "$name: exit $rc, raw $raw_rc" "$out"
	written=$((written + 1))
	qemu-img compare -f qcow2 -F raw d.qcow2 r.raw >said 2>&1 ||
		complain "$name: is not what the raw disk is" "$(<said)"$'\n'"$out"
	qemu-img check -f qcow2 d.qcow2 >said 2>&1 || complain "$name: qemu-img check" "$(<said)"
	after=$(snapshot_sums)
	[ "$before" = "$after" ] || complain "$name: a snapshot has changed"
	[ ! -e base.qcow2 ] || cmp -s base.qcow2 base.was ||
		complain "$name: the backing file was written to"
	"$vmend" undo d.qcow2 >said 2>&1 || complain "$name: undo" "$(<said)"
	cmp -s d.qcow2 was || complain "$name: undo does not give the file back"
}

# What this version does not do to the disk in a container: it grows, or data moves.
is_beyond() {
	[ "$(stat -c %s d.raw)" != "$(stat -c %s r.raw)" ] || grep -q '^@@ moves' plan
}

try_case() { # CASE   with the options of its files
	local dir=$root/corpus/$1 options=() v
	bad=''
	[ ! -e "$dir/args" ] || mapfile -t options <"$dir/args"
	[ ! -e "$dir/fix-args" ] || mapfile -t -O ${#options[@]} options <"$dir/fix-args"
	rm -f ./*.vmend-undo d.raw r.raw
	"$mkimg" "$dir/in.recipe" d.raw >said 2>&1 || { not_ok "$1" "$(<said)"; return; }
	[ $(($(stat -c %s d.raw) % 512)) -eq 0 ] || return
	cp --sparse=always d.raw r.raw
	"$vmend" fix --diff "${options[@]}" r.raw >plan 2>/dev/null
	"$vmend" fix "${options[@]}" r.raw >said 2>&1
	raw_rc=$?
	rm -f r.raw.vmend-undo
	cmp -s d.raw r.raw && return
	is_beyond && return
	if [ -n "${WRITE_ALL:-}" ]; then
		set -- "$1" "${VARIANTS[@]}"
	else
		set -- "$1" "${VARIANTS[cases % ${#VARIANTS[@]}]}"
	fi
	cases=$((cases + 1))
	for v in "${@:2}"; do
		try_variant "$v" "${options[@]}"
		[ -z "$bad" ] || [ -z "$keep" ] || { mkdir -p "$keep"; cp was "$keep/${1//\//-}.$v"; }
	done
	[ -z "$bad" ] || not_ok "$1" "$bad"
}

cases=0 written=0
for c in "$root"/corpus/{gpt,mbr,pmbr}-*/bad-*; do
	[ -e "$c/expect.plan" ] && [ -e "$c/in.recipe" ] && ! grep -q '^qcow2' "$c/in.recipe" || continue
	# A lone backup within the zeros that a disk grew by is looked for in raw disks only.
	[ "${c##*/}" != bad-grown-zeros ] || continue
	try_case "${c#"$root"/corpus/}"
done
if [ "$cases" -ge 60 ]; then
	ok "$cases broken disks were repaired in $written QCOW2 images as they are in raw ones"
else
	not_ok "enough cases" "only $cases"
fi

# ---- bitmaps ----

printf '%s\n' 'size 16M' gpt 'part 1 start=1M size=4M' 'set mbr.entry[0].sectors 1234' \
	'zero backup.header 512' 'zero backup.entries 16384' 'fill 1M 300K seed=3' >recipe
"$mkimg" recipe d.raw || exit 2
rm -f d.qcow2*
if convert && qemu-img bitmap --add d.qcow2 daily 2>said; then
	cp d.qcow2 was
	"$vmend" fix d.qcow2 >said 2>&1
	if cmp -s d.qcow2 was && grep -q 'incremental backups' said; then
		ok "a bitmap that records what is written makes fixes decline"
	else
		not_ok "a bitmap that records what is written makes fixes decline" "$(<said)"
	fi
	qemu-img bitmap --disable d.qcow2 daily
	"$vmend" fix d.qcow2 >said 2>&1
	is "one that is disabled stays as it is" \
		"$(qemu-img check -q d.qcow2 && qemu-img info --output=json d.qcow2 | grep -c daily)" 1
else
	not_ok "a QCOW2 with a bitmap" "$(<said)"
fi

# ---- killed ----

if ! have strace || ! strace -o /dev/null true 2>/dev/null; then
	skip "a kill at each call" "strace is missing, or may not trace"
	tap_end
	exit 0
fi

count_calls() { # CALL
	strace -f -qq -o trace -e "trace=$1" "$vmend" fix d.qcow2 >/dev/null 2>&1 </dev/null
	seq "$(wc -l <trace)"
}

kill_at() { # CALL N
	(strace -f -qq -o trace -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
		"$vmend" fix d.qcow2 >said 2>&1 </dev/null
	exit $?) 2>/dev/null
	[ $? -eq 137 ]
}

start() {
	rm -rf state ./d.qcow2.vmend-undo .*.vmend-*
	cp was d.qcow2
}

points=0 bad=''
kill_points() { # NAME CALL
	local n rc
	start
	for n in $(count_calls "$2"); do
		start
		kill_at "$2" "$n" || { complain "$1: $2 $n: was not killed" "$(<said)"; return; }
		points=$((points + 1))
		qemu-img check -f qcow2 d.qcow2 >said 2>&1
		rc=$?
		# 3: leaks, which lose nothing
		[ $rc -eq 0 ] || [ $rc -eq 3 ] || complain "$1: $2 $n: qemu-img check: $rc" "$(<said)"
		[ "$(snapshot_sums)" = "$sums" ] || complain "$1: $2 $n: a snapshot has changed"
		cp d.qcow2 crashed
		cp d.qcow2.vmend-undo journal 2>/dev/null || rm -f journal
		"$vmend" undo d.qcow2 >said 2>&1
		cmp -s d.qcow2 was || complain "$1: $2 $n: undo" "$(<said)"
		start
		cp crashed d.qcow2
		[ ! -e journal ] || cp journal d.qcow2.vmend-undo
		"$vmend" fix d.qcow2 >said 2>&1
		cmp -s d.qcow2 fixed || complain "$1: $2 $n: fix again gives another image" "$(<said)"
	done
}

for v in packed-snapshot snapshots; do
	rm -f d.qcow2* base.*
	make_variant $v || { complain "$v: was not made" "$(<said)"; continue; }
	cp d.qcow2 was
	sums=$(snapshot_sums)
	"$vmend" fix d.qcow2 >said 2>&1 || complain "$v: fix" "$(<said)"
	cp d.qcow2 fixed
	for call in pwrite64 fsync ftruncate; do
		kill_points "$v" "$call"
	done
done
[ "$points" -ge 30 ] || complain "only $points kill points"
silent "killed at each call ($points), a QCOW2 has leaks at most; undo, and fix again" "$bad"
tap_end
