#!/usr/bin/env bash
# What is read of a disk: metadata only, whatever its size. Counts, no clocks.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "sees no holes, and reads them"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
READS_MAX=64 BYTES_MAX=$((1 << 20))
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

names=("a 10 TiB image with a GPT: at most $READS_MAX read calls" "a 10 TiB image with a GPT: at most 1 MiB read"
	"a 10 TiB image that has lost its table: at most 256 read calls"
	"a QCOW2 of 16 GiB, allocated: at most 4.5 MiB read"
	"an ISO of 10 GB: at most 8 MiB read" "an ISO with a sum, --deep: each byte once"
	"a QCOW2 of 256 GiB without data: at most 2000 questions for holes")
case ${build##*/} in release* | debug*) ;; *)
	for n in "${names[@]}"; do skip "$n" "a sanitizer reads on its own account"; done
	tap_end
	exit ;;
esac
[ -x "$mkimg" ] || { not_ok "$mkimg is built"; exit 1; }
if ! have strace || ! strace -o /dev/null true 2>/dev/null; then
	for n in "${names[@]}"; do skip "$n" "strace cannot run here"; done
	tap_end
	exit
fi

cat >"$tmp/recipe" <<'END'
size 10T
gpt
part 1 start=1M size=512M type=esp
part 2 start=513M end=max type=linux
END
if ! "$mkimg" "$tmp/recipe" "$tmp/disk.raw" 2>"$tmp/err"; then
	for n in "${names[@]}"; do skip "$n" "no file of 10 TiB here: $(head -1 "$tmp/err")"; done
	tap_end
	exit
fi

# Every call that reads, of every thread, from program start to end.
calls=read,pread64,readv,preadv,preadv2,mmap
strace -f -y -e trace=$calls -o "$tmp/trace" "$vmend" check "$tmp/disk.raw" >"$tmp/out" 2>&1
is "a 10 TiB image with a GPT is clean" "$?: $(grep -cE 'error\[|warning\[' "$tmp/out")" "0: 0"
reads=$(grep -cE '(read|pread64|readv|preadv|preadv2)\(' "$tmp/trace")
bytes=$(grep -E '(read|pread64|readv|preadv|preadv2)\(.*= [0-9]+$' "$tmp/trace" |
	awk '{ n += $NF } END { print n + 0 }')
mapped=$(grep -cF "$tmp/disk.raw" <(grep mmap "$tmp/trace"))
echo "# $reads read calls, $bytes bytes"
within() { # NUMBER MAXIMUM [MINIMUM]   says so when it is not
	[ "$1" -ge "${3:-1}" ] && [ "$1" -le "$2" ] && return
	echo "$1, at most $2 are allowed, and at least ${3:-1}"
	grep -vF mmap "$tmp/trace"
}
silent "${names[0]}" "$(within "$reads" $READS_MAX)"
silent "${names[1]}" "$(within "$bytes" $BYTES_MAX)"
is "the image is not mapped" "$mapped" 0

# Two areas of swap, 8 TiB from each other; holes cost nothing.
cat >"$tmp/recipe" <<'END'
size 10T
poke 0x100400 le32 1
poke 0x100404 le32 1023
poke 0x100ff6 text "SWAPSPACE2"
poke 0x80000000400 le32 1
poke 0x80000000404 le32 1023
poke 0x80000000ff6 text "SWAPSPACE2"
END
"$mkimg" "$tmp/recipe" "$tmp/lost.raw" || exit 2
strace -f -y -e trace=$calls -o "$tmp/trace" "$vmend" check "$tmp/lost.raw" >"$tmp/out" 2>&1
is "both areas of swap are found" "$(grep -c 'Linux swap' "$tmp/out")" 2
reads=$(grep -cE '(read|pread64|readv|preadv|preadv2)\(' "$tmp/trace")
echo "# $reads read calls"
silent "${names[2]}" "$(within "$reads" 256)"

# Tables are read once, also to find out that most of what they map are holes.
cat >"$tmp/recipe" <<'END'
size 16G
poke 0x100400 le32 1
poke 0x100404 le32 1023
poke 0x100ff6 text "SWAPSPACE2"
poke 0x200000400 le32 1
poke 0x200000404 le32 1023
poke 0x200000ff6 text "SWAPSPACE2"
qcow2 allocate=1
END
"$mkimg" "$tmp/recipe" "$tmp/lost.qcow2" || exit 2
strace -f -y -e trace=$calls -o "$tmp/trace" "$vmend" check "$tmp/lost.qcow2" >"$tmp/out" 2>&1
is "both are found in a QCOW2 as well" "$(grep -c 'Linux swap' "$tmp/out")" 2
bytes=$(grep -F lost.qcow2 "$tmp/trace" | awk '/= [0-9]+$/ && !/mmap/ { n += $NF } END { print n + 0 }')
echo "# $bytes bytes"
silent "${names[3]}" "$(within "$bytes" $((9 << 19)))"
cat >"$tmp/recipe" <<'END'
size 10G
iso "BIG" joliet=1 rock-ridge=1 bios=1 efi=64K
fat iso.efi 64K
file /EFI/BOOT/BOOTX64.EFI efi=x64
END
"$mkimg" "$tmp/recipe" "$tmp/big.iso"
strace -f -y -e trace=$calls -o "$tmp/trace" "$vmend" check "$tmp/big.iso" >"$tmp/out" 2>&1
is "an ISO of 10 GB is clean" "$?: $(grep -cE 'error\[|warning\[' "$tmp/out")" "0: 0"
bytes=$(grep -F big.iso "$tmp/trace" | awk '/= [0-9]+$/ && !/mmap/ { n += $NF } END { print n + 0 }')
echo "# $bytes bytes"
silent "${names[4]}" "$(within "$bytes" $((8 << 20)))"
# What md5sum reads but for the last 300 KiB, which no sum is of, and at most 8 MiB besides.
printf '%s\n' 'size 100M' 'iso "SUM" joliet=1 rock-ridge=1 bios=1' implant >"$tmp/recipe"
"$mkimg" "$tmp/recipe" "$tmp/sum.iso"
strace -f -y -e trace=$calls -o "$tmp/trace" "$vmend" check --deep "$tmp/sum.iso" >"$tmp/out" 2>&1
is "an ISO with a sum is clean" "$?: $(grep -cE 'error\[|warning\[' "$tmp/out")" "0: 0"
bytes=$(grep -F sum.iso "$tmp/trace" | awk '/= [0-9]+$/ && !/mmap/ { n += $NF } END { print n + 0 }')
echo "# $bytes bytes of $((100 << 20))"
silent "${names[5]}" "$(within "$bytes" $((108 << 20)) $((99 << 20)))"

# Its 512 L2 tables lie apart; what looks for lost file systems asks at 256 places for data.
echo "size 256G
qcow2 allocate=1" >"$tmp/recipe"
"$mkimg" "$tmp/recipe" "$tmp/empty.qcow2" || exit 2
strace -f -e trace=lseek,_llseek -o "$tmp/trace" "$vmend" check "$tmp/empty.qcow2" >"$tmp/out" 2>&1
asked=$(grep -c lseek "$tmp/trace")
echo "# $asked questions"
silent "${names[6]}" "$(within "$asked" 2000)"
tap_end
