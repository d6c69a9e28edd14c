#!/usr/bin/env bash
# A partition table is as broken in a QCOW2 as in a raw image: of every raw image of the corpus,
# and what qemu-img convert makes of it, the findings are the same, at the same places.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "sees holes in a QCOW2 alone"
vmend=$VMEND mkimg=$VMEND_BUILD/tools/mkimg root=$PWD
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have qemu-img || {
	skip 'findings in a QCOW2 as in a raw image' 'qemu-img is not here'
	tap_end
	exit 0
}

findings() { # FILE   without the file's name
	local args=()
	[ -f args ] && mapfile -t args <args
	"$vmend" check --format concise --host-mounts "$root/tests/lib/mountinfo" "${args[@]}" "$1" 2>/dev/null |
		sed -e 's/^in\.[a-z0-9]*@//' -e 's/^guest://' | grep -vE '\[qcow2-'
}

compare() { # CASE
	local want got size cs=$2
	cd "$dir" && rm -f in.* args || return
	[ -f "$root/corpus/$1/args" ] && cp "$root/corpus/$1/args" args
	"$mkimg" "$root/corpus/$1/in.recipe" in.raw 2>&1 || return
	size=$(stat -c %s in.raw)
	# The guest's disk has whole sectors, QEMU adds what lacks: that is another disk.
	[ $((size % 512)) -eq 0 ] || return
	# The format has no larger disks with small clusters.
	[ "$size" -gt $((64 << 30)) ] && cs=64k
	qemu-img convert -f raw -O qcow2 -o cluster_size="$cs" in.raw in.qcow2 2>&1 || return
	want=$(findings in.raw) got=$(findings in.qcow2)
	[ "$want" = "$got" ] || diff -u <(echo "$want") <(echo "$got")
	[ "$want" ] && echo "$1" >>found
	rm -f in.raw in.qcow2
}

n=0
for recipe in corpus/*/*/in.recipe; do
	case=${recipe#corpus/} case=${case%/in.recipe}
	grep -q '^qcow2' "$recipe" && continue
	# What a file is taken for (--as raw) is about the file, not about the disk in it.
	grep -qs -e '--as' "corpus/$case/args" && continue
	case $case in
	# A disc within a container is not read as one.
	iso-*) continue ;;
	img-compressed-archive/* | img-format-polyglot/* | img-is-html/* | img-raw-looks-qcow2/*) continue ;;
	esac
	sizes=(512 64k 4k 2M)
	silent "$case" "$(compare "$case" "${sizes[n++ % 4]}")"
done
is 'many of them have findings' "$(($(sort -u "$dir/found" | wc -l) > 100))" 1
tap_end
