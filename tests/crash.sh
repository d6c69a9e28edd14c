#!/usr/bin/env bash
# The real program, killed by strace at each system call with which it changes the disk:
# `vmend undo` gives the input back byte for byte, and a second `vmend fix` gives what an
# uninterrupted one gives. unit/test_crash and unit/test_power go further, without strace.
# SPEC.md, "Guarantees", 5.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
. tests/lib/kill.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state

if ! can_kill; then
	skip "undo and fix after a kill at each call" "strace is missing, or may not trace"
	tap_end
	exit 0
fi

# Both copies of a header, an array, the protective MBR.
printf '%s\n' 'size 8M' gpt 'part 1 start=1M size=4M' 'set mbr.entry[0].sectors 1234' \
	'zero backup.header 512' 'zero backup.entries 16384' >recipe
if "$mkimg" recipe d.raw >said 2>&1; then
	every_point "an image survives a kill at each call" d.raw 20
else
	not_ok "mkimg makes the image" "$(cat said)"
fi
# An ISO: a size in one byte order, a path table, the end of the descriptors, the catalog, and its implanted sum follows.
printf '%s\n' 'size 1M' 'iso "ISO" joliet=1 rock-ridge=1 bios=1 efi=64K' 'fat iso.efi 64K' \
	'file /EFI/BOOT/BOOTX64.EFI efi=x64' 'poke iso.catalog+28 le16 1' 'poke iso.path-l+12 le32 41' \
	'poke iso.pvd+170 be32 4096' 'zero iso.end 7' implant >recipe
if "$mkimg" recipe cd.iso >said 2>&1; then
	every_point "an ISO survives a kill at each call" cd.iso 20
else
	not_ok "mkimg makes the ISO" "$(cat said)"
fi
cat >vm.xml <<'X'
<domain type='kvm'>
  <name>a</name>
  <memory unit='MiB'>512</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <iommu model='intel'><driver intremap='on'/></iommu>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='6' slot='0' function='0'/></source>
    </hostdev>
  </devices>
</domain>
X
every_point "a text survives a kill at each call" vm.xml 15
tap_end
