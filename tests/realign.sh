#!/usr/bin/env bash
# Misaligned partitions are moved, on a disk of 2 GiB with real file systems in it: their own
# checkers and their files agree before and after, and whatever stops the move (kills at
# random points, signals, a disk that is full), it goes on to the same bytes, or back to
# those before. SPEC.md, sections 5 and 6.4.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg same=$build/tools/samebytes
KILLS=200
RANDOM=7 # the seed
export ASAN_OPTIONS=detect_leaks=0 # which does not work under strace

for tool in strace sgdisk mkfs.ext4 debugfs mkfs.xfs mkfs.vfat mcopy mkntfs ntfscp jq; do
	have $tool || { skip "moving partitions" "$tool is missing"; tap_end; exit 0; }
done
if ! strace -o /dev/null true 2>/dev/null; then
	skip "moving partitions" "strace may not trace"
	tap_end
	exit 0
fi

# In memory, where there is room: hundreds of copies are made, and synced. A disk takes
# minutes for that.
base=/dev/shm
shm=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
[ "${shm:-0}" -ge 1500000 ] || { base=${TMPDIR:-/tmp}; KILLS=40; }
tmp=$(mktemp -d "$base/vmend-realign-XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state

# ---- the disk ----

cat >recipe <<'R'
size 2G
gpt style=sgdisk
part 1 start=63 size=400M name="ext4"
part 2 start=819301 size=600M name="xfs"
part 3 start=2048163 size=400M type=data name="fat"
part 4 start=2867369 end=max type=data name="ntfs"
R

first() { sgdisk -i "$2" "$1" | awk '/^First sector/ { print $3 }'; }
sectors() { sgdisk -i "$2" "$1" | awk '/^Partition size/ { print $3 }'; }

take_out() { # IMAGE N FILE
	dd if="$1" of="$3" bs=1M iflag=skip_bytes,count_bytes conv=sparse status=none \
		skip=$(($(first "$1" "$2") * 512)) count=$(($(sectors "$1" "$2") * 512))
	truncate -s $(($(sectors "$1" "$2") * 512)) "$3"
}

put_in() { # IMAGE N FILE
	dd if="$3" of="$1" bs=64K oflag=seek_bytes conv=sparse,notrunc status=none \
		seek=$(($(first "$1" "$2") * 512))
}

make_tree() {
	local i
	mkdir -p tree/dir/sub
	seq 1 30000 >tree/numbers
	# Bytes that no compression, and no hole, makes smaller.
	seq 1 200000 | gzip -9n >tree/dir/random
	: >tree/empty
	for i in $(seq 60); do seq "$i" 700 >"tree/dir/sub/file$i"; done
}

make_disk() { # IMAGE
	"$mkimg" recipe "$1" || return
	for n in 1 2 3 4; do truncate -s $(($(sectors "$1" $n) * 512)) p$n; done
	mkfs.ext4 -q -F -E root_owner=0:0 -d tree p1 || return
	cat >proto <<-P
	/dev/null
	0 0
	d--755 0 0
	numbers ---644 0 0 tree/numbers
	dir d--755 0 0
	random ---644 0 0 tree/dir/random
	$
	$
	P
	mkfs.xfs -q -f -p proto p2 || return
	mkfs.vfat -F 32 -h "$(first "$1" 3)" p3 && mcopy -s -i p3 tree/* ::/ || return
	mkntfs -q -F -f -s 512 -H 255 -S 63 -p "$(first "$1" 4)" p4 &&
		ntfscp p4 tree/numbers numbers && ntfscp p4 tree/dir/random random || return
	for n in 1 2 3 4; do put_in "$1" $n p$n; done
	rm p1 p2 p3 p4
}

# What the checkers say of each partition: nothing, if all is well.
check_systems() { # IMAGE
	local n
	for n in 1 2 3 4; do
		take_out "$1" $n p$n
		case $n in
		1) e2fsck -fn p1 ;;
		2) xfs_repair -n -f p2 ;;
		3) fsck.vfat -n p3 ;;
		4) ntfsfix -n p4 ;;
		esac >said 2>&1 </dev/null || { echo "partition $n of $1:"; cat said; }
	done
}

# Sums of the files in it, as those who know the format read them.
sums_of() { # IMAGE
	rm -rf out
	mkdir -p out/1 out/3 out/4/dir
	take_out "$1" 1 p1
	debugfs -R 'rdump / out/1' p1 >/dev/null 2>&1
	rm -rf out/1/lost+found
	take_out "$1" 3 p3
	mcopy -s -n -i p3 ::/ out/3
	take_out "$1" 4 p4
	ntfscat p4 numbers >out/4/numbers
	ntfscat p4 random >out/4/dir/random
	(cd out && find . -type f | LC_ALL=C sort | xargs sha256sum)
}

# The same partition, but for the fields that say how many sectors are before it.
same_content() { # N BEFORE AFTER
	local n=$1 at f
	take_out "$2" "$n" a
	take_out "$3" "$n" b
	case $n in
	3) at="28 $((6 * 512 + 28))" ;;
	4) at="28 $(($(stat -c %s a) - 512 + 28))" ;;
	*) at= ;;
	esac
	for f in $at; do
		[ "$(od -An -tu4 -j "$f" -N4 b | tr -d ' ')" = "$(first "$3" "$n")" ] ||
			echo "partition $n: not where it is, at byte $f"
		printf '\0\0\0\0' | dd of=a bs=1 seek="$f" conv=notrunc status=none
		printf '\0\0\0\0' | dd of=b bs=1 seek="$f" conv=notrunc status=none
	done
	"$same" a b
}

make_tree
if ! make_disk was.raw >said 2>&1; then
	not_ok "a disk with four file systems" "$(cat said)"
	tap_end
	exit 0
fi
fix() { "$vmend" fix --unsafe-fixes "$@"; }
cp was.raw d.raw
fix --format json d.raw >report 2>said
is "four partitions are moved" "$? $(cat said)" "0 "
cp d.raw done.raw
is "the report lists the moves" "$(jq -c '[.fixed[].moves[].partition] | sort' report)" "[1,2,3,4]"
is "and where each goes" "$(jq '[.fixed[].moves[] | .to % 1048576] | add' report)" 0
silent "the file systems are sound before it" "$(check_systems was.raw)"
silent "and after it" "$(check_systems done.raw)"
is "sgdisk sees no problem" "$(sgdisk -v done.raw | grep -c '^No problems found')" 1
is "all begin at whole MiB" \
	"$(for n in 1 2 3 4; do echo -n "$(($(first done.raw $n) % 2048)) "; done)" "0 0 0 0 "
silent "their bytes are the same" \
	"$(for n in 1 2 3 4; do same_content $n was.raw done.raw; done)"
sums_of done.raw >sums.done
is "files are what they were" "$(sha256sum <sums.done)" "$(sums_of was.raw | sha256sum)"
is "and as many as were put in" "$(grep -c . sums.done)" \
	$((2 * $(find tree -type f | wc -l) + 2))
# A source is left behind as it is: up to 1 MiB of each, and blocks that are shared.
grown=$((($(stat -c %b done.raw) - $(stat -c %b was.raw)) / 2048))
if [ $grown -le 12 ]; then
	ok "holes stay holes"
else
	not_ok "holes stay holes" "$grown MiB more"
fi
"$vmend" fix --unsafe-fixes d.raw >said
silent "a second time changes nothing" "$("$same" d.raw done.raw)"
"$vmend" undo d.raw >said 2>&1
silent "undo gives the disk back" "$("$same" d.raw was.raw)"

# ---- stopping it ----

CALLS=pwrite64,fsync,ftruncate,fallocate

start() {
	rm -f d.raw.vmend-undo
	cp was.raw d.raw
}

# "CALL N" for each call that changes the image or its journal, in order: N-th of its name.
# Of the many that fill a new journal with zeros, one in ten.
calls_of() { # COMMAND...
	strace -qq -y -o trace -e trace=$CALLS -e signal=none "$@" >/dev/null 2>&1
	awk -F'(' '{ n[$1]++ } /d\.raw>/ { moving = 1 }
		/d\.raw>/ || /d\.raw\.vmend-undo>/ && (moving || $1 != "pwrite64" || n[$1] % 10 == 0) {
			print $1, n[$1], /d\.raw>/ ? "image" : "journal"
		}' trace
}

# The N-th write to the image, as "CALL N".
image_write() { # FILE N
	grep '^pwrite64 .* image' "$1" | sed -n "$2s/ image//p"
}

any_call() { # FILE   one of its lines
	sed -n "$(((RANDOM * 32768 + RANDOM) % $(wc -l <"$1") + 1))p" "$1" | cut -d' ' -f1,2
}

# Runs it, and lets something happen to the N-th such call.
inject() { # WHAT CALL N COMMAND...
	local what=$1 call=$2 n=$3
	shift 3
	(strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:$what:when=$n" \
		"$@" >said 2>&1 </dev/null
	exit $?) 2>/dev/null
}

start
calls_of "$vmend" fix --unsafe-fixes d.raw >calls.fix
calls_of "$vmend" undo d.raw >calls.undo
is "there is much to stop" "$(($(grep -c image calls.fix) > 100)) $(($(grep -c image calls.undo) > 100))" "1 1"

# Every third time what follows is killed as well.
kill_once() { # I
	local i=$1 call n again=undo
	[ $((i % 2)) -eq 0 ] || again='fix --unsafe-fixes'
	start
	read -r call n < <(any_call calls.fix)
	inject signal=KILL "$call" "$n" "$vmend" fix --unsafe-fixes d.raw
	[ $? -eq 137 ] || { echo "$i, $call $n: was not killed"; cat said; return; }
	killed=$((killed + 1))
	if [ $((i % 3)) -eq 0 ]; then
		read -r call n < <(any_call calls.undo)
		# shellcheck disable=SC2086
		inject signal=KILL "$call" "$n" "$vmend" $again d.raw
	fi
	# shellcheck disable=SC2086
	"$vmend" $again d.raw >said 2>&1
	if [ "$again" = undo ]; then
		"$same" d.raw was.raw || { echo "$i, $call $n, undo:"; cat said; }
		return
	fi
	"$same" d.raw done.raw || { echo "$i, $call $n, fix:"; cat said; }
	[ $((i % 10)) -eq 1 ] || return
	"$vmend" undo d.raw >said 2>&1
	"$same" d.raw was.raw || { echo "$i, $call $n, fix and undo:"; cat said; }
}

killed=0
: >complaints
for ((i = 1; i <= KILLS; i++)); do kill_once $i >>complaints; done
silent "killed at $killed random points of $(wc -l <calls.fix), it goes on or back" \
	"$(cat complaints)"
is "it was killed each time" $killed "$KILLS"

# In the middle of a call as well, which strace cannot do.
: >complaints
for ((i = 0; i < 20; i++)); do
	start
	(timeout --foreground -s KILL "0.$(printf %03d $((RANDOM % 200)))" \
		"$vmend" fix --unsafe-fixes d.raw >said 2>&1
	exit $?) 2>/dev/null
	if [ $((i % 2)) -eq 0 ]; then
		fix d.raw >said 2>&1
		"$same" d.raw done.raw || { echo "$i, fix:"; cat said; }
	else
		"$vmend" undo d.raw >said 2>&1
		"$same" d.raw was.raw || { echo "$i, undo:"; cat said; }
	fi
done >complaints
silent "so it does when killed at any moment" "$(cat complaints)"

# From some call on there is no room; then there is again. Or only that call fails.
no_room() { # I
	local i=$1 call n from code
	start
	while read -r call n < <(any_call calls.fix); do
		[ "$call" = fsync ] || break
	done
	from=$n
	[ $((i % 3)) -eq 0 ] || from=$n+
	inject error=ENOSPC "$call" "$from" "$vmend" fix --unsafe-fixes d.raw
	code=$?
	# A hole that cannot be punched is written.
	[ "$call" != fallocate ] || [ $code -ne 0 ] || return
	[ $code -eq 3 ] || { echo "$i, $call $from: exit $code"; cat said; }
	grep -q 'No space left' said || { echo "$i, $call $from: does not say why"; cat said; }
	if ! compgen -G '*.vmend-undo' >/dev/null; then
		put_back=$((put_back + 1))
		"$same" d.raw was.raw || { echo "$i, $call $from, put back:"; cat said; }
		return
	fi
	resumed=$((resumed + 1))
	if [ $((i % 2)) -eq 0 ]; then
		fix d.raw >said 2>&1
		"$same" d.raw done.raw || { echo "$i, $call $from, fix:"; cat said; }
	else
		"$vmend" undo d.raw >said 2>&1
		"$same" d.raw was.raw || { echo "$i, $call $from, undo:"; cat said; }
	fi
}

put_back=0 resumed=0
: >complaints
for ((i = 0; i < 30; i++)); do no_room $i >>complaints; done
silent "a full disk: at once put back, or to be continued" "$(cat complaints)"
is "both happened" "$((put_back > 0)) $((resumed > 0))" "1 1"

start
(ulimit -f $((2 << 20)) && fix d.raw) >said 2>&1
is "no room to grow" "$? $("$same" d.raw was.raw) $(compgen -G '*.vmend-undo')" "3  "

# stop SIGNAL CALLS N COMMAND...   at the N-th write to the image
stop() {
	local call n
	read -r call n < <(image_write "$2" "$3")
	inject "signal=$1" "$call" "$n" "${@:4}"
}

start
stop TERM calls.fix 10 "$vmend" fix --unsafe-fixes --format json d.raw
is "a signal stops it, and is what it dies of" $? 143
is "which the report says, complete" \
	"$(grep -v '^vmend: ' said | jq -r '.skipped[].reason' | cut -d' ' -f1,2)" "stopped after"
inject signal=INT pwrite64 9 "$vmend" fix --unsafe-fixes d.raw
is "so it does when it goes on" "$? $(grep -c '^d.raw: stopped after' said)" "130 1"
fix d.raw >said 2>&1
silent "it goes on from there" "$("$same" d.raw done.raw)"
stop TERM calls.undo 10 "$vmend" undo d.raw
is "undo is stopped as well" "$? $(grep -c '^d.raw: stopped after .* moved back' said)" "143 1"
"$vmend" undo d.raw >said 2>&1
silent "and goes on" "$("$same" d.raw was.raw)"
start
cp was.raw e.raw
stop TERM calls.fix 10 "$vmend" fix --unsafe-fixes d.raw e.raw
is "what comes behind it is left alone" "$? $(grep -c '^e.raw: skipped: not mended' said)" "143 1"
silent "entirely" "$("$same" e.raw was.raw)"
start
(trap '' HUP && stop HUP calls.fix 10 "$vmend" fix --unsafe-fixes d.raw)
is "a signal that is ignored stops nothing" "$? $("$same" d.raw done.raw)" "0 "

if have script; then
	start
	script -qec "stty cols 40; strace -qq -o /dev/null -e trace=fsync \
		-e inject=fsync:delay_enter=20000 '$vmend' fix --unsafe-fixes d.raw" \
		/dev/null </dev/null >said 2>&1
	tr '\r' '\n' <said | grep 'moving' >bars
	is "a terminal has a bar" "$(($(wc -l <bars) > 2))" 1
	is "that fits" "$(awk 'length > 39' bars)" ""
	is "and is wiped off" "$(grep -c $'\r *\r[^ ]*d.raw@' said)" 1
	silent "and is no part of the work" "$("$same" d.raw done.raw)"
else
	skip "a terminal has a bar" "script is missing"
fi
tap_end
