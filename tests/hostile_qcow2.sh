#!/usr/bin/env bash
# QCOW2 images that ask for time and memory without end get little of both: 64 MiB at most, and
# a second of a processor; and those that name other files open none outside of their folder,
# nor a socket. SPEC.md sections 2.2 and 2.3.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
LIMIT_KIB=$((64 << 10))
# The bound is 1 s, of a processor and not of a clock; twice that, since the same work takes up
# to twice its time on a core that is shared. With a sanitizer only the end counts.
CPU_MS=2000 CPU_MAX=10
! is_portable || CPU_MS=60000 CPU_MAX=120 # where holes are not seen, they are read
case ${build##*/} in release*) measured=1 ;; *) measured='' CPU_MAX=120 ;; esac
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

limits() { # what the last program took too much of
	local how code kib ms
	[ -n "$measured" ] || return
	read -r how code kib _ ms _ <"$tmp/result"
	[ "$kib" -le $LIMIT_KIB ] || echo "$kib KiB, more than $LIMIT_KIB"
	[ "$ms" -le $CPU_MS ] || echo "$ms ms of a processor, more than $CPU_MS"
}

try() { # KIND WHAT-IS-SAID NAME
	local bad='' how code
	"$build/tools/hostileqcow2" "$1" "$tmp/x.qcow2" || { not_ok "$3" "not made"; return; }
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/tools/qcow2scan" "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code _ <"$tmp/result"
	[ "$how $code" = "exit 0" ] || bad+="ended by $how $code"$'\n'
	grep -qE "$2" "$tmp/out" || bad+="nothing said like: $2"$'\n'
	bad+=$(limits)
	[ -z "$bad" ] || bad+=$'\n'$(head -5 "$tmp/out" "$tmp/err")
	silent "$3" "$bad"
	(ulimit -t $CPU_MAX && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/vmend" check "$tmp/x.qcow2") >"$tmp/out" 2>"$tmp/err"
	read -r how code _ <"$tmp/result"
	bad=''
	[[ "$how $code" =~ ^exit\ [013]$ ]] || bad+="ended by $how $code"$'\n'
	bad+=$(limits)
	silent "$3: check" "$bad"
	rm -f "$tmp/x.qcow2"
}

try same '^flaw l2-shared' "4096 L1 entries with one L2 table, whose entries have one cluster"
try sparse '^complete' "64 GiB of nothing, clusters of 512 bytes, refcounts of 64 bits"
try scattered '^incomplete: more clusters' "references all over those"
try long-l1 '^flaw l1-unaligned' "4194304 L1 entries, each with an L2 table at another sector"
try everywhere '^flaw metadata-metadata' "a refcount table that names every cluster, again and again"
try snapshots '^incomplete: L1 tables that overlap' "65536 snapshots, whose L1 tables overlap"
try shifted '^incomplete: L1 tables that overlap' "4000 snapshots, whose full L1 tables overlap"
try unaligned '^flaw l1-unaligned' "an L2 table at every sector"
try heavy '^flaw refcount-zero' "4000 snapshots of the same L1 table"
try inflate '^complete' "512 GiB of zeros in 4 MiB, compressed"

# ---- names ----
# The image says which other files it is made of. Nothing is opened outside of its folder, no
# socket is made, and nothing goes on without end: strace sees every call.

box=$tmp/box
secret=$tmp/outside/secret
mkdir "$tmp/outside"
echo "the host's" >"$secret"
traced=1
have strace && strace -o /dev/null true 2>/dev/null || traced=''

# Files that any run opens: libraries, locales, what the system says of mounts and locks.
opened() { # TRACE   names of files that were opened; of descriptors, as strace -y shows them
	sed -nE 's/^.*open(at|at2)?\(.* = [0-9]+<([^>]*)>.*$/\2/p' "$1" | sort -u
}

named() { # NAME EXIT WHAT-IS-SAID [OPTION...]   checks box/x.qcow2
	local bad='' how code name=$1 wanted=$2 said=$3
	shift 3
	(ulimit -t $CPU_MAX && cd "$box" && exec "$build/tools/maxrss" "$tmp/result" 300 "$build/vmend" check --format concise "$@" x.qcow2) >"$tmp/out" 2>"$tmp/err"
	read -r how code _ <"$tmp/result"
	[ "$how $code" = "exit $wanted" ] || bad+="ended by $how $code, wanted $wanted"$'\n'
	grep -qE "$said" "$tmp/out" "$tmp/err" || bad+="nothing said like: $said"$'\n'
	bad+=$(limits)
	[ -z "$bad" ] || bad+=$'\n'$(head -5 "$tmp/out" "$tmp/err")
	silent "$name" "$bad"
	if [ -z "$traced" ]; then
		skip "$name: nothing else is opened" "strace cannot run here"
		return
	fi
	for command in check "fix --diff --lossy-fixes" inspect map; do
		(cd "$box" && exec strace -f -y -e trace=%network,open,openat,openat2,execve -o "$tmp/trace" \
			"$build/vmend" $command "$@" x.qcow2) >/dev/null 2>&1
		grep -E '(socket|connect|bind|sendto)\(' "$tmp/trace"
		[ "$(grep -c 'execve(' "$tmp/trace")" = 1 ] || echo "another program is run"
		opened "$tmp/trace" | grep -qxF "$box/x.qcow2" || echo "$command: the image is not seen"
		opened "$tmp/trace" | grep -vE "^(/usr|/lib|/etc/ld\.so|/proc/|/sys/|/dev/null)" |
			grep -vE "^$box(/|\$)" | grep -vE "^$tmp/allowed(/|\$)"
	done >"$tmp/bad" 2>&1
	silent "$name: nothing else is opened" "$(cat "$tmp/bad")"
}

fresh() { # QCOW2-STATEMENT [ACTION...]   box/x.qcow2, of 4 MiB and with some data
	local first=$1
	shift
	rm -rf "$box" && mkdir "$box"
	printf '%s\n' 'size 4M' "$first" 'guest 1M text "hello"' "$@" >"$tmp/recipe"
	"$build/tools/mkimg" "$tmp/recipe" "$box/x.qcow2" || exit 2
}

fresh "qcow2 backing=x.qcow2:qcow2"
named "its own backing file" 1 'qcow2-backing-loop'
fresh "qcow2 backing=./a.qcow2:qcow2"
cp "$box/x.qcow2" "$box/a.qcow2"
named "a backing file that is its own" 1 'qcow2-backing-loop'
for name in nbd://192.0.2.7:1/disk ssh://192.0.2.7/disk http://192.0.2.7/disk nbd:unix:/run/nbd.sock \
	rbd:pool/image fd:0 "json:{'driver':'nbd','host':'192.0.2.7'}"; do
	fresh "qcow2 backing=${name//?/x}:raw" "poke backing text \"$name\""
	named "a backing file at $name" 1 'qcow2-backing-protocol'
done
fresh "qcow2 backing=$secret:raw"
named "a backing file outside" 3 'not in a folder that may be read'
fresh "qcow2 backing=../outside/secret:raw"
named "one that climbs out" 3 'not in a folder that may be read'
fresh "qcow2 backing=base.img:raw"
ln -s "$secret" "$box/base.img"
named "one that is a link out" 3 'not in a folder that may be read'
fresh "qcow2 backing=sub/../../outside/secret:raw"
ln -s . "$box/sub"
named "one that climbs out by a link" 3 'not in a folder that may be read'
fresh "qcow2 backing=/dev/zero:raw"
named "a device" 3 'not in a folder that may be read'
fresh "qcow2 backing=base.img:raw"
mkfifo "$box/base.img"
named "a FIFO" 1 'neither a regular file nor a block device'
fresh "qcow2 backing=mid.qcow2:qcow2"
cp "$box/x.qcow2" "$tmp/x.qcow2"
fresh "qcow2 backing=$secret:raw"
mv "$box/x.qcow2" "$box/mid.qcow2" && mv "$tmp/x.qcow2" "$box"
named "a backing file whose own is outside" 3 'not in a folder that may be read'
mkdir -p "$tmp/allowed" && ln -sf "$secret" "$tmp/allowed/link.img"
fresh "qcow2 backing=$tmp/allowed/link.img:raw"
named "a link out of a folder that is allowed" 3 'not in a folder that may be read' --allow-root "$tmp/allowed"
fresh "qcow2 backing=0:qcow2"
for ((i = 0; i < 100; i++)); do
	printf 'size 4M\nqcow2 backing=%d:qcow2\n' $((i + 1)) >"$tmp/recipe"
	"$build/tools/mkimg" "$tmp/recipe" "$box/$i" || exit 2
done
named "a chain of 100" 3 'behind too many others'
fresh "qcow2 names=0" 'extension 0x44415441 "/etc/passwd"' "or header.incompatible-features 4"
named "a data file of the host" 1 'qcow2-datafile-unsafe'
fresh "qcow2 names=0" "extension 0x44415441 \"json:{'driver':'nbd'}\"" "or header.incompatible-features 4"
named "a data file that is json:" 1 'qcow2-datafile-unsafe'
fresh "qcow2" "set header.crypt-method 2"
named "LUKS without a header for it" 1 'qcow2-crypt-luks-header'
tap_end
