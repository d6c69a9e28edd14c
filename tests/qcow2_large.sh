#!/usr/bin/env bash
# QCOW2 images of hundreds of GiB, nearly all of it holes, that lost their refcounts: these are
# made anew, though they measure more than vmend may take of memory, as long as most of them
# say the same; else the fix says that it cannot, and changes nothing.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
have qemu-img || {
	skip 'refcounts of large images' 'qemu-img is not here'
	tap_end
	exit 0
}
case ${build##*/} in release*) limit_kib=$((64 << 10)) ;; *) limit_kib=$((1 << 30)) ;; esac
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state LC_ALL=C.UTF-8

zero() { # OFFSET LENGTH
	head -c "$2" /dev/zero | dd of=d.qcow2 bs="$2" seek="$1" conv=notrunc oflag=seek_bytes status=none
}

lose_refcounts() { # the table's offset, and entry 7 of the table
	zero $(($(table_at) + 56)) 8
	zero 48 8
}

table_at() {
	echo $((16#$(od -An -v -tx1 -j 48 -N 8 d.qcow2 | tr -d ' \n')))
}

fix() { # says what vmend says; sets how, code, kib
	"$build/tools/maxrss" result 300 "$vmend" fix d.qcow2 >said 2>&1
	read -r how code kib _ <result
}

qemu-img create -q -f qcow2 -o preallocation=metadata d.qcow2 800G
lose_refcounts
cp --sparse=always d.qcow2 was
fix
bad=''
grep -q '^d.qcow2@0x30: fixed\[qcow2-reftable-offset\]' said || bad+=$(head -5 said)
[ "$kib" -le "$limit_kib" ] || bad+="$kib KiB of memory"
# The old table and its blocks stay in use: nobody may know what else they were.
qemu-img check -q -f qcow2 d.qcow2 >checked 2>&1
[ $? -eq 3 ] || bad+=$(head -5 checked)
"$vmend" undo d.qcow2 >said 2>&1
bad+=$("$build/tools/samebytes" d.qcow2 was 2>&1)
silent '25 MiB of refcounts, nearly all of them 1' "$bad"
rm -f d.qcow2 was

"$build/tools/fragqcow2" d.qcow2 800 1 1
lose_refcounts
stat -c %y d.qcow2 >when
fix
bad=''
grep -q 'not fixed\[qcow2-reftable-offset\]: new refcounts would take more than' said || bad+=$(head -5 said)
[ "$how $code" = 'exit 1' ] || bad+="$how $code"
stat -c %y d.qcow2 | cmp -s - when || bad+='it was written to'
silent '26 MiB of refcounts, all different' "$bad"
tap_end
