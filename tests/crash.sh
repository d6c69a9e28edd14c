#!/usr/bin/env bash
# The real program, killed by strace at each system call with which it changes the disk:
# `vmend undo` gives the input back byte for byte, and a second `vmend fix` gives what an
# uninterrupted one gives. unit/test_crash and unit/test_power go further, without strace.
# SPEC.md, "Guarantees", 5.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state

if ! have strace || ! strace -o /dev/null true 2>/dev/null; then
	skip "undo and fix after a kill at each call" "strace is missing, or may not trace"
	tap_end
	exit 0
fi

# Not openat: how often it is called depends on what else runs here. The kill before a new
# file's fchmod or first pwrite64 is the one behind its creation.
CALLS='pwrite64 fsync ftruncate renameat unlinkat mkdir fchown fchmod'

# Prints how it ended: killed, or what else.
kill_at() { # CALL N COMMAND...
	local call=$1 n=$2 code
	shift 2
	# In a shell of its own, which would report the kill.
	(strace -f -qq -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
		"$@" >said 2>&1 </dev/null
	exit $?) 2>/dev/null
	code=$?
	# strace ends as its child did.
	case $code in
	137) echo killed ;;
	*) echo "exit $code: $(head -c 500 said)" ;;
	esac
}

count_calls() { # CALL COMMAND...   1 2 3 ... for each time that it is called
	local call=$1
	shift
	strace -f -qq -o trace -e "trace=$call" "$@" >/dev/null 2>&1 </dev/null
	seq "$(wc -l <trace)"
}

start() { # FILE   as it was, and nothing beside it
	rm -rf state ./*.vmend-undo .*.vmend-*
	cp "$1.was" "$1"
}

differs() { # FILE WANTED WHEN
	cmp -s "$1" "$2" || echo "$3: $1 is not as it should be"
	compgen -G '.*.vmend-*' >/dev/null && echo "$3: a temporary file stays behind"
}

# Every kill point of one call: undo, and fix again.
kill_points() { # FILE CALL
	local f=$1 call=$2 n how
	start "$f"
	for n in $(count_calls "$call" "$vmend" fix "$f"); do
		start "$f"
		how=$(kill_at "$call" "$n" "$vmend" fix "$f")
		[ "$how" = killed ] || { echo "$call $n: $how"; return; }
		"$vmend" undo "$f" >said 2>&1
		differs "$f" "$f.was" "$call $n, undo"
		start "$f"
		kill_at "$call" "$n" "$vmend" fix "$f" >/dev/null
		"$vmend" fix "$f" >said 2>&1 || { echo "$call $n, fix again:"; cat said; }
		differs "$f" "$f.fixed" "$call $n, fix again"
		points=$((points + 1))
	done
}

kill_undo() { # FILE CALL
	local f=$1 call=$2 n how
	start "$f"
	"$vmend" fix "$f" >said 2>&1
	for n in $(count_calls "$call" "$vmend" undo "$f"); do
		start "$f"
		"$vmend" fix "$f" >said 2>&1
		how=$(kill_at "$call" "$n" "$vmend" undo "$f")
		[ "$how" = killed ] || { echo "undo, $call $n: $how"; return; }
		"$vmend" undo "$f" >said 2>&1
		differs "$f" "$f.was" "undo, $call $n, undo again"
		points=$((points + 1))
	done
}

every_point() { # NAME FILE LEAST
	local call points=0
	cp "$2" "$2.was"
	"$vmend" fix "$2" >said 2>&1 || { not_ok "$1" "$(cat said)"; return; }
	cp "$2" "$2.fixed"
	: >complaints
	for call in $CALLS; do
		kill_points "$2" "$call" >>complaints
		kill_undo "$2" "$call" >>complaints
	done
	[ "$points" -ge "$3" ] || echo "only $points kill points" >>complaints
	silent "$1 ($points kill points)" "$(cat complaints)"
}

# Both copies of a header, an array, the protective MBR.
printf '%s\n' 'size 8M' gpt 'part 1 start=1M size=4M' 'set mbr.entry[0].sectors 1234' \
	'zero backup.header 512' 'zero backup.entries 16384' >recipe
if "$mkimg" recipe d.raw >said 2>&1; then
	every_point "an image survives a kill at each call" d.raw 20
else
	not_ok "mkimg makes the image" "$(cat said)"
fi
cat >vm.xml <<'X'
<domain type='kvm'>
  <name>a</name>
  <memory unit='MiB'>512</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <iommu model='intel'><driver intremap='on'/></iommu>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='6' slot='0' function='0'/></source>
    </hostdev>
  </devices>
</domain>
X
every_point "a text survives a kill at each call" vm.xml 15
tap_end
