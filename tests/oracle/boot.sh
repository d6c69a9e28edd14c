#!/usr/bin/env bash
# What a disk can boot, as vmend tells it, against what mkfs.fat, mcopy, sfdisk and qemu-img put
# into it: each FAT, each kind of table, each loader, raw and in a QCOW2.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have sfdisk mkfs.fat mcopy mmd qemu-img jq || {
	skip 'what disks boot' 'sfdisk, mkfs.fat, mcopy, qemu-img or jq is not here'
	tap_end
	exit 0
}

# A PE file of so many bytes for a MACHINE (hexadecimal), with certificates at its end or not.
le() { # BYTES NUMBER
	local i
	for ((i = 0; i < $1; i++)); do printf '%b' "\\x$(printf %02x $(($2 >> 8 * i & 255)))"; done
}

pe() { # FILE MACHINE SIGNED [SIZE]
	local size=${4:-4096} dirs=$((64 + 24 + 108))
	truncate -s 0 "$1"
	truncate -s "$size" "$1"
	put() { dd of="$pe_file" bs=1 seek="$1" conv=notrunc status=none; }
	pe_file=$1
	printf MZ | put 0
	le 4 64 | put 60
	printf 'PE\0\0' | put 64
	le 2 $((16#$2)) | put 68
	le 2 $((16#20b)) | put $((64 + 24))
	le 2 10 | put $((64 + 24 + 68))
	le 4 16 | put $dirs
	[ "$3" = no ] || { le 4 $((size - 512)) && le 4 512; } | put $((dirs + 4 + 32))
}

inspect() { # FILTER FILE
	"$VMEND" inspect --format json "$2" | jq -r ".inputs[0].boot | $1"
}

# The volume $dir/p goes into a disk with the table TABLE.
disk() { # TABLE
	local first=1 table
	rm -f "$dir/disk.raw"
	truncate -s 80M "$dir/disk.raw"
	case $1 in
	esp) table='label: gpt\nstart=2048,size=64M,type=uefi\n' ;;
	gpt) table='label: gpt\nstart=2048,size=64M\n' ;;
	second) first=9 table='label: gpt\nstart=2048,size=8M\nstart=18432,size=64M\n' ;;
	mbr) table='label: dos\nstart=2048,size=64M,type=c\n' ;;
	ef) table='label: dos\nstart=2048,size=64M,type=ef\n' ;;
	logical) first=2 table='label: dos\nx1 : start=2048,size=70M,type=5\nx5 : start=4096,size=64M,type=c\n' ;;
	esac
	printf '%b' "$table" | sfdisk -q "$dir/disk.raw"
	dd if="$dir/p" of="$dir/disk.raw" bs=1M seek=$first conv=notrunc,sparse status=none
}

fat() { # BITS [OPTION...]
	local bits=$1
	shift
	rm -f "$dir/p"
	truncate -s 64M "$dir/p"
	mkfs.fat -F "$bits" "$@" "$dir/p" >/dev/null
	mmd -i "$dir/p" ::/EFI ::/EFI/BOOT
}

declare -A name=([x64]=BOOTX64 [ia32]=BOOTIA32 [aa64]=BOOTAA64 [arm]=BOOTARM [riscv64]=BOOTRISCV64 [loongarch64]=BOOTLOONGARCH64)
declare -A machine=([x64]=8664 [ia32]=014c [aa64]=aa64 [arm]=01c2 [riscv64]=5064 [loongarch64]=6264)

for bits in 12 16 32; do
	for table in esp gpt second mbr ef logical; do
		for signed in yes no; do
			cluster=()
			[ $bits != 12 ] || cluster=(-s 64)
			fat $bits "${cluster[@]}"
			pe "$dir/l" 8664 $signed
			mcopy -i "$dir/p" "$dir/l" ::/EFI/BOOT/BootX64.efi
			disk $table
			case $table in second) first_mib=9 ;; logical) first_mib=2 ;; *) first_mib=1 ;; esac
			qemu-img convert -c -O qcow2 "$dir/disk.raw" "$dir/disk.qcow2"
			for file in raw qcow2; do
				is "FAT$bits, $table, signed: $signed, $file" \
					"$(inspect '[.uefi_x64, .uefi_ia32, .bios, (.efi_volumes[] | .offset, .fat_bits, (.loaders[] | .path, .machine, .signed))] | join("|")' "$dir/disk.$file")" \
					"yes|no|no: there is no boot code in its first sector|$((first_mib << 20))|$bits|\\EFI\\BOOT\\BootX64.efi|x64|$signed"
			done
		done
	done
done

for arch in "${!name[@]}"; do
	fat 16
	pe "$dir/l" "${machine[$arch]}" no
	mcopy -i "$dir/p" "$dir/l" "::/EFI/BOOT/${name[$arch],,}.efi"
	disk esp
	is "a loader for $arch, and for nothing else" "$(inspect 'to_entries | map(select(.key | startswith("uefi_")) | select(.value == "yes") | .key) | join(" ")' "$dir/disk.raw")" "uefi_$arch"
done

# Long names, so many that the folder has several clusters, in pieces.
fat 32
pe "$dir/l" 8664 yes 70000
for i in $(seq 120); do
	mmd -i "$dir/p" "::/EFI/a folder with a long name, $i"
	[ "$i" != 60 ] || mcopy -i "$dir/p" "$dir/l" ::/EFI/BOOT/bootx64.efi
done
mmd -i "$dir/p" ::/EFI/Microsoft ::/EFI/Microsoft/Boot
mcopy -i "$dir/p" "$dir/l" ::/EFI/Microsoft/Boot/bootmgfw.efi
disk esp
is 'a folder in pieces, and Windows' "$(inspect '[.uefi_x64, .windows, .other_loaders] | join("|")' "$dir/disk.raw")" 'yes|yes|yes'

fat 16
pe "$dir/l" 8664 no
mmd -i "$dir/p" ::/EFI/debian
mcopy -i "$dir/p" "$dir/l" ::/EFI/debian/shimx64.efi
disk esp
is 'loaders, but none that starts by itself' "$(inspect '[.boots, .uefi_x64, .other_loaders, .windows] | join("|")' "$dir/disk.raw")" '|no|yes|no'

fat 16
pe "$dir/l" aa64 no
mcopy -i "$dir/p" "$dir/l" ::/EFI/BOOT/BOOTX64.EFI
disk esp
is 'a loader under the name of another machine' "$(inspect '.uefi_x64' "$dir/disk.raw")" 'no: it is a program for another kind of machine'

fat 16
echo no loader >"$dir/l"
mcopy -i "$dir/p" "$dir/l" ::/EFI/BOOT/BOOTX64.EFI
disk esp
is 'text in place of a loader' "$(inspect '.uefi_x64' "$dir/disk.raw")" 'no: it is no PE file'

fat 16
pe "$dir/l" 8664 no
mcopy -i "$dir/p" "$dir/l" ::/EFI/BOOT/BOOTX64.EFI
disk esp
dd if=/dev/zero of="$dir/disk.raw" bs=1 seek=446 count=64 conv=notrunc status=none
is 'no protective entry: UEFI passes over the GPT' "$(inspect '.uefi_x64' "$dir/disk.raw" | cut -c1-2)" no

for code in "/usr/lib/grub/i386-pc/boot.img|GRUB|GRUB's boot sector points to zeros" \
	"/usr/lib/syslinux/mbr/mbr.bin|starts the active partition|its boot code starts the active partition, and none is active" \
	"/usr/lib/syslinux/mbr/gptmbr.bin|syslinux for GPT|its boot code starts the partition that the GPT marks, and it marks none"; do
	IFS='|' read -r file words why <<<"$code"
	[ -f "$file" ] || { skip "boot code: $words" "$file is not here"; continue; }
	disk mbr
	dd if="$file" of="$dir/disk.raw" bs=440 count=1 conv=notrunc status=none
	is "boot code: $words" "$(inspect '[.boot_code, .bios] | join("|")' "$dir/disk.raw")" "$words|no: $why"
done
tap_end
