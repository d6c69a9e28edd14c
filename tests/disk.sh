#!/usr/bin/env bash
# A disk that is full, at every size of what is left, and one that is read-only: a repair
# ends well, or nothing is changed and nothing stays behind. SPEC.md, "Guarantees", 5.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg

# In a mount namespace of its own, so that no mount outlives the test.
if [ "${1:-}" != --inside ]; then
	for flags in -m -rm; do
		unshare $flags mount -t tmpfs none /mnt 2>/dev/null &&
			exec unshare $flags bash tests/disk.sh --inside
	done
	skip "a full disk" "cannot mount a tmpfs"
	tap_end
	exit 0
fi

tmp=$(mktemp -d) || exit 2
trap 'umount "$tmp/disk" 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
mkdir disk
export XDG_STATE_HOME=$tmp/disk/state
mount -t tmpfs -o size=128k none disk || exit 2

printf '%s\n' 'size 8M' gpt 'part 1 start=1M size=4M' 'set mbr.entry[0].sectors 1234' \
	'zero backup.header 512' 'zero backup.entries 16384' >recipe
"$mkimg" recipe whole.raw || not_ok "mkimg makes the image"
# The tail is a hole: writing there needs room.
truncate -s 7M whole.raw
truncate -s 8M whole.raw
cat >whole.xml <<'X'
<domain type='kvm'>
  <name>a</name>
  <memory unit='MiB'>512</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <iommu model='intel'><driver intremap='on'/></iommu>
  </devices>
</domain>
X

# Tries with so many KiB left; prints "fixed", "failed", or what is wrong.
attempt() { # FILE KIB
	local f=$1 code
	rm -rf disk/* disk/.[!.]*
	cp --sparse=always "whole.${f##*.}" "disk/$f"
	fallocate -l $((128 - $2 - $(du -sk disk | cut -f1)))K disk/filler 2>/dev/null ||
		{ echo "cannot fill the disk"; return; }
	"$vmend" fix "disk/$f" >said 2>&1
	code=$?
	rm disk/filler
	if [ $code -eq 0 ] || [ $code -eq 1 ]; then
		echo fixed
		"$vmend" undo "disk/$f" >said 2>&1 || echo "undo: $(cat said)"
	elif [ $code -eq 3 ] && grep -q 'No space left' said; then
		echo failed
	else
		echo "exit $code: $(cat said)"
	fi
	cmp "disk/$f" "whole.${f##*.}" 2>&1
	find disk -type f ! -name "$f" -printf 'stays behind: %f\n'
}

fill_up() { # NAME FILE
	local kib results=
	for ((kib = 0; kib <= 60; kib += 4)); do
		results+=$(attempt "$2" $kib)$'\n'
	done
	silent "$1: it is repaired, or nothing is changed" \
		"$(grep -vx -e fixed -e failed -e '' <<<"$results")"
	is "$1: both happened" "$(sort -u <<<"$results" | grep -cx -e fixed -e failed)" 2
}

fill_up "an image on a full disk" d.raw
fill_up "a text on a full disk" vm.xml

cp --sparse=always whole.raw disk/d.raw
cp whole.xml disk/vm.xml
mount -o remount,ro disk
for f in d.raw vm.xml; do
	"$vmend" fix disk/$f >said 2>&1
	is "$f on a read-only disk" "$? $(grep -c 'Read-only file system' said)" "3 1"
done
tap_end
