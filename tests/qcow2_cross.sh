#!/usr/bin/env bash
# Clusters that several places share, taken apart, and entries that lead nowhere, made zeros:
# killed by strace at each call that changes the file. At every such moment QEMU reads of the
# disk and of its snapshots what it read before; `vmend undo` gives the damaged file back,
# byte for byte, and a second `vmend fix` the mended one.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
. tests/lib/kill.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
[[ $build == /* ]] || build=$root/$build
vmend=$build/vmend mkimg=$build/tools/mkimg
have qemu-img && can_kill || {
	skip 'shared clusters' 'qemu-img or strace is not here, or may not trace'
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state LC_ALL=C.UTF-8

dump() { # FILE PREFIX   the disk and the snapshots as raw files
	local s
	qemu-img convert -f qcow2 -O raw "$1" "$2.disk" || return
	for s in $(qemu-img snapshot -l "$1" | awk 'NR > 2 { print $2 }'); do
		qemu-img convert -f qcow2 -O raw -l "snapshot.name=$s" "$1" "$2.snap-$s" || return
	done
}

half_way() { # FILE WHEN
	local f
	rm -f half.*
	dump "$1" half >said2 2>&1 || { echo "$2: QEMU cannot read it any more: $(cat said2)"; return; }
	for f in broken.*; do
		cmp -s "$f" "half${f#broken}" || echo "$2: ${f#broken.} is not what it was"
	done
}

mended() { # CASE EXIT OPTION   of the corpus; how fix ends
	local dir=$root/corpus/$1 f bad=''
	rm -rf ./* .[!.]*
	for f in "$dir"/*.recipe; do
		"$mkimg" "$f" "$(basename "$f" .recipe)" || bad+="mkimg failed"$'\n'
	done
	mv in d.qcow2
	dump d.qcow2 broken >said 2>&1 || bad+="QEMU cannot read it: $(cat said)"
	FIX=("$3")
	silent "$1" "$bad"
	every_point "$1: killed" d.qcow2 12 "$2"
	half_way d.qcow2.fixed mended >complaints
	silent "$1: mended, QEMU reads the same" "$(cat complaints)"
}

mended qcow2-crosslink-data/bad-snapshot 1 --unsafe-fixes
mended qcow2-crosslink-data/bad-one-bit 1 --unsafe-fixes
mended qcow2-l2-shared/bad-with-snapshot 0 --unsafe-fixes
mended qcow2-overlap-metadata/bad-l2 1 --unsafe-fixes
mended qcow2-ptr-nowhere/bad-v2-backing 0 --lossy-fixes
mended qcow2-ptr-nowhere/bad-snapshot 0 --lossy-fixes
tap_end
