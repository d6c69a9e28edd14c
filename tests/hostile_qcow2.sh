#!/usr/bin/env bash
# QCOW2 images that ask for time and memory without end get little of both: 64 MiB at most, and
# a second of a processor. SPEC.md section 2.3.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
LIMIT_KIB=$((64 << 10))
# The bound is 1 s, of a processor and not of a clock; twice that, since the same work takes up
# to twice its time on a core that is shared. With a sanitizer only the end counts.
CPU_MS=2000 CPU_MAX=10
case ${build##*/} in release*) measured=1 ;; *) measured='' CPU_MAX=120 ;; esac
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

limits() { # what the last program took too much of
	local how code kib ms
	[ -n "$measured" ] || return
	read -r how code kib _ ms _ <"$tmp/result"
	[ "$kib" -le $LIMIT_KIB ] || echo "$kib KiB, more than $LIMIT_KIB"
	[ "$ms" -le $CPU_MS ] || echo "$ms ms of a processor, more than $CPU_MS"
}

try() { # KIND WHAT-IS-SAID NAME
	local bad='' how code
	"$build/tools/hostileqcow2" "$1" "$tmp/x.qcow2" || { not_ok "$3" "not made"; return; }
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/tools/qcow2scan" "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code _ <"$tmp/result"
	[ "$how $code" = "exit 0" ] || bad+="ended by $how $code"$'\n'
	grep -qE "$2" "$tmp/out" || bad+="nothing said like: $2"$'\n'
	bad+=$(limits)
	[ -z "$bad" ] || bad+=$'\n'$(head -5 "$tmp/out" "$tmp/err")
	silent "$3" "$bad"
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/vmend" check "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code _ <"$tmp/result"
	bad=''
	[[ "$how $code" =~ ^exit\ [013]$ ]] || bad+="ended by $how $code"$'\n'
	bad+=$(limits)
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
