#!/usr/bin/env bash
# What vmend reads of a QCOW2's header, snapshots and bitmaps, against `qemu-img info`, for
# images that QEMU's tools made.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have qemu-img qemu-io jq || {
	skip 'QCOW2 headers against QEMU' 'qemu-img, qemu-io or jq is not here'
	tap_end
	exit 0
}
cd "$dir" || exit 2

theirs() {
	qemu-img info -U --output=json x.qcow2 | jq -S '.["format-specific"].data as $d | {
		size: .["virtual-size"], cluster: .["cluster-size"], encrypted: (.encrypted // false),
		version: (if $d.compat == "0.10" then 2 else 3 end), refcount: $d["refcount-bits"],
		lazy: ($d["lazy-refcounts"] // false), corrupt: ($d.corrupt // false),
		dirty: .["dirty-flag"], extl2: ($d["extended-l2"] // false),
		compression: $d["compression-type"], data_file: $d["data-file"],
		data_raw: ($d["data-file-raw"] // false), backing: .["backing-filename"],
		backing_format: .["backing-filename-format"],
		snapshots: [(.snapshots // [])[] | {id, name, vm: .["vm-state-size"],
			sec: .["date-sec"], nsec: .["date-nsec"],
			clock: (.["vm-clock-sec"] * 1000000000 + .["vm-clock-nsec"])}],
		bitmaps: [($d.bitmaps // [])[] | {name, granularity, flags: (.flags | sort)}] }'
}

ours() {
	"$VMEND" inspect --format json x.qcow2 | jq -S '.inputs[0] as $i | $i.qcow2 as $q |
		def bit($f; $n): (($q[$f].value // 0) / $n | floor) % 2 == 1; {
		size: $i.virtual_size, cluster: $q.cluster_size, encrypted: ($q.encryption != null),
		version: $q.version.value, refcount: $q.refcount_bits,
		lazy: bit("compatible"; 1), corrupt: bit("incompatible"; 2),
		dirty: bit("incompatible"; 1), extl2: bit("incompatible"; 16),
		compression: $q.compression, data_file: $q.data_file.name,
		data_raw: bit("autoclear"; 2), backing: $q.backing_file.name,
		backing_format: $q.backing_file.format,
		snapshots: [($q.snapshots // [])[] | {id, name, vm: .vm_state_size,
			sec: .date.value, nsec: .date_nsec.value, clock: .vm_clock_nsec.value}],
		bitmaps: [($q.bitmaps // [])[] | {name, granularity: pow(2; .granularity_bits.value),
			flags: ([if .in_use then "in-use" else empty end,
				if .auto then "auto" else empty end] | sort)}] }'
}

compare() { # NAME
	silent "$1" "$(diff <(theirs) <(ours) 2>&1)"
}

made() { # [OPTIONS [SIZE [qemu-img create's further words]]]
	local options=$1 size=${2:-64M}
	shift $(($# > 2 ? 2 : $#))
	rm -f x.qcow2
	if qemu-img create -q -f qcow2 ${options:+-o "$options"} "$@" x.qcow2 "$size" >log 2>&1; then
		qemu-io -c 'write -q 100k 300k' x.qcow2 >/dev/null 2>&1 # not one that is encrypted
		return 0
	fi
	# An older or leaner QEMU knows less.
	skip "${options:-no options}" "$(tail -1 log)"
	return 1
}

qemu-img create -q -f raw base.raw 64M
qemu-img create -q -f qcow2 base.qcow2 64M

# ---- as made ----
while IFS='|' read -r options size; do
	made "$options" "$size" && compare "${options:-no options}, $size"
done <<'END'
|64M
|1T
|1
|513
compat=0.10|64M
compat=0.10,cluster_size=512|1G
cluster_size=512|3M
cluster_size=1k|64M
cluster_size=2M|100G
refcount_bits=1|64M
refcount_bits=2,cluster_size=4k|64M
refcount_bits=64|64M
lazy_refcounts=on|64M
extended_l2=on|64M
extended_l2=on,cluster_size=128k,lazy_refcounts=on|10G
compression_type=zstd|64M
preallocation=metadata|64M
preallocation=falloc,cluster_size=1M|16M
data_file=d1.raw|64M
data_file=d2.raw,data_file_raw=on|64M
backing_file=base.raw,backing_fmt=raw|64M
backing_file=base.qcow2,backing_fmt=qcow2|128M
backing_file=base.qcow2,backing_fmt=qcow2,compat=0.10|64M
backing_file=./base.raw,backing_fmt=raw,cluster_size=1k|64M
END
if made encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=500 64M --object secret,id=s,data=x; then
	compare 'encrypted with LUKS'
	is 'encrypted with LUKS: its header' "$("$VMEND" inspect --format json x.qcow2 |
		jq -c '.inputs[0].qcow2.luks_header | [.inside, .magic]')" '[true,true]'
fi

# ---- with a history ----
for options in '' compat=0.10 extended_l2=on cluster_size=512 refcount_bits=64; do
	made "$options" 4M || continue
	for name in one 'a name with blanks' "$(printf '%0200d' 7)" ünïcode; do
		qemu-img snapshot -c "$name" x.qcow2
		qemu-io -c 'write -q 1M 70k' x.qcow2 >/dev/null
	done
	compare "snapshots, ${options:-no options}"
	qemu-img snapshot -d 'a name with blanks' x.qcow2
	compare "snapshots, one deleted, ${options:-no options}"
	qemu-img snapshot -a one x.qcow2
	qemu-img resize -q x.qcow2 9M 2>/dev/null # version 2 refuses
	compare "snapshots, resized, ${options:-no options}"
done
for options in '' cluster_size=512 extended_l2=on; do
	made "$options" 1G || continue
	for g in 512 64K 2G; do qemu-img bitmap --add -g $g x.qcow2 "b $g"; done
	qemu-img bitmap --disable x.qcow2 'b 64K'
	qemu-io -c 'write -q 5M 70k' x.qcow2 >/dev/null
	compare "bitmaps, ${options:-no options}"
done

# ---- converted and amended ----
made '' 8M && {
	mv x.qcow2 y.qcow2
	for options in compression_type=zlib compression_type=zstd compat=0.10 cluster_size=4k,extended_l2=off; do
		qemu-img convert -c -O qcow2 -o $options y.qcow2 x.qcow2
		compare "converted and compressed, $options"
	done
}
made compat=0.10 && {
	qemu-img amend -o compat=1.1,lazy_refcounts=on x.qcow2
	compare 'amended to version 3'
	qemu-img amend -o refcount_bits=8 x.qcow2
	compare 'amended to 8 bits of refcount'
	qemu-img amend -o refcount_bits=16 x.qcow2
	qemu-img amend -o compat=0.10 x.qcow2
	compare 'amended to version 2'
}
made backing_file=base.raw,backing_fmt=raw && {
	qemu-img rebase -u -b nowhere/else.img -F raw x.qcow2
	compare 'rebased to a file that is not there'
	qemu-img rebase -u -b '' x.qcow2
	compare 'rebased to nothing'
}
made lazy_refcounts=on && {
	# Killed: it stays dirty.
	(qemu-io -c 'write -q 0 1M' -c 'sigraise 9' x.qcow2; :) >/dev/null 2>&1
	compare 'dirty'
	is 'dirty: it is' "$(ours | jq .dirty)" true
}
tap_end
