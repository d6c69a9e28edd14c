#!/usr/bin/env bash
# Images in use: what QEMU holds vmend does not write, and what vmend repairs QEMU does not
# open. Against the real qemu-io, qemu-nbd and loop devices. SPEC.md, "Guarantees".
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg holdlock=$build/tools/holdlock
tmp=$(mktemp -d) || exit 2
holder='' loop='' mounted=''
clean_up() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	[ -z "$mounted" ] || umount "$mounted"
	[ -z "$loop" ] || losetup -d "$loop"
	rm -rf "$tmp"
}
trap clean_up EXIT
cd "$tmp" || exit 2

printf '%s\n' 'size 8M' gpt 'part 1 start=1M size=4M' 'set mbr.entry[0].sectors 1234' >recipe
"$mkimg" recipe d.raw || not_ok "mkimg makes the image"
before=$(sha256sum <d.raw)

until_true() { # COMMAND...   for at most ten seconds
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

stop_holder() {
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	holder=''
}

refused() { # NAME PATTERN   vmend fix says so, and touches nothing
	local out code bad=
	out=$("$vmend" fix d.raw 2>&1)
	code=$?
	[ $code -eq 3 ] || bad+="exit $code, wanted 3"$'\n'
	grep -qE -- "$2" <<<"$out" || bad+="nothing said like: $2"$'\n'$out$'\n'
	[ "$(sha256sum <d.raw)" = "$before" ] || bad+="the image was written"$'\n'
	[ ! -e d.raw.vmend-undo ] || bad+="a journal was made"$'\n'
	silent "$1" "$bad"
}

# ---- others hold it ----

# Looked up in /proc: a question by way of locks would keep QEMU from opening it.
held() {
	grep -q ":$(stat -c %i d.raw) [0-9]" /proc/locks || [ -e is_open ]
}

holds() { # NAME PATTERN COMMAND...
	local name=$1 pattern=$2
	shift 2
	"$@" <"$tmp/fifo" >/dev/null 2>&1 &
	holder=$!
	exec 7>"$tmp/fifo"
	until_true held
	refused "$name" "${pattern/PID/$holder}"
	exec 7>&-
	stop_holder
}

mkfifo fifo
if have qemu-io; then
	holds "an image that qemu-io writes is refused" \
		'in use for writing by qemu-io, process PID' qemu-io -f raw d.raw
	holds "an image that qemu-io reads is refused" \
		'in use for reading by qemu-io, process PID' qemu-io -r -f raw d.raw
	holds "an image that qemu-io reads with -U is refused" \
		'in use for reading by qemu-io, process PID' qemu-io -r -U -f raw d.raw
else
	skip "an image that qemu-io has is refused" "no qemu-io"
fi
if have qemu-nbd; then
	holds "an image that qemu-nbd writes is refused" \
		'in use for writing by qemu-nbd, process PID' qemu-nbd -t -f raw -k "$tmp/s" d.raw
	holds "an image that qemu-nbd reads is refused" \
		'in use for reading by qemu-nbd, process PID' qemu-nbd -t -r -f raw -k "$tmp/s" d.raw
else
	skip "an image that qemu-nbd has is refused" "no qemu-nbd"
fi
# VirtualBox and Incus take no locks, but have it open.
holds "an image that is open for writing without a lock is refused" \
	'open for writing by bash, process PID, without the locks' \
	bash -c 'exec 9<>d.raw; : >is_open; read -r'

# ---- a QCOW2 that is written to ----

held_q() {
	grep -q ":$(stat -c %i q.qcow2) [0-9]" /proc/locks
}

flushed() {
	grep -q '8 MiB' io
}

# What QEMU has on disk while it writes is named, and no finding; the rest is one.
live_qcow2() {
	local out code sum bad=''
	qemu-img create -q -f qcow2 -o lazy_refcounts=on q.qcow2 8M
	qemu-img bitmap --add q.qcow2 backup
	qemu-io -f qcow2 q.qcow2 <"$tmp/fifo" >io 2>&1 &
	holder=$!
	exec 7>"$tmp/fifo"
	until_true held_q
	echo 'write -P 7 0 256k' >&7
	echo 'write -P 8 4M 64k' >&7
	echo flush >&7
	echo length >&7
	until_true flushed
	sum=$(sha256sum <q.qcow2)
	out=$("$vmend" check --format concise q.qcow2 2>&1)
	code=$?
	[ $code -eq 0 ] || bad+="check: exit $code"$'\n'
	grep -qE 'note\[img-locked-writer\].*not reported.*: the dirty bit, [0-9]+ clusters with refcounts that are too low' <<<"$out" ||
		bad+='the dirty bit and refcounts are not named'$'\n'
	grep -q '1 bitmap in use' <<<"$out" || bad+='bitmaps in use are not named'$'\n'
	[ "$(wc -l <<<"$out")" -eq 1 ] || bad+='more is said'$'\n'
	"$vmend" fix --lossy-fixes q.qcow2 >/dev/null 2>&1
	code=$?
	[ $code -eq 0 ] || bad+="fix: exit $code"$'\n'
	[ "$(sha256sum <q.qcow2)" = "$sum" ] && [ ! -e q.qcow2.vmend-undo ] || bad+='it was written to'$'\n'
	kill -KILL "$holder"
	wait "$holder" 2>/dev/null
	holder=''
	exec 7>&-
	# The same bytes with nobody there are a VM that crashed.
	[ "$(sha256sum <q.qcow2)" = "$sum" ] || bad+='QEMU wrote meanwhile'$'\n'
	out+=$'\n'$("$vmend" check --format concise q.qcow2 2>&1)
	for code in qcow2-dirty qcow2-refcount-zero-used qcow2-bitmap-inuse; do
		grep -q "\[$code\]" <<<"$out" || bad+="without a writer, $code is not found"$'\n'
	done
	[ -z "$bad" ] || bad+=$out
	silent "a QCOW2 that QEMU writes to: what is held back is named, the rest is said" "$bad"
}

if have qemu-io qemu-img; then
	live_qcow2
else
	skip "a QCOW2 that QEMU writes to" "no qemu-utils"
fi

# ---- we hold it ----

blocked() { # NAME COMMAND...   fails, and says that it is because of a lock
	local name=$1 out code
	shift
	out=$("$@" </dev/null 2>&1)
	code=$?
	if [ $code -ne 0 ] && grep -q 'lock' <<<"$out"; then
		ok "$name"
	else
		not_ok "$name" "exit $code: $out"
	fi
}

qemu_is_blocked() { # WHEN
	blocked "$1, qemu-io cannot read" qemu-io -r -f raw -c 'read 0 512' d.raw
	blocked "$1, qemu-io -U cannot read" qemu-io -r -U -f raw -c 'read 0 512' d.raw
	blocked "$1, qemu-io cannot write" qemu-io -f raw -c 'write 0 512' d.raw
	blocked "$1, qemu-img convert fails" qemu-img convert -f raw -O raw d.raw /dev/null
	blocked "$1, qemu-nbd cannot open it" timeout 5 qemu-nbd -t -f raw -k "$tmp/s" d.raw
}

if have qemu-io qemu-img qemu-nbd; then
	"$holdlock" d.raw <fifo >locked &
	holder=$!
	exec 7>fifo
	until_true grep -q '^locked' locked
	qemu_is_blocked "while vmend's locks are held"
	refused "a second vmend is refused" 'in use for writing by holdlock, process '
	exec 7>&-
	wait "$holder"
	holder=''
	is "once they are gone, qemu-io reads" \
		"$(qemu-io -r -f raw -c 'read 0 512' d.raw >/dev/null 2>&1; echo $?)" 0
else
	skip "while vmend's locks are held, QEMU cannot open it" "no qemu-utils"
fi

if have qemu-io qemu-img qemu-nbd strace && strace -o /dev/null true 2>/dev/null; then
	cp d.raw was.raw
	# Sleeps before its fourth fsync, the one that arms the journal.
	# The leak checker of a sanitizer cannot work under strace.
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync -e inject=fsync:delay_enter=6000000:when=4 \
		"$vmend" fix d.raw >out 2>&1 &
	holder=$!
	until_true test -e d.raw.vmend-undo
	qemu_is_blocked "in the middle of vmend fix"
	wait "$holder"
	is "and vmend fix ends well" "$? $(cmp d.raw was.raw >/dev/null; echo $?)" "0 1"
	holder=''
	"$vmend" undo d.raw >/dev/null 2>&1
	is "vmend undo gives the image back" "$(sha256sum <d.raw)" "$before"
else
	skip "in the middle of vmend fix, QEMU cannot open it" "no qemu-utils, or no strace"
fi

# ---- loop devices ----

if [ "$(id -u)" -eq 0 ] && have losetup && loop=$(losetup --find --show d.raw 2>/dev/null); then
	refused "an image under a loop device is refused" "in use by loop device ${loop#/dev/}\$"
	losetup -d "$loop"
	loop=''
	if have mkfs.ext2 && truncate -s 1M fs.raw && mkfs.ext2 -q fs.raw && mkdir m &&
		mount -o loop,ro fs.raw m 2>/dev/null; then
		mounted=$tmp/m
		is "a mounted image is refused with its mount point" \
			"$("$holdlock" fs.raw </dev/null | sed 's/loop[0-9][0-9]*/loopN/')" \
			"is in use by loop device loopN, mounted at '$tmp/m'"
		umount m
		mounted=''
	else
		skip "a mounted image is refused with its mount point" "cannot mount"
	fi
	is "without it, it is free" "$("$holdlock" d.raw </dev/null)" locked
else
	loop=''
	skip "an image under a loop device is refused" "cannot make loop devices"
fi
tap_end
