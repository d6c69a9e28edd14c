#!/usr/bin/env bash
# What vmend makes of libvirt's domains, libvirt takes: every case of the corpus whose XML vmend
# mends is mended, and then defined, by libvirt's own driver for QEMU, which runs in virsh itself
# (qemu:///embed), with its schema (--validate). What vmend calls an error, because libvirt refuses
# it, libvirt refuses; and it takes the near misses.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
export LC_ALL=C.UTF-8

# RULE/CASE|what libvirt says|why it is right all the same
exceptions() {
	cat <<'END'
filesystem-option/bad-boot-s390|No emulator found|QEMU for s390x is not asked
filesystem-option/bad-each|not yet supported in session mode|virtiofs: a system's libvirt takes it
panic-model/bad-arm|No emulator found|QEMU for aarch64 is not asked
tpm-model/bad-arm|No emulator found|QEMU for aarch64 is not asked
tpm-model/bad-banks|is not supported|an emulated TPM needs swtpm
tpm-model/bad-crb|is not supported|an emulated TPM needs swtpm
interface-option/bad-define|failed to validate against schema|the schema knows no empty source, and without it libvirt takes it
iommu-driver-attrs-on-virtio/bad-beside-aw-bits|doesn't support additional attributes|aw_bits of a virtio IOMMU: a newer libvirt takes it
domain-sev-debug/bad-policy|is not supported with this QEMU|QEMU with SEV
sysinfo-uuid/bad-hardware|extra content: hwuuid|a newer libvirt knows it
END
}

dir=$(mktemp -d) || exit 2
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
mkdir "$dir/libvirt" "$dir/home"
export HOME=$dir/home XDG_STATE_HOME=$dir/.state

# The driver of a user who is not root needs no user libvirt-qemu, and touches nothing outside.
as=()
[ "$(id -u)" != 0 ] || as=(unshare --user --map-user=65534 --map-group=65534)

define() { # FILE [OPTION]
	timeout 60 "${as[@]}" virsh -q -c "qemu:///embed?root=$dir/libvirt" define "${@:2}" "$1" 2>&1
}

domain() { # TYPE
	cat <<END
<domain type='$1'>
  <name>a</name>
  <memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
</domain>
END
}

# Where there is no KVM, libvirt refuses what asks for it.
type=kvm
if have virsh qemu-system-x86_64; then
	domain kvm >"$dir/probe.xml"
	why=$(define "$dir/probe.xml" --validate) || {
		type=qemu
		domain qemu >"$dir/probe.xml"
		why=$(define "$dir/probe.xml" --validate) || type=
	}
else
	type='' why='virsh or qemu-system-x86_64 is not here'
fi
if [ -z "$type" ]; then
	skip 'libvirt defines what vmend has mended' "$(echo "$why" | grep -m1 . | tr -d '#')"
	tap_end
	exit 0
fi
echo 'nothing defined' >"$dir/nonsense.xml"
if define "$dir/nonsense.xml" --validate >/dev/null; then
	not_ok 'libvirt refuses what is no domain'
else
	ok 'libvirt refuses what is no domain'
fi

build_case() { # CASE   in the folder
	local f
	for f in "$root/$1"/*; do
		case ${f##*/} in
		args | fix-args | expect.* | fixed.*) ;;
		*.recipe) "$build/tools/mkimg" "$f" "$(basename "$f" .recipe)" || return 1 ;;
		*) cp -r "$f" . ;;
		esac
	done
}

mend() { # CASE
	local opts=() f
	for f in args fix-args; do
		[ ! -f "$root/$1/$f" ] || mapfile -t -O ${#opts[@]} opts <"$root/$1/$f"
	done
	[[ " ${opts[*]} " == *" --host-mounts"* ]] || opts+=(--host-mounts "$root/tests/lib/mountinfo")
	"$build/vmend" fix "${opts[@]}" in.xml >fix.out 2>&1
}

judge() { # NAME
	local said expected
	sed -E "s/^(<domain.* type=['\"])kvm(['\"])/\1$type\2/" in.xml >defined.xml
	said=$(define defined.xml --validate) && ok "$1 is defined" && return
	[[ $said != *'Cannot check QEMU binary'* ]] ||
		{ skip "$1 is defined" 'there is no QEMU for its architecture here' && return; }
	expected=$(exceptions | grep "^$1|" | cut -d'|' -f2)
	if [ -n "$expected" ] && [[ $said == *"$expected"* ]]; then
		skip "$1 is defined" "$(exceptions | grep "^$1|" | cut -d'|' -f3)"
	else
		not_ok "$1 is defined" "$said"
	fi
}

for case in corpus/*/*/fixed.xml; do
	case=${case%/fixed.xml}
	rm -rf "$dir/work" "$dir/libvirt/etc" && mkdir "$dir/work" && cd "$dir/work" || exit 2
	build_case "$case" || not_ok "${case#corpus/}: its images"
	mend "$case"
	if cmp -s in.xml "$root/$case/in.xml"; then
		not_ok "${case#corpus/} is mended" "$(cat fix.out)"
	else
		judge "${case#corpus/}"
	fi
	cd "$root" || exit 2
done

# ---- errors and near misses ----

# RULES of which libvirt knows nothing, or not yet when it defines a domain|why
elsewhere() {
	cat <<'END'
boot-*|the guest does not start
disk-block-size|QEMU refuses it
domain-schema|a warning
firmware-*|QEMU or the guest does not start
fleet-*|it is about several domains
guest-*|the guest does not start
host-*|it is about this host
img-*|it is about the image
iommu-*|QEMU refuses it
locking-*|QEMU refuses it
media-*|it is about the image
qemu-*|QEMU refuses it
suppression-*|it is about what is left out
END
}

# RULE/CASE|why libvirt here says something else
others() {
	cat <<'END'
disk-encryption/bad-no-secret|it is asked for when the domain starts
disk-format-undeclared/ok-xen|there is no driver for Xen
disk-throttle-filter/bad-each|a newer libvirt knows them
domain-name-unknown/ok-other-namespaces|a newer libvirt takes it
pci-chassis-twice/bad-same|QEMU refuses it
controller-driver-option/ok-nvme|a newer libvirt takes it
device-twice/ok-two-watchdogs|a newer libvirt takes it
disk-identity-bus/ok-product-on-sata|a newer libvirt takes it
device-virtio-option/ok-bhyve-nvme|a newer libvirt takes it
domain-element-twice/ok-tables|a newer libvirt takes it
domain-value-unknown/ok-newer-words|a newer libvirt takes it
features-platform/ok-no-vmport|a newer libvirt takes it
features-hyperv-needs/bad-each|QEMU refuses it
features-hyperv-needs/bad-stimer|QEMU refuses it
filesystem-option/ok-readonly|a newer libvirt takes it
hostdev-incomplete/ok-usb-port|a newer libvirt takes it
interface-guest-ip/ok-passt|a newer libvirt takes it
interface-incomplete/ok-passt|a newer libvirt takes it
interface-virtio/ok-passt|a newer libvirt takes it
memory-maximum/ok-s390x|a newer libvirt takes it
vcpu-many/ok-added|a newer libvirt takes it
serial-port-number/bad-five|QEMU refuses it
serial-port-number/bad-two|QEMU refuses it
pci-machine-without/bad-isapc-root|a newer libvirt refuses it
domain-identity/ok-container|a container's driver takes it, QEMU's does not
domain-identity/ok-filled-in-later|the name is for a program to fill in
domain-value-format/ok-placeholder|its values are for a program to fill in
domain-value-number/ok-placeholders|its values are for a program to fill in
domain-value-unknown/ok-placeholders|its values are for a program to fill in
features-ps2-inputs/ok-usb|a newer libvirt takes it
features-unknown/ok-later-versions|a newer libvirt takes it
os-firmware-auto/ok-as-it-was-chosen|a newer libvirt takes it
os-kernel-options/bad-cmdline|QEMU refuses it, at start
os-kernel-options/bad-initrd|QEMU refuses it, at start
os-loader/bad-variables-twice|a newer libvirt refuses it
os-loader/bad-writable-rom|a newer libvirt refuses it
sysinfo-mode/bad-nothing-there|libvirt refuses it when it starts
sysinfo-uuid/bad-hardware|a newer libvirt refuses it
END
}

knows() { # RULE
	local pattern
	while IFS='|' read -r pattern _; do
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 1
	done < <(elsewhere)
}

no_host='Cannot check QEMU binary|No emulator found|does not support machine type|by this QEMU|this QEMU'
no_host+='|QEMU binary|by hypervisor|on this host|host CPU|does not support'
no_host+="|in session mode|TPM version '[12].*' is not supported"

# What vmend says of it: only when it starts.
starts_not() { # CASE
	(cd "$1" && "$build/vmend" check in.xml) | grep -qE 'not start|or QEMU exits|or the console'
}

for case in corpus/*/*/in.xml; do
	case=${case%/in.xml} rule=${case#corpus/} rule=${rule%%/*}
	knows "$rule" || continue
	! grep -qE '\{\{|\$\{|\{%' "$case/in.xml" || continue
	sed -E "s/^(<domain.* type=['\"])kvm(['\"])/\1$type\2/" "$case/in.xml" >"$dir/defined.xml"
	rm -rf "$dir/libvirt/etc" "$dir/libvirt/var"
	want=
	! grep -q "error\[$rule\]" "$case/expect.1" 2>/dev/null || want=refused
	[ -e "$case/expect.1" ] || want=taken
	[ "$want" ] || continue
	if said=$(define "$dir/defined.xml"); then got=taken; else got=refused; fi
	why=$(others | sed -n "s,^${case#corpus/}|,,p")
	if [ -n "$why" ]; then
		skip "${case#corpus/} is $want" "$why"
	elif [ $got = $want ]; then
		ok "${case#corpus/} is $want"
	elif [ $got = refused ] && grep -qE "$no_host" <<<"$said"; then
		skip "${case#corpus/} is taken" "not with the QEMU that is here"
	elif [ $want = refused ] && starts_not "$case"; then
		skip "${case#corpus/} is refused" "when it starts"
	else
		not_ok "${case#corpus/} is $want" "$said"
	fi
done
tap_end
