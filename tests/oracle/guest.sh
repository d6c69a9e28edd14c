#!/usr/bin/env bash
# The disk that a QCOW2 shows its guest, byte for byte against qemu-img convert: images that
# qemu-img and qemu-io make, with every option that changes where the bytes are, overlay on
# overlay. And what may be opened on the way: nothing outside of the allowed folders.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
vmend=$VMEND dump=$VMEND_BUILD/tools/dumpguest same=$VMEND_BUILD/tools/samebytes
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
have qemu-img qemu-io || {
	skip 'the disk of a QCOW2 against QEMU' 'qemu-img or qemu-io is not here'
	tap_end
	exit 0
}
cd "$dir" || exit 2

# ---- seeded images ----
# Bytes that hardly compress.
head -c 300K "$vmend" | gzip -9 >noise

pick() { # WORD...   one of them
	local i=$((RANDOM % $#))
	shift $i
	printf %s "$1"
}

# Writes, zeros and discards all over a disk of SIZE KiB, many of them not on a cluster.
scribble() { # FILE FORMAT SIZE
	local commands=() i off len
	for i in 1 2 3 4 5 6 7 8; do
		off=$(((RANDOM * 32768 + RANDOM) % $3)) len=$((1 + RANDOM % 300))
		[ $((off + len)) -gt "$3" ] && len=$(($3 - off))
		case $((RANDOM % 8)) in
		0) commands+=(-c "write -z ${off}k ${len}k") ;;
		1) commands+=(-c "write -z -u ${off}k ${len}k") ;;
		2) commands+=(-c "discard ${off}k ${len}k") ;;
		3) commands+=(-c "write -P $((1 + RANDOM % 255)) $((off * 2 * 512)) 512") ;;
		4) commands+=(-c "write -s $dir/noise ${off}k ${len}k") ;;
		*) commands+=(-c "write -P $((1 + RANDOM % 255)) ${off}k ${len}k") ;;
		esac
	done
	qemu-io -f "$2" -d unmap "${commands[@]}" "$1" >/dev/null 2>&1
}

# Options of one layer, in words that qemu-img create takes; DATA when it may have a data file.
options() { # DATA
	local cs o
	cs=$(pick 512 1k 4k 16k 64k 64k 256k 2M)
	o=cluster_size=$cs
	case $cs in
	16k | 64k | 256k | 2M) [ $((RANDOM % 3)) -eq 0 ] && printf %s "$o,extended_l2=on" && return ;;
	esac
	if [ "$1" ] && [ $((RANDOM % 6)) -eq 0 ]; then
		printf %s "$o,data_file=$1$(pick '' ,data_file_raw=on)"
	elif [ $((RANDOM % 6)) -eq 0 ]; then
		printf %s "$o,compat=0.10"
	else
		printf %s "$o,refcount_bits=$(pick 1 8 16 64),compat=1.1$(pick '' '' ,preallocation=metadata)"
	fi
}

# A chain of 1 to 5 files below the folder; the name of the last one in $top, words in $what.
build() { # NUMBER
	local depth=$((1 + RANDOM % 5)) i opt size base='' fmt='' file
	mkdir "$1" && cd "$1" || return 1
	what='' top=''
	for ((i = 1; i <= depth; i++)); do
		size=$((2048 + RANDOM % 4096)) file=l$i
		if [ $i -eq 1 ] && [ $depth -gt 1 ] && [ $((RANDOM % 2)) -eq 0 ]; then
			truncate -s "$size"K $file && scribble $file raw $size || return 1
			base=$file fmt=raw what=raw top=$file
			continue
		fi
		opt=$(options "$([ "$base" ] || echo $file.data)")
		if [ "$base" ]; then
			case $opt in *preallocation*) opt=${opt%,preallocation*} ;; esac
			qemu-img create -q -f qcow2 -o "$opt" -b "$base" -F "$fmt" $file ${size}K || return 1
		else
			qemu-img create -q -f qcow2 -o "$opt" $file ${size}K || return 1
		fi
		scribble $file qcow2 $size || return 1
		case $opt in *data_file* | *refcount_bits=1,*) ;; *)
			# Tables that snapshots share are copied when they are written to.
			if [ $((RANDOM % 4)) -eq 0 ]; then
				qemu-img snapshot -c s $file && scribble $file qcow2 $size || return 1
				opt+=,snapshot
			fi ;;
		esac
		what="$what${what:+ <- }$opt" base=$file fmt=qcow2 top=$file
	done
	case $((RANDOM % 4)) in
	0) # The last one compressed, as an overlay still.
		opt=cluster_size=$(pick 512 4k 64k 2M),compression_type=$(pick zlib zstd)
		qemu-img convert -c -O qcow2 -o "$opt" "$top" packed || return 1
		scribble packed qcow2 2048 || return 1
		what="$what <- convert -c $opt" top=packed ;;
	esac
	return 0
}

for ((n = 1; n <= 100; n++)); do
	RANDOM=$n
	# A subshell per image: it says what differs, and nothing when all is well.
	why=$(
		build "i$n" 2>&1 || { echo "qemu could not build it: $what"; exit; }
		qemu-img convert -f qcow2 -O raw "$top" want 2>&1 || { echo "qemu could not read it: $what"; exit; }
		"$dump" "$top" got 2>&1 && "$same" want got 2>&1 || echo "seed $n: $what"
	)
	silent "seed $n" "$why"
	rm -rf "i$n"
done

# ---- what is opened ----
mkdir -p in/sub out other && truncate -s 3M out/secret in/sub/base in/raw && cd in || exit 2
qemu-io -f raw -c 'write -P 1 0 3M' ../out/secret >/dev/null
ln -s ../../out/secret sub/link
ln -s sub/base near
reaches() { # NAME BACKING-NAME STATE [OPTION...]
	local name=$1 backing=$2 state=$3
	shift 3
	rm -f top
	qemu-img create -q -u -f qcow2 -b "$backing" -F raw top 3M || { not_ok "$name"; return; }
	is "$name" "$("$vmend" inspect "$@" top | sed -n '/^  backing file/,$s/^    state  *//p' | tail -1)" "$state"
}
reaches 'a file beside it' raw opened
reaches 'a file below it' sub/base opened
reaches 'a file by its whole name' "$PWD/sub/base" opened
reaches 'file: is left out' file:raw opened
# Without openat2() no link is followed.
inside=opened
! is_portable || inside=outside
reaches 'a link that stays inside' near $inside
reaches 'a file that is not there' nothing missing
reaches 'the folder above' ../out/secret outside
reaches 'the folder above, allowed' ../out/secret opened --allow-root ../out
reaches 'the folder above, another one allowed' ../out/secret outside --allow-root ../other
reaches 'the folder above, by a detour' sub/../../out/secret outside
reaches 'the folder above, by a detour, allowed' sub/../../out/secret $inside --allow-root ..
reaches 'a whole name outside' "$dir/out/secret" outside
reaches 'a whole name outside, allowed' "$dir/out/secret" opened --allow-root "$dir/out"
reaches 'a folder whose name only begins like it' "${PWD}x/secret" outside
reaches 'a link that leads out' sub/link outside
reaches 'a folder' sub 'special file'
reaches 'a device' /dev/zero outside
reaches 'a device, allowed' /dev/zero 'special file' --allow-root /dev
reaches 'nbd:' nbd:localhost:10809 protocol
reaches 'json:' 'json:{"driver":"file","filename":"raw"}' protocol
reaches 'http:' http://127.0.0.1/x protocol
reaches 'itself' ./top loop
mkfifo fifo
reaches 'a FIFO' fifo 'special file'
is 'a mistyped folder is wrong usage' "$("$vmend" inspect --allow-root nothing top 2>&1 >/dev/null; echo $?)" \
	"vmend: --allow-root nothing: is not a folder
2"

# a -> b -> a
qemu-img create -q -f qcow2 a 3M && qemu-img create -q -f qcow2 -b a -F qcow2 b &&
	qemu-img rebase -u -b b -F qcow2 a
is 'a circle of two' "$("$vmend" inspect a | grep -c '^    state  *loop')" 1
# 70 in a row
qemu-img create -q -f qcow2 c0 1M
for ((i = 1; i < 70; i++)); do
	qemu-img create -q -u -f qcow2 -b c$((i - 1)) -F qcow2 c$i 1M
done
is 'a chain of 70 ends after 64' "$("$vmend" inspect c69 | sed -n 's/^    state  *//p' | sort | uniq -c | tr -s ' \n' ' ')" \
	' 64 opened 1 too deep '
is 'a chain of 60 does not' "$("$vmend" inspect c60 | sed -n 's/^    state  *//p' | sort | uniq -c | tr -s ' \n' ' ')" \
	' 60 opened '
cd .. || exit 2

# No call opens what is outside, whatever it says; nor is anything looked up there.
if have strace && strace -o /dev/null true 2>/dev/null; then
	names=("$dir/out/secret" ../out/secret sub/../../out/secret sub/link in/../../out/secret)
	for name in "${names[@]}"; do
		qemu-img create -q -u -f qcow2 -b "$name" -F raw in/top 3M
		strace -f -y -e trace=file,openat2,network -o trace "$vmend" check in/top >/dev/null 2>&1
		is "$name: nothing of it is opened" "$(grep -E 'secret|link' trace | grep -cE ' = [0-9]+<' ; grep -cE 'socket|connect' trace)" "0
0"
	done
	for name in nbd:localhost:10809 ssh://localhost/x 'json:{"driver":"nbd","host":"localhost"}' http://localhost/; do
		qemu-img create -q -u -f qcow2 -b "$name" -F raw in/top 3M
		strace -f -e trace=file,openat2,network -o trace "$vmend" check in/top >/dev/null 2>&1
		is "$name: no socket, no such file" "$(grep -cE 'socket|connect|localhost' trace)" 0
	done
	# What is opened by a name from an image is opened below a folder.
	qemu-img create -q -u -f qcow2 -b sub/base -F raw in/top 3M
	strace -f -e trace=file,openat2 -o trace "$vmend" check in/top >/dev/null 2>&1
	is 'the kernel is told to stay below' "$(grep 'sub/base' trace | grep -vcE 'RESOLVE_BENEATH|ENOSYS')" 0
else
	skip 'what is opened' 'strace cannot run here'
fi

# ---- what cannot be read is no zeros ----
qemu-img create -q -u -f qcow2 -b gone -F raw in/top 3M
is 'a missing backing file: the disk is not read' "$("$dump" in/top got 2>&1; echo $?)" \
	"the guest's disk cannot be read at 0x0: its backing file is not there (entry at 0x30000 of the file)
1"
qemu-io -c 'write -P 3 0 3M' in/top >/dev/null 2>&1 ||
	{ qemu-img create -q -f qcow2 in/gone 3M && qemu-img rebase -u -F qcow2 -b gone in/top &&
	qemu-io -c 'write -P 3 0 3M' in/top >/dev/null && rm in/gone; }
head -c 3M /dev/zero | tr '\0' '\3' >want
is 'a missing backing file that nothing needs: it is' "$("$dump" in/top got 2>&1; echo $?; "$same" want got 2>&1)" 0
tap_end
