#!/usr/bin/env bash
# Disks whose partitions hold what mkfs made, and whose table is then wiped, against the table
# that they had. For each:
#
#   - every partition with known content begins again where it did, and there is no other one
#   - what vmend writes ends at or behind the end of the content, and is nobody else's; how often
#     the end is the old one is printed
#   - no byte within a partition changes; sgdisk and libfdisk find no problem in the new table
#   - `vmend undo` gives the wiped disk back, byte for byte
#
# LOST_SEED=N LOST_CASES=N: other layouts, or more of them.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
seed=${LOST_SEED:-1} cases=${LOST_CASES:-42}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have sfdisk sgdisk mkfs.ext4 mkfs.fat mkntfs mkfs.xfs mkswap cmp || {
	skip "lost tables" "sfdisk, sgdisk, or one of the mkfs is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
RANDOM=$seed

# ---- what is in partitions ----

kinds=(ext4 ext4-1k ext2 fat16 fat32 esp ntfs xfs swap)

make_content() { # KIND FILE
	case $1 in
	ext4) mkfs.ext4 -q -F -b 4096 -L "$1" "$2" ;;
	ext4-1k) mkfs.ext4 -q -F -b 1024 "$2" ;;
	ext2) mkfs.ext2 -q -F "$2" ;;
	fat16) mkfs.fat -F 16 "$2" ;;
	fat32) mkfs.fat -F 32 -s 1 "$2" ;;
	esp) mkfs.fat -F 32 -s 1 -n EFI "$2" ;;
	ntfs) mkntfs -q -F -Q "$2" ;;
	xfs) mkfs.xfs -q -f "$2" ;;
	swap) mkswap "$2" ;;
	esac >mkfs.log 2>&1
}

least() { # KIND   MiB
	case $1 in xfs) echo 320 ;; fat32 | esp) echo 40 ;; *) echo 16 ;; esac
}

# ---- layouts: start and length of each partition in sectors, in the file plan ----

draw() { # N   0 to N-1
	echo $((RANDOM % $1))
}

# Sets label, total (sectors) and plan: lines "START SECTORS KIND".
layout() { # STYLE
	local n at=2048 i kind len odd=0 step=2048
	label=gpt
	n=$((1 + $(draw 5)))
	case $1 in
	dos) label=dos n=$((1 + n % 4)) ;;
	cylinders) label=dos at=63 n=$((1 + n % 3)) step=16065 ;;
	apple) at=40 ;;
	odd) odd=1 ;;
	esac
	: >plan
	for ((i = 0; i < n; i++)); do
		kind=${kinds[$(draw ${#kinds[@]})]}
		len=$((($(least "$kind") + $(draw 24)) * 2048))
		case $1 in
		cylinders) len=$(((at + len) / 16065 * 16065 + 16065 - at)) ;;
		apple) [ $i -ne 0 ] || len=$((len - 40)) ;;
		esac
		[ $odd = 0 ] || len=$((len - 1 - $(draw 2000)))
		echo "$at $len $kind" >>plan
		at=$((at + len))
		# Space that nobody has, now and then.
		[ "$(draw 3)" != 0 ] || at=$((at + step * (1 + $(draw 9))))
		[ $odd = 0 ] || at=$(((at + 2047) / 2048 * 2048))
	done
	total=$((at + 2048 * (1 + $(draw 4))))
	# The last one to the end, as a tool does when it is asked for all.
	if [ "$1" = full ]; then
		total=$((at + 34 + $(draw 2000)))
		sed -i "\$s/.*/$(awk -v t=$total 'END { print $1, t - 33 - $1, $3 }' plan)/" plan
	fi
}

make_disk() {
	local start len kind
	rm -f disk*
	truncate -s $((total * 512)) disk
	{
		echo "label: $label"
		[ $label = dos ] || echo "first-lba: 34"
		while read -r start len kind; do echo "start=$start, size=$len"; done <plan
	} | sfdisk -q disk >sfdisk.log 2>&1 || { cat sfdisk.log; return 1; }
	while read -r start len kind; do
		rm -f part
		truncate -s $((len * 512)) part
		make_content "$kind" part || { echo "mkfs: $kind of $len sectors" && cat mkfs.log; return 1; }
		dd if=part of=disk bs=64K oflag=seek_bytes seek=$((start * 512)) conv=notrunc,sparse \
			status=none
	done <plan
}

# ---- what happens to the table ----

garbage() { # OFFSET LENGTH
	yes 'somebody wrote this here' | head -c "$2" |
		dd of=disk bs=512 oflag=seek_bytes seek="$1" conv=notrunc status=none
}

zeros() { # OFFSET LENGTH
	head -c "$2" /dev/zero | dd of=disk bs=512 oflag=seek_bytes seek="$1" conv=notrunc status=none
}

wipe() { # HOW
	local end=$((total * 512))
	case $1 in
	zap) sgdisk --zap-all disk >/dev/null 2>&1 ;;
	zeros) zeros 0 17408 && zeros $((end - 16896)) 16896 ;;
	tables) zeros 512 16896 && zeros $((end - 16896)) 16896 ;;
	garbage) garbage 512 16896 && garbage $((end - 16896)) 16896 ;;
	headers) garbage 1024 16384 && garbage $((end - 16896)) 16896 ;;
	mbr) zeros 0 512 ;;
	entries)
		printf 'boot code' | dd of=disk conv=notrunc status=none
		zeros 446 64
		;;
	esac
}

# ---- one case ----

table() { # FILE   start and sectors of each, in order
	sfdisk -d "$1" 2>/dev/null | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\).*/\1 \2/p' | sort -n
}

problems() { # FILE
	sfdisk --verify "$1" 2>&1 | grep -vE '^(|disk:|.*No errors detected.*|Header version.*|Using [0-9]* out.*|A total of.*|Remaining .*)$'
	[ $label = dos ] || sgdisk -v "$1" 2>&1 | grep -qF 'No problems found' || echo 'sgdisk: problems'
}

# Every byte that partitions of the plan have.
changed_within() { # A B
	local start len kind
	while read -r start len kind; do
		cmp -n $((len * 512)) -i $((start * 512)) "$1" "$2"
	done <plan 2>&1
}

found=0 ends=0 of=0 written=0 declined=()
run_case() { # NUMBER STYLE WIPE
	local bad='' start len kind now end name="$2, $3" out
	if ! out=$(make_disk); then
		not_ok "case $1: $name" "$out"
		return
	fi
	wipe "$3"
	cp --sparse=always disk wiped
	"$vmend" check --format concise disk >out 2>&1
	grep -q 'img-table-lost' out || bad+="not found: $(cat out)"$'\n'
	"$vmend" fix --lossy-fixes --rule img-table-lost disk >out 2>&1
	table disk >new
	if [ ! -s new ]; then
		declined+=("case $1: $name: $(grep -o 'not fixed.*' out | head -1)")
		bad+="no table: $(cat out)"$'\n'
	else
		written=$((written + 1))
	fi
	while read -r start len kind; do
		of=$((of + 1))
		now=$(awk -v s="$start" '$1 == s { print $2 }' new)
		[ -n "$now" ] || { bad+="$kind at $start is not found"$'\n' && continue; }
		found=$((found + 1))
		[ "$now" != "$len" ] || ends=$((ends + 1))
		end=$((now - len))
		# A few blocks less where mkfs left some; never more than up to a whole MiB.
		[ $end -ge -2048 ] && [ $end -le 2047 ] || bad+="$kind at $start has $now sectors, not $len"$'\n'
		[ $end = 0 ] || ends_log+="# case $1: $kind at $start: $end sectors"$'\n'
	done <plan
	[ "$(wc -l <new)" -le "$(wc -l <plan)" ] || bad+="more partitions than there were:"$'\n'"$(cat new)"$'\n'
	[ ! -s new ] || bad+=$(problems disk)
	bad+=$(changed_within wiped disk)
	[ ! -f disk.vmend-undo ] || "$vmend" undo disk >out 2>&1 || bad+="undo: $(cat out)"$'\n'
	cmp -s disk wiped || bad+="undo did not give the wiped disk back"$'\n'
	silent "case $1: $name: $(awk '{ printf "%s%s", sep, $3; sep = " " }' plan)" "$bad"
}

styles=(mib full odd apple dos cylinders)
gpt_wipes=(zap zeros tables garbage headers) dos_wipes=(mbr entries)
ends_log=
echo "# seed $seed"
for ((i = 0; i < cases; i++)); do
	style=${styles[i % ${#styles[@]}]}
	layout "$style"
	case $label in
	gpt) how=${gpt_wipes[$(draw ${#gpt_wipes[@]})]} ;;
	dos) how=${dos_wipes[$(draw ${#dos_wipes[@]})]} ;;
	esac
	run_case "$i" "$style" "$how"
done
echo "# tables written: $written of $cases; starts: $found of $of; ends as they were: $ends of $found"
printf '%s' "$ends_log"
[ ${#declined[@]} -eq 0 ] || printf '# declined: %s\n' "${declined[@]}"

# ---- what must not be found ----

label=dos total=131072
nothing() { # NAME
	local bad=
	"$vmend" check --format concise disk >out 2>&1
	grep -q 'img-table-lost' out && bad=$(cat out)
	silent "nothing is found on $1" "$bad"
}
fresh() { rm -f disk && truncate -s 64M disk; }
fresh && nothing "an empty disk"
fresh && head -c 64M /dev/urandom >disk && nothing "a disk of random bytes"
mkdir files && truncate -s 8M files/a files/b && mkfs.ext4 -q -F files/a && mkfs.fat files/b >/dev/null
fresh && mkfs.ext4 -q -F -d files disk && nothing "a file system without a table, with images in it"
fresh && mkfs.fat disk >/dev/null && nothing "a FAT without a table"
fresh && mkntfs -q -F -Q disk >/dev/null 2>&1 && nothing "an NTFS without a table"
fresh && mkswap disk >/dev/null 2>&1 && nothing "swap without a table"

# Images in the files of a file system are not partitions.
fresh && truncate -s 48M part && mkfs.ext4 -q -F -d files part &&
	dd if=part of=disk bs=1M seek=1 conv=notrunc,sparse status=none
"$vmend" fix --lossy-fixes disk >out 2>&1
is "images in files of a file system are its files" "$(table disk)" "2048 98304"
tap_end
