#!/usr/bin/env bash
# The QCOW2 images that mkimg builds from recipes, judged by QEMU's tools: unbroken ones are
# clean, and hold the guest's bytes that the recipe says. Else the corpus would test vmend
# with images that nobody has.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
mkimg=$VMEND_BUILD/tools/mkimg
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have qemu-img qemu-io jq || {
	skip 'mkimg against QEMU' 'qemu-img, qemu-io or jq is not here'
	tap_end
	exit 0
}
cd "$dir" || exit 2

# A recipe on stdin becomes disk.qcow2, which qemu-img finds no fault with.
build() { # NAME
	local out
	rm -f disk.qcow2
	cat >recipe
	out=$("$mkimg" recipe disk.qcow2 2>&1) || { not_ok "$1: built" "$out"; return 1; }
	out=$(qemu-img check disk.qcow2 2>&1) || { not_ok "$1: clean for qemu-img check" "$out"; return 1; }
}

# What a guest would read is the raw disk that FILE describes.
holds() { # NAME FILE [qemu-img compare or convert options]
	local name=$1 file=$2 out
	shift 2
	rm -f want.raw got.raw
	"$mkimg" "$file" want.raw || { not_ok "$name"; return; }
	out=$(qemu-img convert -f qcow2 -O raw "$@" disk.qcow2 got.raw 2>&1 &&
		cmp want.raw got.raw 2>&1)
	silent "$name" "$out"
}

info() { # JQ-FILTER
	qemu-img info -f qcow2 --output=json disk.qcow2 | jq -rc "$1"
}

# ---- every option, with the same disk ----
cat >disk <<'END'
size 9M
gpt
part 1 start=1M size=2M
fill 1M 300000 seed=3 gaps=1
fill 5M 70000 seed=4
fill 8M 100 seed=5
END
truncate -s 9M base.raw
while IFS=: read -r options filter want; do
	{ cat disk && echo "qcow2 $options"; } | build "$options" || continue
	holds "$options: the guest's bytes" disk
	is "$options: what it is" "$(info "$filter")" "$want"
done <<'END'
version=2:.["format-specific"].data.compat:0.10
version=3:.["virtual-size"]:9437184
cluster=512:.["cluster-size"]:512
cluster=1K refbits=1:.["format-specific"].data["refcount-bits"]:1
refbits=2:.["format-specific"].data["refcount-bits"]:2
refbits=4 cluster=4K:.["format-specific"].data["refcount-bits"]:4
refbits=8:.["format-specific"].data["refcount-bits"]:8
refbits=32:.["format-specific"].data["refcount-bits"]:32
refbits=64 cluster=2M:.["cluster-size"]:2097152
refbits=64 cluster=512 refcount-table=30:.["format-specific"].data["refcount-bits"]:64
l2=extended:.["format-specific"].data["extended-l2"]:true
l2=extended cluster=16K refbits=1:.["format-specific"].data["extended-l2"]:true
l2=extended cluster=2M:.["format-specific"].data["extended-l2"]:true
compress=1:.["format-specific"].data["compression-type"]:zlib
compress=1 compression=zstd:.["format-specific"].data["compression-type"]:zstd
compress=1 version=2 cluster=4K:.["format-specific"].data.compat:0.10
compress=1 cluster=512:.["cluster-size"]:512
compress=1 l2=extended compression=zstd:.["format-specific"].data["extended-l2"]:true
allocate=1:.["virtual-size"]:9437184
allocate=1 l2=extended:.["virtual-size"]:9437184
lazy=1:.["format-specific"].data["lazy-refcounts"]:true
l1-size=100:.["virtual-size"]:9437184
header-length=104:.["virtual-size"]:9437184
names=0:.["virtual-size"]:9437184
data-file=data.raw:.["format-specific"].data["data-file"]:data.raw
data-file=data.raw data-raw=1 l2=extended:.["format-specific"].data["data-file-raw"]:true
END
# The field separator is in this one.
{ cat disk && echo "qcow2 backing=base.raw:raw"; } | build "backing=base.raw:raw" &&
	is "backing=base.raw:raw: what it is" \
		"$(info '.["backing-filename"] + " " + .["backing-filename-format"]')" "base.raw raw"
{ cat disk && echo "qcow2 backing=base.raw"; } | build "backing=base.raw" &&
	is "backing=base.raw: what it is" \
		"$(info '[.["backing-filename"], .["backing-filename-format"]]')" '["base.raw",null]'

# ---- a disk whose size is no multiple of anything ----
printf 'size 1050112\nfill 1049600 512 seed=1\n' >odd
for cluster in 512 64K 2M; do
	{ cat odd && echo "qcow2 cluster=$cluster"; } | build "odd size, cluster=$cluster" &&
		holds "odd size, cluster=$cluster: the guest's bytes" odd
done

# ---- what a guest does ----
for options in version=3 'cluster=4K refbits=64' 'l2=extended cluster=64K' 'compression=zstd'; do
	build "guest on $options" <<-END || continue
		size 8M
		qcow2 $options
		guest 0 fill 200000 seed=1
		guest 1M compress 256K seed=2
		guest 2M fill 128K seed=3
		guest 2M zero 64K
		guest 2112K zero 64K keep=1
		guest 3M allocate 64K
		guest 4M fill 128K seed=4
		guest 4M discard 64K
		guest 5M text "a sentence"
		guest 1M compress 64K seed=5
		guest 131072 fill 100 seed=6
	END
	cat >want <<-END
		size 8M
		fill 0 200000 seed=1
		fill 1M 256K seed=2 gaps=1
		fill 4M 128K seed=4
		zero 4M 64K
		poke 5M text "a sentence"
		fill 1M 64K seed=5 gaps=1
		fill 131072 100 seed=6
	END
	holds "guest on $options: what it reads" want
done

# ---- snapshots ----
for options in version=3 version=2 'cluster=512 refbits=8' 'l2=extended cluster=16K' 'refbits=64'; do
	build "snapshots on $options" <<-END || continue
		size 4M
		fill 0 100000 seed=1
		qcow2 $options l1-size=200
		guest 2M compress 128K seed=2
		snapshot 1 first
		guest 0 fill 65536 seed=3
		snapshot 2 second
		snapshot 3 "the third" vm-state=70000
		guest 2M discard 128K
		guest 1M fill 65536 seed=4
	END
	printf 'size 4M\nfill 0 100000 seed=1\nfill 2M 128K seed=2 gaps=1\n' >first
	{ cat first && echo 'fill 0 65536 seed=3'; } >second
	{ cat second && printf 'zero 2M 128K\nfill 1M 65536 seed=4\n'; } >now
	holds "snapshots on $options: the disk now" now
	holds "snapshots on $options: the first" first -l snapshot.id=1
	holds "snapshots on $options: the third" second -l "snapshot.name=the third"
	is "snapshots on $options: their names" \
		"$(info '[.snapshots[] | .id, .name, .["vm-state-size"]]')" \
		'["1","first",0,"2","second",0,"3","the third",70000]'
	# QEMU's own work on them must not find fault either.
	out=$({ qemu-img snapshot -d second disk.qcow2 && qemu-img snapshot -a first disk.qcow2 &&
		qemu-img check disk.qcow2; } 2>&1) || not_ok "snapshots on $options: deleted" "$out"
	holds "snapshots on $options: the first applied" first
done

# ---- bitmaps and extensions ----
for options in version=3 cluster=512 'l2=extended'; do
	build "bitmaps on $options" <<-END || continue
		size 64M
		qcow2 $options names=0
		bitmap one granularity=4K dirty=33M
		bitmap two auto=1
		bitmap three in-use=1 granularity=1M ones=1
		extension 0x12345678 "nobody knows this"
	END
	is "bitmaps on $options: what they are" \
		"$(info '[.["format-specific"].data.bitmaps[] | .name, .granularity, (.flags | join("+"))]')" \
		'["one",4096,"","two",65536,"auto","three",1048576,"in-use"]'
	if out=$({ qemu-img bitmap --add -g 4K disk.qcow2 four &&
		qemu-img bitmap --merge one disk.qcow2 four && qemu-img check disk.qcow2; } 2>&1); then
		ok "bitmaps on $options: merged"
	else
		not_ok "bitmaps on $options: merged" "$out"
	fi
done

# ---- encryption: only what can be told without a key ----
for crypt in aes luks; do
	printf 'size 4M\nqcow2 crypt=%s\n' $crypt >recipe
	"$mkimg" recipe disk.qcow2
	is "crypt=$crypt" "$(info .encrypted)" true
done

# ---- places and bits ----
build 'places' <<-END && {
	size 64M
	qcow2 cluster=4K
	guest 0 fill 16K seed=1
	snapshot 1 s
	guest 0 fill 4K seed=2
	bitmap b
	or l2[0][3] 0x8000000000000000
	clear l2[0][3] 0x8000000000000000
	set refcount[0] 1
	set header.size 32M
	set snapshot[0].date-sec 5
	set bitmap[0].granularity-bits 16
	copy l1[0] l1[0] 8
	set header.size 0x4000000
END
	ok 'places: rewritten with what they hold'
	cat recipe - >recipe.2 <<-END
		set refcount[1] 2
		or l2[0][0] 2
	END
	"$mkimg" recipe.2 disk.qcow2
	is 'places: what is broken is broken there' "$(qemu-img check disk.qcow2 2>&1 |
		grep -cE 'Leaked cluster 1 refcount=2|l2 entry with reserved bits set')" 2
}
tap_end
