#!/usr/bin/env bash
# Property lists as libplist reads them, which knows nothing of vmend.
#
#   - plistutil reads every list of the corpus, before and after it was fixed
#   - made binary by plistutil, each has the same findings, with offsets; no fix touches it,
#     and fix says why
#   - of lists with a line or a byte taken out, what vmend reads plistutil reads too
#
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
export LC_ALL=C.UTF-8
have plistutil || {
	skip "property lists as plistutil reads them" "plistutil is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

to() { # bin|xml FROM TO   false: plistutil cannot read it
	rm -f "$3"
	plistutil -i "$2" -f "$1" -o "$3" >"$tmp/said" 2>&1 && [ -s "$3" ]
}

check() { # FILE   what is found, without the places
	"$vmend" check --format concise --host-mounts tests/lib/mountinfo "$1" 2>&1 |
		sed 's/^[^ ]* //'
	echo "exit ${PIPESTATUS[0]}"
}

lists=()
for f in corpus/*/*/in.plist corpus/*/*/fixed.plist; do
	[[ $f == */config-syntax/* ]] || lists+=("$f")
done
silent "plistutil reads the ${#lists[@]} property lists of the corpus" "$(
	for f in "${lists[@]}"; do to xml "$f" "$tmp/a.plist" || echo "$f"; done
)"

# Strings that are not ASCII, and those that are there twice, are objects of their own kind.
silent "a binary list has the findings of the same one in XML" "$(
	for f in "${lists[@]}"; do
		to bin "$f" "$tmp/b.plist" && cmp -s -n 7 "$tmp/b.plist" <(printf bplist0) ||
			echo "$f: not made binary"
		diff <(check "$f" | sort) <(check "$tmp/b.plist" | sort) >"$tmp/diff" ||
			{ echo "$f" && cat "$tmp/diff"; }
	done
)"

silent "no fix touches a binary list, and fix says why" "$(
	for f in corpus/*/bad-*/in.plist; do
		# Those whose finding does not need the rest of the bundle.
		[ -f "${f%/*}/expect.plan" ] && [ ! -d "${f%/*}/Data" ] || continue
		to bin "$f" "$tmp/b.plist" && cp "$tmp/b.plist" "$tmp/was"
		"$vmend" fix --unsafe-fixes --host-mounts tests/lib/mountinfo "$tmp/b.plist" >"$tmp/out" 2>&1
		cmp "$tmp/b.plist" "$tmp/was" || echo "$f"
		grep -q '@0x[0-9a-f]*: not fixed.*binary property list' "$tmp/out" || { echo "$f" && cat "$tmp/out"; }
	done
)"

refuses() { # FILE   vmend calls it ill-formed
	"$vmend" check --format concise --select config-syntax "$1" 2>&1 | grep -q 'error\[config-syntax\]'
}

# Lists that plistutil refuses, and vmend takes for whole.
missed() { # FILE
	if refuses "$1"; then
		refused=$((refused + 1))
	elif ! to xml "$1" "$tmp/a.plist"; then
		echo "vmend reads what plistutil refuses:" && od -c "$1" | head -400 | tail -20
	fi
	read=$((read + 1))
}

read=0 refused=0
{
	for f in corpus/locking-without-file/bad-utm-{legacy,plist}/in.plist; do
		lines=$(wc -l <"$f")
		for ((i = 4; i < lines; i += 3)); do
			sed "${i}d" "$f" >"$tmp/m.plist"
			missed "$tmp/m.plist"
		done
		to bin "$f" "$tmp/b.plist"
		size=$(stat -c %s "$tmp/b.plist")
		for ((i = 8; i < size; i += 7)); do
			{ head -c $i "$tmp/b.plist" && tail -c +$((i + 2)) "$tmp/b.plist"; } >"$tmp/m.plist"
			missed "$tmp/m.plist"
		done
	done
} >"$tmp/missed"
silent "what vmend reads of $read damaged lists, plistutil reads" "$(cat "$tmp/missed")"
silent "many of them are refused" "$([ $refused -gt $((read / 5)) ] || echo "$refused of $read")"
tap_end
