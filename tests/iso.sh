#!/usr/bin/env bash
# ISO images as people meet them: what `inspect` says in five lines, downloads that are something
# else, or not all of it, and the map. Images of other programs: oracle/iso.sh.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
[[ $build == /* ]] || build=$PWD/$build
vmend=$build/vmend mkimg=$build/tools/mkimg
export LC_ALL=C.UTF-8
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

make_iso() { # NAME STATEMENT...
	local name=$1
	shift
	printf '%s\n' 'size 1M' "$@" >recipe
	"$mkimg" recipe "$name" || exit 2
}

loader=('fat iso.efi 64K' 'file /EFI/BOOT/BOOTX64.EFI efi=x64')

# ---- five lines ----

five() { # FILE   what is said of it as an ISO, without the blanks that make columns
	"$vmend" inspect "$1" | sed -nE 's/^  (volume|size|boots|as a disk|implanted sum) +/\1: /p'
}

said() { # NAME FILE LINE...
	local name=$1 file=$2
	shift 2
	is "$name" "$(five "$file")" "$(printf '%s\n' "$@")"
}

make_iso both.iso 'iso "DEBIAN" joliet=1 rock-ridge=1 bios=1 efi=64K' "${loader[@]}"
said "inspect: a CD for BIOS and UEFI" both.iso "volume: 'DEBIAN', Rock Ridge, Joliet" \
	"size: 1048576 bytes, complete" "boots: BIOS (isolinux), UEFI x64" "as a disk: no" \
	"implanted sum: none"

make_iso arm.iso 'iso "ARM" rock-ridge=1 efi=64K' 'fat iso.efi 64K' \
	'file /EFI/BOOT/BOOTAA64.EFI efi=aa64 signed=1' implant
said "inspect: a CD for UEFI on ARM, signed, with a sum" arm.iso "volume: 'ARM', Rock Ridge" \
	"size: 1048576 bytes, complete" "boots: UEFI aa64 (signed)" "as a disk: no" \
	"implanted sum: MD5, not asked (check --deep)"

make_iso data.iso 'iso "SEED" joliet=1 rock-ridge=1'
said "inspect: data only" data.iso "volume: 'SEED', Rock Ridge, Joliet" \
	"size: 1048576 bytes, complete" "boots: no: it has no boot catalog" "as a disk: no" \
	"implanted sum: none"

make_iso torn.iso 'iso "TORN" joliet=1 rock-ridge=1 bios=1 efi=64K' "${loader[@]}" 'resize -300001'
said "inspect: a download that has not ended" torn.iso "volume: 'TORN', Rock Ridge, Joliet" \
	"size: 748575 bytes, 300001 of its 1048576 are missing" "boots: BIOS (isolinux), UEFI x64" \
	"as a disk: no" "implanted sum: none"

make_iso hybrid.iso 'iso "HYBRID" joliet=1 rock-ridge=1 udf=1 bios=1 efi=64K' "${loader[@]}" layer gpt \
	'part 1 start=188 size=128 type=esp name="EFI"'
said "inspect: a hybrid with UDF" hybrid.iso "volume: 'HYBRID', Rock Ridge, Joliet, UDF" \
	"size: 1048576 bytes, complete" "boots: BIOS (isolinux), UEFI x64" "as a disk: MBR, GPT" \
	"implanted sum: none"

make_iso none.iso 'iso "LOST" joliet=1 rock-ridge=1 bios=1' 'zero iso.catalog 2K'
said "inspect: a catalog that is not there" none.iso "volume: 'LOST', Rock Ridge, Joliet" \
	"size: 1048576 bytes, complete" "boots: no: there is no boot catalog where it should be" \
	"as a disk: no" "implanted sum: none"

make_iso ppc.iso 'iso "MAC" rock-ridge=1 bios=1' 'poke iso.catalog+1 u8 1' 'poke iso.catalog+28 le16 0x54aa'
said "inspect: PowerPC" ppc.iso "volume: 'MAC', Rock Ridge" "size: 1048576 bytes, complete" \
	"boots: PowerPC" "as a disk: no" "implanted sum: none"

# ---- downloads that are something else ----

ids() { # FILE
	"$vmend" check --format concise "$1" 2>&1 | sed -nE 's/.*(error|warning|note)\[([a-z0-9-]+)\].*/\2/p' | tr '\n' ' '
}

found() { # NAME FILE WHAT   the only finding, and what its message has
	local out
	out=$("$vmend" check --format concise "$2" 2>&1)
	case $out in
	*$'\n'*) not_ok "$1" "$out" ;;
	*"$3"*) ok "$1" ;;
	*) not_ok "$1" "$out" ;;
	esac
}

packed() { # PROGRAM NAME WHAT
	have "$1" || {
		skip "$2 data called .iso" "$1 is not installed"
		return
	}
	"$1" -c <both.iso >"packed-$2.iso" 2>/dev/null
	found "$2 data called .iso" "packed-$2.iso" "error[img-compressed-archive] the file is $3"
}

packed gzip gzip 'gzip data, and'
packed xz xz 'xz data, and'
packed zstd zstd 'zstd data, and'
packed bzip2 bzip2 'bzip2 data, and'
packed lz4 lz4 'lz4 data, and'
if have zip; then
	zip -q zipped both.iso && mv zipped.zip zipped.iso
	found "a zip archive called .iso" zipped.iso 'error[img-compressed-archive] the file is a zip archive'
else
	skip "a zip archive called .iso" "zip is not installed"
fi
tar cf tarred.iso data.iso
found "a tar archive called .iso" tarred.iso 'error[img-compressed-archive] the file is a tar archive'
printf '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n' >page.iso
found "an HTML page called .iso" page.iso 'error[img-is-html] the file is an HTML page'
printf '<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>\n' >store.iso
found "an answer of an object store called .iso" store.iso 'error[img-is-html] the file is an XML error page'
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 733544448\n' 7 >lfs.iso
out=$("$vmend" check lfs.iso 2>&1)
case $out in
*'a pointer of Git LFS: the image itself is not here'*) ok "a pointer of Git LFS called .iso" ;;
*) not_ok "a pointer of Git LFS called .iso" "$out" ;;
esac
found "a torn download" torn.iso 'error[iso-truncated] the volume has 1048576 bytes, and the file 748575: 300001 are missing'

: >empty.iso
found "an empty file called .iso" empty.iso 'error[img-is-no-iso] the file is empty'
head -c 20000 both.iso >short.iso
found "a download of 20000 bytes" short.iso 'error[img-is-no-iso] the file has 20000 bytes, and an ISO image at least 34816'
truncate -s 3G room.iso
found "room that was made for a download" room.iso 'error[img-is-no-iso] the first 69632 bytes are zeros'
head -c 200000 /dev/zero >zeros.iso
tail -c 100000 both.iso >>zeros.iso
found "a download without its first piece" zeros.iso 'error[img-is-no-iso]'
truncate -s 1M new.img
is "a blank disk is no finding" "$(ids new.img)" ""

# ---- in a container, and drawn ----

if have qemu-img; then
	qemu-img convert -O qcow2 both.iso both.qcow2
	is "an ISO in a QCOW2: no finding" "$(ids both.qcow2)" ""
	make_iso bad.iso 'iso "BAD" joliet=1 rock-ridge=1 bios=1 efi=64K' "${loader[@]}" 'poke iso.catalog+28 le16 1'
	qemu-img convert -O qcow2 bad.iso bad.qcow2
	is "an ISO in a QCOW2: judged like a raw one" "$(ids bad.qcow2)" "iso-eltorito-checksum "
	if is_portable; then
		skip "an ISO in a QCOW2 is mended" "a portable build repairs no images"
	else
		cp bad.qcow2 was.qcow2
		"$vmend" fix --quiet bad.iso && "$vmend" fix --quiet bad.qcow2
		qemu-img convert -O raw bad.qcow2 out.raw
		is "an ISO in a QCOW2 is mended" "$(ids bad.qcow2) $(cmp bad.iso out.raw)" " "
		"$vmend" undo --quiet bad.qcow2
		silent "an ISO in a QCOW2, and undone" "$(cmp bad.qcow2 was.qcow2)"
		make_iso sum.iso 'iso "SUM" joliet=1 rock-ridge=1 bios=1 efi=64K' "${loader[@]}" \
			'poke iso.catalog+28 le16 1' implant
		qemu-img convert -O qcow2 sum.iso sum.qcow2
		cp sum.qcow2 was.qcow2
		out=$("$vmend" fix sum.qcow2)
		case $out in
		*'its implanted MD5 would be wrong'*) silent "a sum in a QCOW2 stays right" "$(cmp sum.qcow2 was.qcow2)" ;;
		*) not_ok "a sum in a QCOW2 stays right" "$out" ;;
		esac
	fi
else
	skip "an ISO in a QCOW2" "qemu-img is not installed"
fi
tap_end
