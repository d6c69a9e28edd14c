#!/usr/bin/env bash
# Domain XML that strangers wrote: read as libxml2 reads it, every place exact, also after
# seeded damage; checked by vmend without an error. The files are not part of this
# repository: VMEND_REAL names the folder, ../shared/real/libvirt is tried otherwise.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
real=${VMEND_REAL:-../shared/real/libvirt}
MUTANTS=20 # of each file
files=()
[ ! -d "$real" ] || mapfile -t files < <(find "$real" -name '*.xml' | LC_ALL=C sort)

if [ ${#files[@]} -eq 0 ]; then
	skip "real domains are read as libxml2 reads them" "no XML files in $real"
	skip "real domains are checked without an error" "no XML files in $real"
	tap_end
	exit 0
fi

name="${#files[@]} real domains, and $MUTANTS mutants of each, are read as libxml2 reads them"
if out=$("$build/tools/xmlcheck" $MUTANTS "${files[@]}" 2>&1); then
	ok "$name"
	grep '^# ' <<<"$out"
else
	not_ok "$name" "$out"
fi

# 0: nothing found, 1: findings. A file that is no domain would be a surprise as well.
out=$("$vmend" check --format json "${files[@]}" 2>&1)
rc=$?
complaints=
[ $rc -le 1 ] || complaints="exit status $rc: $(tail -5 <<<"$out")"$'\n'
grep -qE '"checked": *'${#files[@]}'[,}]' <<<"$out" ||
	complaints+="not all of ${#files[@]} were checked: $(grep -oE '"summary".*' <<<"$out")"
silent "${#files[@]} real domains are checked in one run, without an error" "$complaints"
tap_end
