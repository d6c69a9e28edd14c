#!/usr/bin/env bash
# As somebody who has a VM that works, and breaks one thing of it: vmend is silent about the
# folder before, and the first thing that it says afterwards names what was broken. The VM is a
# disk of sgdisk, mkfs.ext4 and qemu-img, an installation medium and a seed for cloud-init; as a
# libvirt domain, as a QEMU script and as a Packer template. Its config is called once so that it
# is reported before its images, and once so that it comes behind them.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
mkimg=$build/tools/mkimg
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
export XDG_STATE_HOME=$dir/.state

if ! have qemu-img mkfs.ext4 sgdisk genisoimage; then
	skip 'thirty ways' 'qemu-img, mkfs.ext4, sgdisk or genisoimage is not here'
	tap_end
	exit 0
fi

# ---- the VM ----

esp=11111111-2222-4333-8444-555555555555

disk_recipe() {
	cat <<END
size 128M
gpt
part 1 start=1M size=40M type=esp name="EFI system partition" guid=$esp
part 2 start=41M size=80M type=linux name="root"
fat 1M 40M
END
}

# $1: what is in its ESP. $2: the type of the file system of its root.
make_disk() { # STATEMENT
	{ disk_recipe && echo "$1"; } >"$dir/r"
	"$mkimg" "$dir/r" disk.raw
	mkfs.ext4 -q -F -U 22222222-2222-4333-8444-555555555555 -E offset=$((41 << 20)) disk.raw 80M
}

to_qcow2() { # and the raw one goes
	qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2 && rm disk.raw
}

recipe() { # FILE   from standard input
	cat >"$dir/r" && "$mkimg" "$dir/r" "$1"
}

installer() {
	printf '%s\n' 'size 20M' 'iso "INSTALL" joliet=1 rock-ridge=1 bios=1 efi=1M' 'fat iso.efi 1M' \
		'file /EFI/BOOT/BOOTX64.EFI efi=x64'
}

seed() { # LABEL FILE...
	local label=$1
	shift
	rm -rf "$dir/seed" && mkdir "$dir/seed"
	(cd "$dir/seed" && for f; do echo '#cloud-config' >"$f"; done)
	genisoimage -quiet -output seed.iso -volid "$label" -joliet -rock "$dir/seed" 2>/dev/null
}

variables() { # [STATEMENT]
	{ printf 'size 540672\nvariables\n' && echo "bootentry 1 \"debian\" part=$esp"; } | recipe vars.fd
}

code() {
	printf '%s\n' 'size 3653632' 'poke 16 bytes 78 e5 8c 8c 3d 8a 1c 4f 99 35 89 61 85 c3 2d d3' \
		'poke 32 le64 3653632' 'poke 40 text "_FVH"' | recipe code.fd
}

media() {
	make_disk 'file /EFI/BOOT/BOOTX64.EFI efi=x64'
	to_qcow2
	installer | recipe install.iso
	seed cidata user-data meta-data
	code
	variables
	printf 'path-map:\n  /var/lib/libvirt/images: .\n' >.vmend.yaml
}

libvirt() {
	cat <<'END'
<domain type='kvm'>
  <name>web</name>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='GiB'>2</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>/var/lib/libvirt/images/code.fd</loader>
    <nvram>/var/lib/libvirt/images/vars.fd</nvram>
    <boot dev='hd'/>
    <boot dev='cdrom'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>
      <source file='/var/lib/libvirt/images/disk.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/install.iso'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/seed.iso'/>
      <target dev='sdb' bus='sata'/>
      <readonly/>
    </disk>
    <interface type='network'>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
  </devices>
</domain>
END
}

script() {
	cat <<'END'
#!/bin/sh
exec qemu-system-x86_64 -machine q35,accel=kvm -m 2G -smp 2 \
	-drive if=pflash,format=raw,readonly=on,file=code.fd \
	-drive if=pflash,format=raw,file=vars.fd \
	-drive file=disk.qcow2,format=qcow2,if=none,id=d0,cache=none,aio=native \
	-device virtio-blk-pci,drive=d0,bootindex=1 \
	-drive file=install.iso,format=raw,media=cdrom,readonly=on \
	-drive file=seed.iso,format=raw,media=cdrom,readonly=on \
	-nic user,model=virtio-net-pci
END
}

packer() {
	cat <<'END'
source "qemu" "web" {
  iso_url          = "disk.qcow2"
  iso_checksum     = "none"
  disk_image       = true
  disk_size        = "20G"
  format           = "qcow2"
  machine_type     = "q35"
  efi_boot         = true
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.web"]
}
END
}

# ---- breaking it ----

declare -A names=([libvirt]='a-vm.xml z-vm.xml' [script]='a-vm.sh z-vm.sh' [packer]='a.pkr.hcl z.pkr.hcl')

# A folder with the VM; $config is its config.
enter() { # FLAVOUR NAME
	rm -rf "$dir/vm"
	cp -r --sparse=always "$dir/good" "$dir/vm"
	cd "$dir/vm" || exit 2
	config=$2
	"$1" >"$config"
}

report() {
	"$build/vmend" check --format concise --host-mounts "$root/tests/lib/mountinfo" --fail-on note .
}

# The first finding has the rule, and is about the file; of a text it is on a line with WORDS.
first() { # RULE FILE WORDS
	local all line place wrong=''
	all=$(report 2>/dev/null) # which may say what was not looked at
	line=${all%%$'\n'*}
	place=${line%%: *}
	place=${place#./}
	if [[ $line != *"[$1]"* ]]; then
		wrong="the first is not $1"
	elif [[ $place == "$2":* ]]; then
		place=${place#"$2":}
		sed -n "${place%%:*}p" "$2" | grep -qF -- "$3" || wrong="it is not where '$3' is"
	elif [[ $place != "$2" && $place != "$2"@* ]]; then
		wrong="it is not about $2"
	fi
	[ -z "$wrong" ] || printf '%s\n' "$wrong" "$all"
}

ways=0
# BREAK is a function, or a script for sed that changes the config. FILE: "config" is the config.
way() { # FLAVOUR NAME BREAK RULE FILE [WORDS]
	local said='' config file
	for config in ${names[$1]}; do
		enter "$1" "$config"
		file=$5
		[ "$5" != config ] || file=$config
		if declare -F "$3" >/dev/null; then
			"$3" || not_ok "$2: to break it"
		else
			cp "$config" "$dir/before"
			sed -i -E "$3" "$config"
			! cmp -s "$config" "$dir/before" || not_ok "$2: to break it"
		fi
		said+=$(first "$4" "$file" "${6:-}")
		[ -z "$said" ] || break
	done
	cd "$root" || exit 2
	ways=$((ways + 1))
	silent "$1: $2" "$said"
}

mkdir "$dir/good"
cd "$dir/good" || exit 2
media
for flavour in libvirt script packer; do
	for name in ${names[$flavour]}; do
		enter "$flavour" "$name"
		said=$(report 2>&1) rc=$?
		is "$flavour: the VM as it is" "$rc $said" '0 '
	done
done

# The disk behind the QCOW2, from the other side.
on_disk() { # COMMAND...   with disk.raw
	qemu-img convert -f qcow2 -O raw disk.qcow2 disk.raw && "$@" && to_qcow2
}
poke() { # FILE OFFSET BYTES   as \xHH
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- the image ----
primary_damaged() { on_disk poke disk.raw $((512 + 72)) '\x07'; }
backup_gone() { on_disk dd if=/dev/zero of=disk.raw bs=512 seek=$(((128 << 20) / 512 - 1)) count=1 conv=notrunc status=none; }
protective_gone() { on_disk dd if=/dev/zero of=disk.raw bs=512 count=1 conv=notrunc status=none; }
disk_grown() { qemu-img resize -q -f qcow2 disk.qcow2 +64M; }
cut_disk() { on_disk truncate -s 100M disk.raw; }
marked_corrupt() { poke disk.qcow2 79 '\x02'; }
marked_dirty() { poke disk.qcow2 79 '\x01'; }
file_cut() { truncate -s -1M disk.qcow2; }
refcount_lost() { poke disk.qcow2 $((0x20000 + 2 * 5)) '\x00\x00'; }
packed() { gzip -c disk.qcow2 >z && mv z disk.qcow2; }
page() { printf '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n' >disk.qcow2; }
base_missing() {
	mv disk.qcow2 base.qcow2
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 disk.qcow2 && rm base.qcow2
}
base_format() {
	mv disk.qcow2 base.qcow2
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 disk.qcow2
	qemu-img rebase -u -f qcow2 -b base.qcow2 -F raw disk.qcow2 2>/dev/null
}
no_loader() { make_disk 'file /A.TXT text="a"' && to_qcow2; }
other_loader() { make_disk 'file /EFI/BOOT/BOOTAA64.EFI efi=aa64' && to_qcow2; }
esp_type() { on_disk sgdisk --typecode=1:8300 disk.raw >/dev/null; }
esp_content() { on_disk mkfs.ext4 -q -F -E offset=$((1 << 20)) disk.raw 40M; }
iso_cut() { truncate -s 12M install.iso; }
catalog_key() { installer | { cat && echo 'zero iso.catalog+30 2'; } | recipe install.iso; }
iso_numbers() { installer | { cat && echo 'poke iso.pvd+84 be32 5'; } | recipe install.iso; }
way libvirt 'the primary GPT' primary_damaged gpt-primary-corrupt disk.qcow2
way libvirt 'the backup GPT' backup_gone gpt-backup-corrupt disk.qcow2
way libvirt 'the protective MBR' protective_gone pmbr-missing disk.qcow2
way libvirt 'a disk made larger' disk_grown gpt-grown disk.qcow2
way libvirt 'a disk that was cut off' cut_disk gpt-truncated disk.qcow2
way libvirt 'an image marked corrupt' marked_corrupt qcow2-corrupt-flag disk.qcow2
way libvirt 'an image marked dirty' marked_dirty qcow2-dirty disk.qcow2
way libvirt 'an image file cut off' file_cut qcow2-ptr-past-eof disk.qcow2
way libvirt 'a refcount' refcount_lost qcow2-refcount-zero-used disk.qcow2
way libvirt 'a packed image' packed img-compressed-archive disk.qcow2
way libvirt 'a page in place of the image' page img-is-html disk.qcow2
way libvirt 'a backing file that is gone' base_missing qcow2-backing-missing disk.qcow2
way libvirt 'the format of a backing file' base_format qcow2-backing-format-mismatch disk.qcow2
way libvirt 'the type of the ESP' esp_type boot-esp-type config disk.qcow2
way libvirt 'the file system of the ESP' esp_content gpt-type-content disk.qcow2
way libvirt 'the loader' no_loader boot-nothing config disk.qcow2
way libvirt 'a loader of another machine' other_loader boot-loader-arch config disk.qcow2
way libvirt 'an ISO cut off' iso_cut iso-truncated install.iso
way libvirt 'the key of a boot catalog' catalog_key iso-eltorito-key install.iso
way libvirt 'a number of the ISO' iso_numbers iso-both-endian install.iso

# ---- a pair ----
seed_label() { seed config user-data meta-data; }
seed_file() { seed cidata user-data; }
vars_small() { printf 'size 131072\nvariables\n' | recipe vars.fd; }
vars_other() { printf 'size 540672\nvariables\nbootentry 1 "fedora" part=99999999-2222-4333-8444-555555555555\n' | recipe vars.fd; }
vars_code() { cp code.fd vars.fd; }
overlay_and_base() {
	mv disk.qcow2 base.qcow2
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 disk.qcow2
	sed -i "0,/^    <disk type='file' device='cdrom'>/s||    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/base.qcow2'/><target dev='vdb' bus='virtio'/></disk>\n&|" "$config"
}
chain_cut() {
	mv disk.qcow2 base.qcow2
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 disk.qcow2
	sed -i "s|<source file='/var/lib/libvirt/images/disk.qcow2'/>|&\n      <backingStore/>|" "$config"
}
new_disk() {
	rm disk.qcow2 && qemu-img create -q -f qcow2 disk.qcow2 20G
	printf 'size 540672\nvariables\n' | recipe vars.fd
	sed -i "/<boot dev='cdrom'/d" "$config"
}
kernel_swapped() {
	printf 'size 64K\npoke 0 text "070701"\n' | recipe initrd.img
	sed -i "s|<boot dev='hd'/>|<kernel>/var/lib/libvirt/images/initrd.img</kernel>|" "$config"
}
way libvirt 'the label of the seed' seed_label media-seed-label config seed.iso
way libvirt 'a file of the seed' seed_file media-seed-files config seed.iso
way libvirt 'variables of another size' vars_small firmware-pair config vars.fd
way libvirt 'variables of another disk' vars_other firmware-boot-entry config vars.fd
way libvirt 'code in place of the variables' vars_code firmware-vars-content config vars.fd
way libvirt 'an overlay, and its base' overlay_and_base media-base-beside-overlay config base.qcow2
way libvirt 'an overlay without its base' chain_cut media-chain-cut config backingStore
way libvirt 'an installer that is not in the order' new_disk boot-unlisted config install.iso
way libvirt 'an initrd as kernel' kernel_swapped boot-kernel config initrd.img
way libvirt 'a disk as raw' "s/type='qcow2'/type='raw'/" media-container-as-raw config "type='raw' cache"
way libvirt 'a disk without a format' "s/ type='qcow2'//" disk-format-undeclared config "<driver name='qemu' cache"
way libvirt 'an ISO as qcow2' "0,/name='qemu' type='raw'/s//name='qemu' type='qcow2'/" media-raw-as-qcow2 config "type='qcow2'/"
way libvirt 'a disk in a CD drive' "0,/device='disk'/s//device='cdrom'/;s/dev='vda' bus='virtio'/dev='sdc' bus='sata'/" media-disk-as-cdrom config "device='cdrom'"
way libvirt 'an ISO as a disk' "0,/device='cdrom'/s//device='disk'/;0,/<readonly/{/<readonly/d}" media-iso-as-disk config install.iso
way libvirt 'blocks of 4096 bytes' "s|(<target dev='vda'.*)|\1<blockio logical_block_size='4096' physical_block_size='4096'/>|" media-sector-size config 4096
way libvirt 'logical blocks alone' "s|(<target dev='vda'.*)|\1<blockio logical_block_size='4096'/>|" disk-block-size config 4096
way libvirt 'a BIOS' '/<loader|<nvram/d' boot-uefi-disk-on-bios config disk.qcow2
way libvirt 'keys' "s|<loader.*|<firmware><feature enabled='yes' name='enrolled-keys'/><feature enabled='yes' name='secure-boot'/></firmware>|;/<nvram/d;s/<os>/<os firmware='efi'>/" boot-secure-unsigned config enrolled-keys
way libvirt 'another machine' "s/arch='x86_64' machine='q35'/arch='aarch64' machine='virt'/;s/x86_64/aarch64/" boot-loader-arch config disk.qcow2
way libvirt 'the guest' 's|debian.org/debian/12|microsoft.com/win/11|' guest-os-other config microsoft
way libvirt 'the cache' "s/cache='none' io='native'/cache='unsafe'/" disk-cache-unsafe config unsafe
way libvirt 'native I/O with a cache' "s/cache='none'/cache='writeback'/" disk-io-native-needs-direct config native
way libvirt 'an IOMMU' "s|<emulator>|<iommu model='intel'><driver intremap='on'/></iommu>\n&|" iommu-intremap-needs-ioapic config intremap
way libvirt 'a tag' 's|</features>||' config-syntax config
way libvirt 'two quotes' "s/bus='virtio'/bus='virtio/" config-syntax config

way script 'a disk as raw' 's/format=qcow2/format=raw/' media-container-as-raw config format=raw
way script 'an ISO as qcow2' 's/install.iso,format=raw/install.iso,format=qcow2/' media-raw-as-qcow2 config install.iso
way script 'a BIOS' '/pflash/d' boot-uefi-disk-on-bios config disk.qcow2
way script 'code and variables, swapped' 's/code.fd/X/;s/vars.fd/code.fd/;s/X/vars.fd/' firmware-code-content config vars.fd
way script 'blocks of 4096 bytes' 's/drive=d0/&,logical_block_size=4096,physical_block_size=4096/' media-sector-size config 4096
way script 'the primary GPT' primary_damaged gpt-primary-corrupt disk.qcow2
way script 'an image marked corrupt' marked_corrupt qcow2-corrupt-flag disk.qcow2
way script 'the label of the seed' seed_label media-seed-label config seed.iso
way script 'native I/O with a cache' 's/cache=none/cache=writeback/' disk-io-native-needs-direct config aio=native
way script 'a loader of another machine' other_loader boot-loader-arch config disk.qcow2
way script 'a page in place of the image' page img-is-html disk.qcow2

way packer 'a BIOS' '/efi_boot/d' boot-uefi-disk-on-bios config disk.qcow2
way packer 'a disk that is too small' 's/20G/64M/' media-size-below config 64M
way packer 'the backup GPT' backup_gone gpt-backup-corrupt disk.qcow2
way packer 'an image file cut off' file_cut qcow2-ptr-past-eof disk.qcow2
way packer 'the format' 's/"qcow2"$/"qcow"/' packer-qemu-format config '"qcow"'
way packer 'a quote' 's/"q35"/"q35/' config-syntax config

if [ $ways -ge 30 ]; then ok "$ways ways"; else not_ok "$ways ways"; fi
tap_end
