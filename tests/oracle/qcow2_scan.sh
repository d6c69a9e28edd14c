#!/usr/bin/env bash
# What vmend counts in a QCOW2 image against what qemu-img check does: on images that QEMU
# made, with all kinds of options, and on the same with one entry broken.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
IMAGES=${QCOW2_IMAGES:-50}
BREAKS=4 # of each image
build=$PWD/${VMEND_BUILD:-build/release}
[[ ${VMEND_BUILD:-} != /* ]] || build=$VMEND_BUILD
scan=$build/tools/qcow2scan breaker=$build/tools/breakqcow2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have qemu-img qemu-io jq || {
	skip 'QCOW2 images' 'qemu-img, qemu-io or jq is not here'
	tap_end
	exit 0
}
cd "$dir" || exit 2

one_of() {
	local words=("$@")
	echo "${words[RANDOM % $#]}"
}

# What QEMU makes of a seed: img.qcow2, and how in the file `how`.
make_image() { # SEED
	RANDOM=$1
	local cs o=() io=() packed=() size i n at len cmd bits=16 version=1.1 data_file=''
	cs=$(one_of 512 1024 4096 16384 65536 65536 65536 2097152)
	size=$((cs * (20 + RANDOM % 3000)))
	[ "$size" -le $((1 << 30)) ] || size=$((1 << 30))
	[ $((RANDOM % 5)) -ne 0 ] || version=0.10
	o=("cluster_size=$cs" "compat=$version")
	if [ $version = 1.1 ]; then
		bits=$(one_of 1 2 4 8 16 16 16 32 64)
		o+=("refcount_bits=$bits")
		[ $((RANDOM % 4)) -ne 0 ] || o+=(compression_type=zstd)
		[ $((RANDOM % 4)) -ne 0 ] || o+=(lazy_refcounts=on)
		[ "$cs" -lt 16384 ] || [ $((RANDOM % 3)) -ne 0 ] || o+=(extended_l2=on)
		[ $((RANDOM % 10)) -ne 0 ] || data_file=data.raw
	fi
	[ -z "$data_file" ] || o+=("data_file=$data_file")
	[ $((RANDOM % 5)) -ne 0 ] || o+=(preallocation=metadata)
	[ $((RANDOM % 25)) -ne 0 ] || [ -n "$data_file" ] || o+=(encrypt.format=luks encrypt.key-secret=s encrypt.iter-time=10)
	rm -f img.qcow2 data.raw
	echo "seed $1: size $size ${o[*]}" >how
	qemu-img create -q -f qcow2 --object secret,id=s,data=x -o "$(IFS=,; echo "${o[*]}")" img.qcow2 "$size" 2>err ||
		{ cat err >>how && grep -q 'CPU usage' err && return 2 || return 1; }
	[[ " ${o[*]} " != *luks* ]] || { echo luks >kind && return 0; }
	echo plain >kind
	for ((i = 0; i < 2 + RANDOM % 3; i++)); do
		io=() packed=()
		for ((n = 0; n < RANDOM % 30; n++)); do
			at=$(((RANDOM << 15 | RANDOM) % (size / 512) * 512))
			len=$(((RANDOM % (RANDOM % 4 ? 3 : 40) * cs + RANDOM % cs) / 512 * 512 + 512))
			[ $((at + len)) -le "$size" ] || continue
			cmd=$(one_of "write -P 7 $at $len" "write -P 9 $at $len" "write -z $at $len" "write -z -u $at $len" "discard $at $len")
			at=$((at / cs * cs))
			if [ $((at + cs)) -gt "$size" ] || [ -n "$data_file" ] || [ $((RANDOM % 4)) -ne 0 ]; then
				io+=(-c "$cmd")
			elif [[ " ${packed[*]} " != *" $at $cs "* ]]; then
				packed+=(-c "write -c -P 3 $at $cs")
			fi
		done
		# By a process of its own: QEMU 7.2 goes on to fill a cluster with compressed
		# data after that was freed, and given to somebody else.
		[ ${#packed[@]} -eq 0 ] || qemu-io -f qcow2 "${packed[@]}" img.qcow2 >/dev/null 2>&1
		[ ${#io[@]} -eq 0 ] || qemu-io -f qcow2 "${io[@]}" img.qcow2 >/dev/null 2>&1
		[ "$bits" -le 2 ] || [ -n "$data_file" ] || [ $((RANDOM % 3)) -eq 0 ] || qemu-img snapshot -c "s$i" img.qcow2 2>/dev/null
		[ $((RANDOM % 6)) -ne 0 ] || qemu-img snapshot -a s0 img.qcow2 2>/dev/null
		[ $((RANDOM % 6)) -ne 0 ] || qemu-img snapshot -d s0 img.qcow2 2>/dev/null
		[ $version != 1.1 ] || [ $((RANDOM % 6)) -ne 0 ] || qemu-img bitmap --add img.qcow2 "b$i" 2>/dev/null
	done
	return 0
}

# corruptions, check errors, leaks: "2 0 5"; "refused" when it does not get that far.
qemu_says() { # IMAGE
	if [ "$(cat kind)" = luks ]; then
		timeout 60 qemu-img check --output=json --object secret,id=s,data=x \
			--image-opts "driver=qcow2,file.filename=$1,encrypt.key-secret=s" 2>qemu.err >qemu.json
	else
		timeout 60 qemu-img check -f qcow2 --output=json "$1" 2>qemu.err >qemu.json
	fi
	jq -er '"\(.corruptions // 0) \(.["check-errors"] // 0) \(.leaks // 0)"' qemu.json 2>/dev/null || echo refused
}

flaws_of() { # WORDS as a pattern; of `scanned`: how many entries or clusters
	awk -v w="^($1)\$" '$1 == "flaw" && $2 ~ w { n += $3 } END { print n + 0 }' scanned
}

complain() {
	echo "$(cat how); $*"
	head -30 scanned
	head -5 qemu.err
}

# What QEMU does not look for, or calls leaked because of the flaw, or does not, since it counts
# what no one can read.
beyond='l2-zero-v2|l2-behind-disk|compressed-cut|compressed-past-eof|subclusters-bit0|data-file-offset|refcount-past-eof|data-data|table-.*'
makes_leaks='rt-reserved|subclusters-both|compressed-bitmap|compressed-data-file|l[12]-unaligned|l2-zero-unaligned'

clean='' broken='' leaks='' quiet='' n_broken=0 n_refused=0 n_compared=0
for ((seed = 1; seed <= IMAGES; seed++)); do
	make_image $seed
	case $? in
	2) continue ;; # a machine too busy to measure its own key derivation
	1) clean+="$(cat how)"$'\n' && continue ;;
	esac
	said=$(qemu_says img.qcow2)
	"$scan" img.qcow2 >scanned 2>&1 || clean+=$(complain "exit status")
	if [ "$said" != '0 0 0' ] || [ "$(head -1 scanned)" != complete ] || grep -q '^flaw' scanned; then
		clean+=$(complain "untouched, QEMU: $said")$'\n'
		continue
	fi
	for ((b = 0; b < BREAKS; b++)); do
		cp --sparse=always img.qcow2 bad.qcow2
		echo "$(head -1 how); $("$breaker" $((seed * 100 + b)) bad.qcow2)" >how.bad
		cp how how.clean && cp how.bad how
		said=$(qemu_says bad.qcow2)
		"$scan" bad.qcow2 >scanned 2>&1 || broken+=$(complain "exit status")
		cp how.clean how.last && cp how.bad how
		if [ "$said" = refused ]; then
			n_refused=$((n_refused + 1))
		else
			read -r corrupt errors leaked <<<"$said"
			n_broken=$((n_broken + 1))
			if [ $((corrupt + errors + leaked)) -gt 0 ]; then
				[ "$(flaws_of '.*')" -gt 0 ] || broken+=$(complain "QEMU: $said, we: nothing")$'\n'
			elif [ "$(flaws_of '.*')" -gt "$(flaws_of "$beyond")" ]; then
				quiet+=$(complain "QEMU: nothing")$'\n'
			fi
			if [ "$errors" -eq 0 ] && [ "$(flaws_of "$makes_leaks")" -eq 0 ]; then
				n_compared=$((n_compared + 1))
				[ "$(flaws_of 'leak|refcount-high')" -eq "$leaked" ] ||
					leaks+=$(complain "QEMU: $said, we: $(flaws_of 'leak|refcount-high') leaks")$'\n'
			fi
		fi
		cp how.last how
	done
done
silent "$IMAGES images by QEMU have no flaw" "$clean"
silent "where QEMU finds something, so do we ($n_broken broken, $n_refused more refused by QEMU)" "$broken"
silent "as many leaked clusters as QEMU ($n_compared)" "$leaks"
silent "nothing that QEMU looks for, and does not find" "$quiet"
# ---- what was lost is recognised ----

zero() { # FILE OFFSET LENGTH
	head -c "$3" /dev/zero | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

orphans() {
	"$scan" "$1" | awk '$1 == "orphan" { printf "%s%s %s", n++ ? ", " : "", $2, $3 }'
}

rm -f img.qcow2 && qemu-img create -q -f qcow2 img.qcow2 64M && qemu-io -c 'write 0 1M' img.qcow2 >/dev/null
cp img.qcow2 bad.qcow2 && zero bad.qcow2 $((0x30000)) 8
is "one L1 entry zeroed: its table and its data" "$(orphans bad.qcow2)" "data 16, l2-table 1"
is "the table points at what is lost" "$("$scan" bad.qcow2 | grep -o 'used 16 leaked 16 taken 0 lost 0 flagged 16 first 0 last 15')" \
	"used 16 leaked 16 taken 0 lost 0 flagged 16 first 0 last 15"
is "its slot is empty" "$("$scan" bad.qcow2 | grep -o 'empty slots.*')" "empty slots 0+1"
qemu-img snapshot -c one img.qcow2 && qemu-io -c 'write 32k 300k' img.qcow2 >/dev/null
cp img.qcow2 bad.qcow2 && zero bad.qcow2 60 4
is "no more snapshots in the header" "$(orphans bad.qcow2)" "data 6, l2-table 1, l1-table 1, snapshot-table 1"
rm -f img.qcow2 && qemu-img create -q -f qcow2 img.qcow2 64M && qemu-img bitmap --add img.qcow2 b
zero img.qcow2 95 1
is "a bitmap without its autoclear bit" "$(orphans img.qcow2)" "stale-bitmap 2"

[ $n_broken -ge $((IMAGES * 3)) ] && ok "enough were broken" || not_ok "enough were broken" "$n_broken"
tap_end
