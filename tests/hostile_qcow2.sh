#!/usr/bin/env bash
# QCOW2 images that ask for time and memory without end get little of both: 64 MiB at most, and
# an end. SPEC.md section 2, "Limits".
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
LIMIT_KIB=$((64 << 10))
CPU_MAX=10 # seconds; less than one where nothing else runs. A sanitizer may take its time
case ${build##*/} in release* | debug*) measured=1 ;; *) measured='' CPU_MAX=120 ;; esac
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

try() { # KIND WHAT-IS-SAID NAME
	local bad='' how code kib
	"$build/tools/hostileqcow2" "$1" "$tmp/x.qcow2" || { not_ok "$3" "not made"; return; }
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/tools/qcow2scan" "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code kib _ <"$tmp/result"
	[ "$how $code" = "exit 0" ] || bad+="ended by $how $code"$'\n'
	grep -qE "$2" "$tmp/out" || bad+="nothing said like: $2"$'\n'
	[ -z "$measured" ] || [ "$kib" -le $LIMIT_KIB ] || bad+="$kib KiB"$'\n'
	[ -z "$bad" ] || bad+=$(head -5 "$tmp/out" "$tmp/err")
	silent "$3" "$bad"
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/vmend" check "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code kib _ <"$tmp/result"
	bad=''
	[[ "$how $code" =~ ^exit\ [013]$ ]] || bad+="ended by $how $code"$'\n'
	[ -z "$measured" ] || [ "$kib" -le $LIMIT_KIB ] || bad+="$kib KiB"$'\n'
	silent "$3: check" "$bad"
	rm -f "$tmp/x.qcow2"
}

try same '^flaw l2-shared' "4096 L1 entries with one L2 table, whose entries have one cluster"
try sparse '^complete' "64 GiB of nothing, clusters of 512 bytes, refcounts of 64 bits"
try scattered '^incomplete: more clusters' "references all over those"
try long-l1 '^incomplete' "4194304 L1 entries, each with an L2 table at another sector"
try everywhere '^flaw metadata-metadata' "a refcount table that names every cluster, again and again"
try snapshots '^incomplete: L1 tables that overlap' "65536 snapshots, whose L1 tables overlap"
try shifted '^incomplete: L1 tables that overlap' "4000 snapshots, whose full L1 tables overlap"
try unaligned '^incomplete: L2 tables that are not aligned' "an L2 table at every sector"
try heavy '^flaw refcount-zero' "4000 snapshots of the same L1 table"
try inflate '^complete' "512 GiB of zeros in 4 MiB, compressed"
tap_end
