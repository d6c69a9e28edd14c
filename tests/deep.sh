#!/usr/bin/env bash
# check --deep: what QEMU cannot read of compressed data is found, and only that; within the
# bound of memory; and a signal stops it. Against qemu-img.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
[[ $build == /* ]] || build=$PWD/$build
vmend=$build/vmend
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
have qemu-img qemu-io jq || {
	skip 'check --deep' 'qemu-img, qemu-io or jq is not here'
	tap_end
	exit 0
}
seq 1 3000000 | head -c 16M >raw

# Breaks the stream of one cluster, and asks qemu-io which clusters cannot be read.
against_qemu() { # NAME OPTIONS
	local bad="" out want at off
	rm -f img bad.img
	qemu-img convert -c -f raw -O qcow2 -o "$2" raw img || { not_ok "$1" "qemu-img convert"; return; }
	out=$("$vmend" check --deep --format concise img 2>&1) || bad+="as QEMU made it: exit $?"$'\n'$out$'\n'
	cs=$(qemu-img info --output=json img | jq '."cluster-size"')
	for _ in 1 2 3; do
		cp img bad.img
		# Somewhere in the second half of the file: streams.
		off=$((RANDOM * 32768 + RANDOM))
		size=$(stat -c %s img)
		off=$((size / 4 + off % (size / 2)))
		printf '\xff\x00\xff\x55\xaa\x00\xff\x11' | dd of=bad.img bs=1 seek=$off conv=notrunc status=none
		want=''
		for ((at = 0; at < 16777216; at += cs)); do
			echo "read $at $cs"
		done | qemu-io -r -f qcow2 bad.img 2>&1 | tr -d '\r' >said
		want=$(grep -c 'read failed' said)
		out=$("$vmend" check --deep --format concise bad.img 2>&1)
		at=$(grep -c 'qcow2-compressed-bad' <<<"$out")
		[ "$want" -eq 0 ] || [ "$at" -ge 1 ] || bad+="byte $off: qemu-io fails at $want clusters, we find nothing"$'\n'$out$'\n'
		[ "$want" -ne 0 ] || [ "$at" -eq 0 ] || bad+="byte $off: qemu-io reads all, we say: $out"$'\n'
	done
	silent "$1" "$bad"
}

against_qemu "deflate in clusters of 64 KiB" cluster_size=64k
against_qemu "deflate in clusters of 4 KiB" cluster_size=4k
against_qemu "zstd in clusters of 64 KiB" compression_type=zstd
against_qemu "zstd in clusters of 2 MiB" compression_type=zstd,cluster_size=2M

"$build/tools/maxrss" result 60 "$vmend" check --deep img >/dev/null 2>&1
read -r _ _ kib _ <result
# Sanitizers have a memory of their own.
if ldd "$vmend" 2>/dev/null | grep -qE 'lib[at]san'; then
	skip "at most 64 MiB, of clusters of 2 MiB" "a sanitizer"
elif [ "$kib" -le 65536 ]; then
	ok "at most 64 MiB, of clusters of 2 MiB"
else
	not_ok "at most 64 MiB, of clusters of 2 MiB" "$kib KiB"
fi

# Each read takes long, so that there is time for a signal. (SIGINT is ignored in the background
# of a script.)
stopped() { # SIGNAL NUMBER [FILE READS WORDS]
	local code bad='' i file=${3:-slow.img} least=${4:-40} words=${5:-'compressed clusters'}
	before=$(sha256sum <"$file")
	rm -f trace
	ASAN_OPTIONS=detect_leaks=0 strace -D -f -o trace -e trace=pread64 -e inject=pread64:delay_enter=20000 \
		"$vmend" check --deep "$file" >out 2>err &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		[ "$(grep -c pread64 trace 2>/dev/null)" -gt "$least" ] 2>/dev/null && break
		sleep 0.05
	done
	kill -"$1" $pid
	wait $pid
	code=$?
	[ $code -eq $((128 + $2)) ] || bad+="exit $code, wanted $((128 + $2))"$'\n'
	grep -q "stopped after [0-9]* of [0-9]* $words" out err || bad+="not said"$'\n'
	[ "$(sha256sum <"$file")" = "$before" ] || bad+="it was written to"$'\n'
	[ -z "$bad" ] || bad+=$(cat out err)
	silent "SIG$1 stops it, and that is said ($file)" "$bad"
}

if have strace && strace -o /dev/null true 2>/dev/null; then
	qemu-img convert -c -f raw -O qcow2 -o cluster_size=16k raw slow.img
	stopped HUP 1
	stopped TERM 15
	printf '%s\n' 'size 200M' 'iso "SUM" joliet=1 rock-ridge=1 bios=1' implant >recipe
	"$build/tools/mkimg" recipe sum.iso
	stopped TERM 15 sum.iso 20 'bytes that its implanted MD5 is of'
else
	skip "a signal stops it" "no strace"
fi
tap_end
