#!/usr/bin/env bash
# ISO 9660 images as xorriso, genisoimage, isohybrid and grub-mkrescue make them, for distributions
# and for nobody:
#
#   - a healthy one has no finding above note, and vmend says that it boots what it was made to:
#     with the options of Debian, Ubuntu, Fedora, Arch, Alpine, openSUSE and Windows' media, grown by
#     sessions, with deep trees and large ones, and of makefs and pycdlib
#   - of each kind of damage there is exactly the finding that is expected
#   - after a repair xorriso reports what it reported before the damage, checkisomd5 accepts the
#     sum, and the tree of files is the same; undo gives the damaged image back
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have xorriso genisoimage mformat mcopy grub-mkimage || {
	skip "ISO images of others" "xorriso, genisoimage, mtools or grub-mkimage is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

# ---- healthy images ----

isolinux=/usr/lib/ISOLINUX/isolinux.bin
hybrid=/usr/lib/ISOLINUX/isohdpfx.bin
boot_hybrid=/usr/lib/grub/i386-pc/boot_hybrid.img
bios='-no-emul-boot -boot-load-size 4 -boot-info-table'
esp=c12a7328-f81f-11d2-ba4b-00a0c93ec93b

fat() { # FILE SIZE
	truncate -s "$2" "$1"
	mformat -i "$1" -v ESP :: && mmd -i "$1" ::/EFI ::/EFI/BOOT &&
		mcopy -i "$1" bootx64.efi ::/EFI/BOOT/BOOTX64.EFI
}

tree() {
	mkdir -p tree/boot/grub tree/isolinux tree/a/b/c tree/docs
	mkdir -p tree/boot/efi "deep/$(printf '%s/' 1 2 3 4 5 6 7 8 9 10 11 12)"
	touch "deep/$(printf '%s/' 1 2 3 4 5 6 7 8 9 10 11 12)/file"
	for i in 1 2 3 4 5; do seq 1 $((i * 2000)) >"tree/docs/file-number-$i.text"; done
	for i in {1..900}; do echo "$i" >"deep/1/a-name-that-takes-some-room-$i"; done
	echo deep >tree/a/b/c/deep
	ln -s ../docs tree/a/link
	grub-mkimage -O x86_64-efi -o bootx64.efi -p /boot/grub normal part_gpt fat || return
	grub-mkimage -O i386-pc-eltorito -o tree/boot/grub/eltorito.img -p /boot/grub biosdisk iso9660 || return
	fat tree/boot/grub/efi.img 2880K
	fat esp.img 4M
	fat large.img 40M
	cp tree/boot/grub/efi.img tree/boot/efi/efisys.bin
	# Apple's, as its firmware knows it
	truncate -s 100K tree/boot/efi/macboot.img
	printf 'H+' | dd of=tree/boot/efi/macboot.img bs=1 seek=1024 conv=notrunc status=none
	truncate -s 1440K tree/boot/floppy.img
	dd if=$boot_hybrid of=tree/boot/floppy.img conv=notrunc status=none
	[ ! -f $isolinux ] || cp $isolinux tree/isolinux/
}

# One that cannot be made must not go unseen.
made() { # NAME COMMAND...   that writes NAME.iso
	"${@:2}" >said 2>&1
	[ -s "$1.iso" ] || { rm -f "$1.iso" && not_ok "$1: is made" "$(cat said)"; }
}

xo() { # NAME ARGUMENT...
	made "$1" xorriso -as mkisofs -quiet -o "$1.iso" "${@:2}" tree
}

gen() { # NAME ARGUMENT...
	made "$1" genisoimage -quiet -o "$1.iso" "${@:2}" tree
}

# shellcheck disable=SC2086 # options are words
make_images() {
	xo plain -R -J -V PLAIN
	xo level3 -iso-level 3 -r -V LEVEL3
	xo nopad -r -no-pad -V NOPAD
	xo efi -r -V EFI -e boot/grub/efi.img -no-emul-boot
	xo grub -r -V GRUB -b boot/grub/eltorito.img -c boot.cat $bios --grub2-boot-info
	xo ubuntu -r -V Ubuntu -J -joliet-long --grub2-mbr $boot_hybrid --protective-msdos-label \
		-partition_cyl_align off -partition_offset 16 --mbr-force-bootable \
		-append_partition 2 $esp esp.img -appended_part_as_gpt \
		-c boot.catalog -b boot/grub/eltorito.img $bios --grub2-boot-info \
		-eltorito-alt-boot -e --interval:appended_partition_2::: -no-emul-boot
	xo fedora -r -V Fedora -J --grub2-mbr $boot_hybrid -append_partition 2 $esp esp.img \
		-appended_part_as_gpt -b boot/grub/eltorito.img -c boot.cat $bios --grub2-boot-info \
		-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot
	xo arm64 -r -J -V 'Debian arm64' -e boot/grub/efi.img -no-emul-boot \
		-append_partition 2 0xef tree/boot/grub/efi.img -partition_cyl_align all
	xo windows -V CCCOMA -iso-level 3 -J -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 8 \
		-c boot.cat --boot-catalog-hide -eltorito-alt-boot -e boot/efi/efisys.bin -no-emul-boot -boot-load-size 1
	xo large-esp -r -V LARGE -append_partition 2 $esp large.img -appended_part_as_gpt \
		-e --interval:appended_partition_2:all:: -no-emul-boot
	xo floppy -r -V FLOPPY -b boot/floppy.img -c boot.cat
	xo hfsplus -r -V HFS -hfsplus -e boot/grub/efi.img -no-emul-boot
	xo iso1 -iso-level 1 -V ISO1
	made deep xorriso -as mkisofs -quiet -o deep.iso -r -J -V DEEP deep
	made gen-deep genisoimage -quiet -o gen-deep.iso -R -J -V DEEP deep
	gen gen-windows -V CCCOMA -udf -iso-level 4 -J -b boot/grub/eltorito.img -no-emul-boot \
		-boot-load-size 8 -c boot.cat -eltorito-alt-boot -e boot/efi/efisys.bin -no-emul-boot -boot-load-size 1
	gen gen-plain -R -J -V GEN
	gen gen-bare -V BARE
	gen gen-level4 -iso-level 4 -R -V LEVEL4
	gen gen-udf -udf -R -J -V UDF
	gen gen-efi -R -J -V GENEFI -e boot/grub/efi.img -no-emul-boot
	if ! [ -f $isolinux ]; then
		skip "ISO images with ISOLINUX" "isolinux is not installed"
		return
	fi
	gen gen-boot -R -J -V GB -b isolinux/isolinux.bin -c isolinux/boot.cat $bios \
		-eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot
	xo debian -r -V 'Debian 12' -J -joliet-long -isohybrid-mbr $hybrid -b isolinux/isolinux.bin \
		-c isolinux/boot.cat $bios -eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot \
		-isohybrid-gpt-basdat -isohybrid-apm-hfsplus
	xo arch -V ARCH -J -joliet-long -r -isohybrid-mbr $hybrid --mbr-force-bootable \
		-partition_offset 16 -b isolinux/isolinux.bin -c isolinux/boot.cat $bios \
		-append_partition 2 $esp esp.img -appended_part_as_gpt -eltorito-alt-boot \
		-e --interval:appended_partition_2:all:: -no-emul-boot
	xo alpine -V alpine-3.20 -l -J -R -b isolinux/isolinux.bin -c isolinux/boot.cat $bios \
		-isohybrid-mbr $hybrid -eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot \
		-isohybrid-gpt-basdat -follow-links
	gen opensuse -V openSUSE -R -J -pad -b isolinux/isolinux.bin -c isolinux/boot.cat $bios \
		-eltorito-alt-boot -no-emul-boot -boot-load-size 1 -e boot/grub/efi.img
	gen fedora-36 -V Fedora-36 -R -J -b isolinux/isolinux.bin -c isolinux/boot.cat $bios \
		-eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot \
		-eltorito-alt-boot -e boot/efi/macboot.img -no-emul-boot
	made sessions xorriso -outdev sessions.iso -volid ONE -joliet on -map tree / \
		-boot_image isolinux dir=/isolinux
	xorriso -dev sessions.iso -map deep /more -boot_image isolinux dir=/isolinux >said 2>&1 ||
		not_ok "sessions: a second one" "$(cat said)"
	if have isohybrid; then
		isohybrid -u -m fedora-36.iso 2>/dev/null
		have implantisomd5 && implantisomd5 fedora-36.iso >/dev/null
		cp gen-boot.iso isohybrid.iso && isohybrid isohybrid.iso 2>/dev/null
		cp gen-boot.iso isohybrid-u.iso && isohybrid -u isohybrid-u.iso 2>/dev/null
	else
		skip "isohybrid" "isohybrid is not installed"
	fi
}

# These look for GRUB's own modules.
rescue_images() {
	if have grub-mkrescue; then
		mkdir -p rescue && cp tree/docs/* rescue/
		made rescue grub-mkrescue -o rescue.iso rescue
		made rescue-bios grub-mkrescue -d /usr/lib/grub/i386-pc -o rescue-bios.iso rescue
		made rescue-efi grub-mkrescue -d /usr/lib/grub/x86_64-efi -o rescue-efi.iso rescue
	else
		skip "grub-mkrescue" "grub-mkrescue is not installed"
	fi
}

# By programs of others' families.
more_images() {
	if have makefs; then
		made makefs makefs -t cd9660 -o rockridge,label=MAKEFS makefs.iso tree
		made makefs-boot makefs -t cd9660 -o rockridge -o label=BOOTS \
			-o 'bootimage=i386;tree/boot/grub/eltorito.img' -o no-emul-boot makefs-boot.iso tree
	else
		skip "makefs" "makefs is not installed"
	fi
	if ! /usr/bin/python3 -c 'import pycdlib' 2>/dev/null; then
		skip "pycdlib" "python3-pycdlib is not installed"
		return
	fi
	cat >others.py <<'PYTHON'
import io, pycdlib
def make(name, boot, **options):
    iso = pycdlib.PyCdlib()
    iso.new(**options)
    more = {}
    for path, data in (('/FILE1.;1', b'x' * 3000), ('/BOOT.;1', open('tree/boot/grub/eltorito.img', 'rb').read()),
                       ('/EFI.;1', open('tree/boot/grub/efi.img', 'rb').read())):
        word = path[1:].split('.')[0].lower()
        if options.get('rock_ridge'):
            more['rr_name'] = word
        if options.get('joliet'):
            more['joliet_path'] = '/' + word
        if options.get('udf'):
            more['udf_path'] = '/' + word
        iso.add_fp(io.BytesIO(data), len(data), path, **more)
    if boot:
        iso.add_eltorito('/BOOT.;1', bootcatfile='/BOOT.CAT;1', boot_load_size=4, boot_info_table=True)
        iso.add_eltorito('/EFI.;1', efi=True)
    iso.write(name + '.iso')
    iso.close()
make('py-plain', False, interchange_level=1)
make('py-long', False, interchange_level=3, joliet=3, rock_ridge='1.09')
make('py-four', False, interchange_level=4, rock_ridge='1.12')
make('py-udf', False, interchange_level=3, joliet=3, udf='2.60')
make('py-boot', True, interchange_level=3)
PYTHON
	made py-boot /usr/bin/python3 others.py
	for f in py-plain py-long py-four py-udf; do made $f true; done
}

tree || {
	not_ok "the tree can be made"
	tap_end
	exit 1
}
make_images
rescue_images
more_images

boots() { # FILE
	"$vmend" inspect "$1" | sed -n 's/^  boots  *//p'
}

for f in *.iso; do
	out=$("$vmend" check --format concise "$f" 2>&1)
	rc=$?
	is "${f%.iso}: no finding above note" "$rc $(grep -v 'note\[' <<<"$out")" "0 "
	words=$(boots "$f")
	has=$(xorriso -indev "$f" -report_el_torito plain 2>/dev/null)
	case $has in *BIOS*) want=BIOS ;; *) want= ;; esac
	case $has in *UEFI*) want="$want UEFI" ;; esac
	got=
	case $words in *BIOS*) got=BIOS ;; esac
	case $words in *UEFI\ x64*) got="$got UEFI" ;; esac
	is "${f%.iso}: boots what xorriso sees" "$got" "$want"
done

# Directories of which not all are read; what it boots is known all the same.
mkdir -p many/boot && cp tree/boot/grub/eltorito.img many/boot/
(cd many && for i in {1..60}; do mkdir -p "$i"/{1..60}; done)
xorriso -as mkisofs -quiet -o many.iso -J -R -V MANY -b boot/eltorito.img -c boot.cat -no-emul-boot \
	-boot-load-size 4 -boot-info-table --grub2-boot-info many >/dev/null 2>&1
many=$("$vmend" check --format concise many.iso | sed 's/^[^ ]* //; s/[0-9]* of/N of/')
is "3661 directories: not all are read, and that is said" "$many" \
	"note[iso-tree-large] N of its directories were read, and no more: of the others, and of its path tables, nothing is said
note[iso-tree-large] Joliet: N of its directories were read, and no more: of the others, and of its path tables, nothing is said"
is "3661 directories: what it boots" "$(boots many.iso)" "BIOS (GRUB)"
if have strace && strace -o /dev/null true 2>/dev/null && ! ldd "$vmend" | grep -q asan; then
	strace -f -y -e trace=read,pread64,readv,preadv -o trace "$vmend" check many.iso >/dev/null 2>&1
	bytes=$(grep -F many.iso trace | awk '/= [0-9]+$/ { n += $NF } END { print n + 0 }')
	silent "3661 directories: at most 8 MiB are read ($bytes bytes)" \
		"$([ "$bytes" -gt $((4 << 20)) ] && [ "$bytes" -le $((8 << 20)) ] || echo "$bytes")"
else
	skip "3661 directories: at most 8 MiB are read" "strace cannot run here"
fi
silent "3661 directories: all are read with --deep" "$("$vmend" check --deep --format concise many.iso)"
rm many.iso

# ---- damage ----

le32() { # FILE OFFSET
	od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

poke() { # OFFSET BYTES-FOR-PRINTF...
	local off=$1
	shift
	# shellcheck disable=SC2059 # that is what they are
	printf "$*" | dd of=x.iso bs=1 seek="$off" conv=notrunc status=none
}

wipe() { # OFFSET LENGTH
	head -c "$2" /dev/zero | dd of=x.iso bs=1 seek="$1" conv=notrunc status=none
}

report() { # FILE
	xorriso -indev "$1" -report_el_torito plain -report_system_area plain 2>/dev/null
	xorriso -indev "$1" -find / -exec report_lba 2>/dev/null
	xorriso -indev "$1" -osirrox on -extract / "out.$$" >/dev/null 2>&1
	(cd "out.$$" 2>/dev/null && find . -type f -exec md5sum {} + | sort)
	chmod -R u+w "out.$$" 2>/dev/null
	rm -rf "out.$$"
}

pick() { # IMAGE   what the kinds below break
	base=$1
	cp "$base.iso" x.iso
	catalog=$(($(le32 x.iso $((17 * 2048 + 71))) * 2048))
	root=$(($(le32 x.iso 32926) * 2048))
	image=$(($(le32 x.iso $((catalog + 40))) * 2048))
	pathl=$(($(le32 x.iso 32908) * 2048))
	size=$(stat -c %s x.iso)
	healthy=$(report x.iso)
	[[ $healthy == *' ./docs/'* ]] || not_ok "$base: xorriso reads it" "$healthy"
}

# The ids that are expected, those of notes aside; then what is to be mended ends like before.
try() { # NAME EXPECTED [mend|leave|unsafe]
	local out rc got left level
	out=$("$vmend" check --format concise ${deep:-} x.iso 2>&1)
	rc=$?
	got=$(sed -n 's/.*\(error\|warning'"${also:-}"'\)\[\([a-z0-9-]*\)\].*/\2/p' <<<"$out" | sort -u | tr '\n' ' ')
	[ $rc -le 1 ] || got+="exit $rc"
	# Of an image with a sum, nearly all damage makes that wrong as well.
	[ -z "${whole:-}" ] || got=${got/iso-md5-mismatch /}
	is "$base: $1" "${got% }" "$2"
	if [ "${3:-leave}" != leave ] && ! is_portable; then
		cp x.iso damaged.iso
		level=()
		[ "$3" != unsafe ] || level=(--unsafe-fixes)
		"$vmend" fix ${deep:-} "${level[@]}" x.iso >/dev/null 2>&1
		left=$("$vmend" check --format concise ${deep:-} x.iso | grep "${also:+note\\|}error\[\|warning\[")
		[ -z "${md5:-}" ] || timeout 60 checkisomd5 x.iso >/dev/null 2>&1 </dev/null || left+=" checkisomd5"
		[ "$(report x.iso)" = "$healthy" ] || left+=" xorriso reports something else"
		"$vmend" undo x.iso >/dev/null 2>&1
		cmp -s x.iso damaged.iso || left+=" undo is not byte for byte"
		silent "$base: $1, mended" "$left"
	fi
	rm -f x.iso.vmend-undo
	cp "$base.iso" x.iso
}

break_descriptors() {
	poke 32769 'CDX01'; try "the primary's CD001" iso-pvd mend
	poke 32768 '\7'; try "the primary's type" iso-pvd mend
	wipe $((17 * 2048)) 7; try "the boot record's first bytes" iso-vd-id mend
	wipe $((18 * 2048)) 7; try "the Joliet descriptor's first bytes" iso-vd-id mend
	wipe $((19 * 2048)) 7; try "the terminator" iso-vd-terminator mend
	poke 32852 '\0\0\1\1'; try "space, big-endian" iso-both-endian mend
	poke 32851 '\1'; try "space, little-endian" iso-both-endian mend
	poke 32894 '\1'; try "set size" iso-both-endian mend
	poke 32898 '\7'; try "block size" iso-both-endian mend
	poke 32926 '\1\0\0\0'; try "the root's block, little-endian" iso-both-endian mend
	poke 32930 '\1'; try "the root's block, big-endian" iso-both-endian mend
	poke 32900 '\3'; try "the size of the path tables" iso-both-endian mend
	poke 32908 '\7\1\0\0'; try "where path table L is" iso-path-table mend
	poke 32916 '\0\0\7\7'; try "where path table M is" iso-path-table mend
	poke $((pathl + 12)) '\377'; try "a block in path table L" iso-path-table mend
	wipe "$pathl" 40; try "path table L" iso-path-table
	poke $((root + 38)) '\276\356'; try "the mark of Rock Ridge" iso-rock-ridge mend
	poke $((root + 34)) 'Q'; try "the name of that mark" iso-rock-ridge mend
	poke "$root" '\5'; try "the root's first record" "iso-dir-record"
	truncate -s $((size - 300000)) x.iso; try "300000 bytes are missing" iso-truncated
	truncate -s $((size / 2 + 7)) x.iso; try "half of it is missing" iso-truncated
	truncate -s +1M x.iso; try "a megabyte of zeros behind it" ""
}

break_boot() {
	poke $((17 * 2048 + 71)) '\1\2\0\0'; try "where the catalog is" iso-catalog-lba mend
	poke $((17 * 2048 + 74)) '\377'; try "the catalog is far away" iso-catalog-lba mend
	poke $((catalog + 28)) '\1\1'; try "the catalog's checksum" iso-eltorito-checksum mend
	poke $((catalog + 30)) '\1'; try "the catalog's key" iso-eltorito-key mend
	poke "$catalog" '\11'; try "the catalog's first byte" iso-eltorito-key mend
	poke $((catalog + 1)) '\11'; try "the platform" iso-platform-id mend
	poke $((catalog + 1)) '\357'; try "the platform is another's" iso-platform-id mend
	poke $((catalog + 32)) '\0'; try "the first entry is not bootable" iso-boot-entry unsafe
	poke $((catalog + 33)) '\11'; try "the first entry's medium" iso-boot-entry
	poke $((catalog + 38)) '\0\0'; try "the first entry's count" iso-boot-image-count unsafe
	poke $((catalog + 43)) '\1'; try "the first image is far away" iso-boot-image-range mend
	poke $((catalog + 40)) '\21\0\0'; try "the first image is a descriptor" iso-boot-image-range mend
	poke $((catalog + 64)) '\0'; try "the header of UEFI's section" iso-eltorito-section mend
	poke $((catalog + 66)) '\3'; try "the entries of that section" iso-eltorito-section mend
	poke $((catalog + 64)) '\220'; try "the section is not the last one" iso-eltorito-section mend
	poke $((catalog + 102)) '\20\0'; try "the count of UEFI's image" iso-boot-image-count unsafe
	poke $((catalog + 107)) '\1'; try "UEFI's image is far away" iso-boot-image-range mend
	poke $((catalog + 104)) '\100\0\0'; try "UEFI's image is elsewhere" iso-boot-image-range mend
	poke $((image + 12)) '\1\1'; try "the boot information's block" iso-boot-info-table mend
	poke $((image + 16)) '\1\1\1'; try "the boot information's length" iso-boot-info-table mend
	poke $((image + 20)) '\1\1\1'; try "the boot information's checksum" iso-boot-info-sum unsafe
	poke $((image + 1800)) '\123\321'; try "the boot program" iso-boot-info-sum
}

break_disk() { # of a hybrid image with MBR and GPT
	poke 536 '\7'; try "the primary GPT's header" iso-hybrid-gpt mend
	also='\|note'
	poke $((size - 512 + 40)) '\7'; try "the backup GPT's header" iso-hybrid-gpt mend
	wipe $((size - 512)) 512; try "the backup GPT" iso-hybrid-backup
	also=
	poke 432 '\7\7'; try "what the boot sector loads" iso-hybrid-mismatch mend
}

pick ubuntu
break_descriptors
break_boot
break_disk
if [ -f debian.iso ]; then
	pick debian
	break_boot
	break_disk
fi
pick grub
poke $((catalog + 28)) '\1\1'; try "the catalog's checksum" iso-eltorito-checksum mend

# ---- damage at random ----

# Of metadata of which a byte, or some, are other: no repair writes what did not stand there. But for
# the catalog's checksum, which is made of a damaged name as well: nobody goes by that.
at_random() { # IMAGE
	/usr/bin/python3 - "$1.iso" "$vmend" "${ISO_CASES:-100}" "${ISO_SEED:-1}" <<'PYTHON'
import os, random, struct, subprocess, sys
path, vmend, cases, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
healthy = open(path, 'rb').read()
block = lambda at: struct.unpack('<I', healthy[at:at + 4])[0] * 2048
catalog = block(17 * 2048 + 71)
image = block(catalog + 40)
zones = [(0, 2048), (0x8000, 0x8384), (0x8800, 0x8850), (0x9000, 0x9384)] * 2 + \
    [(0x9800, 0x27800)] * 4 + [(catalog, catalog + 160)] * 6 + [(image + 8, image + 64)] * 2 + \
    [(len(healthy) - 17408, len(healthy))]
mended = 0
for case in range(cases):
    now = bytearray(healthy)
    how, at = random.random(), random.randrange(*random.choice(zones))
    for k in range(at, min(len(now), at + (1 if how < .6 else random.choice((2, 4, 8, 16))))):
        now[k] = now[k] ^ 1 << random.randrange(8) if how < .4 else random.randrange(256) if how < .8 else 0
    for name in ('y.iso', 'y.iso.vmend-undo'):
        if os.path.exists(name):
            os.remove(name)
    open('y.iso', 'wb').write(now)
    rc = subprocess.run([vmend, 'fix', '--quiet', 'y.iso'], stdout=subprocess.DEVNULL).returncode
    if rc not in (0, 1, 3):
        print(f'case {case}: exit {rc}')
    then = open('y.iso', 'rb').read()
    mended += then != now
    if len(then) != len(now):
        print(f'case {case}: {len(then)} bytes')
        continue
    wrong = [k for at in range(0, len(now), 4096) if then[at:at + 4096] != now[at:at + 4096]
             for k in range(at, min(at + 4096, len(now))) if then[k] != now[k] and then[k] != healthy[k]]
    if any(not (catalog + 28 <= k < catalog + 30) for k in wrong):
        print(f'case {case}: bytes that were never there, at', *map(hex, wrong[:8]))
if mended == 0:
    print(f'none of {cases} was changed at all')
PYTHON
}

if is_portable; then
	skip "damage at random" "a portable build repairs no images"
elif ! [ -x /usr/bin/python3 ]; then
	skip "damage at random" "there is no /usr/bin/python3"
else
	for i in ubuntu debian gen-boot; do
		[ ! -f $i.iso ] || silent "$i: damage at random, and nothing is written that did not stand there" "$(at_random $i)"
	done
fi

# ---- implanted sums ----

if have implantisomd5 checkisomd5; then
	cp ubuntu.iso sum.iso
	implantisomd5 sum.iso >/dev/null
	pick sum
	deep=--deep md5=1
	try "nothing" ""
	poke $((catalog + 28)) '\1\1'; try "the checksum, after the sum was made" "iso-eltorito-checksum iso-md5-mismatch" mend
	poke $((image + 70000)) '\1\321'; try "a byte of a file" "iso-md5-mismatch"
	poke $((catalog + 28)) '\1\1'; implantisomd5 -f x.iso >/dev/null
	try "the checksum, before the sum was made" iso-eltorito-checksum mend
	truncate -s $((size - 20000)) x.iso; try "20000 bytes are missing, which checkisomd5 passes" iso-truncated
	# All of the kinds again: whatever is mended, checkisomd5 accepts.
	whole=1
	break_descriptors
	break_boot
	break_disk
else
	skip "implanted sums" "implantisomd5 is not installed"
fi
tap_end
