# shellcheck shell=bash
# The program killed by strace at each call that changes the disk. Sourced, in a scratch
# folder, where $vmend is the program and tap.sh was sourced.
# SPDX-License-Identifier: Apache-2.0

can_kill() {
	have strace && strace -o /dev/null true 2>/dev/null
}

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

FIX=() # options of fix

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
	for n in $(count_calls "$call" "$vmend" fix "${FIX[@]}" "$f"); do
		start "$f"
		how=$(kill_at "$call" "$n" "$vmend" fix "${FIX[@]}" "$f")
		[ "$how" = killed ] || { echo "$call $n: $how"; return; }
		half_way "$f" "$call $n"
		"$vmend" undo "$f" >said 2>&1
		differs "$f" "$f.was" "$call $n, undo"
		start "$f"
		kill_at "$call" "$n" "$vmend" fix "${FIX[@]}" "$f" >/dev/null
		"$vmend" fix "${FIX[@]}" "$f" >said 2>&1
		[ $? = "$ends" ] || { echo "$call $n, fix again:"; cat said; }
		differs "$f" "$f.fixed" "$call $n, fix again"
		points=$((points + 1))
	done
}

kill_undo() { # FILE CALL
	local f=$1 call=$2 n how
	start "$f"
	"$vmend" fix "${FIX[@]}" "$f" >said 2>&1
	for n in $(count_calls "$call" "$vmend" undo "$f"); do
		start "$f"
		"$vmend" fix "${FIX[@]}" "$f" >said 2>&1
		how=$(kill_at "$call" "$n" "$vmend" undo "$f")
		[ "$how" = killed ] || { echo "undo, $call $n: $how"; return; }
		"$vmend" undo "$f" >said 2>&1
		differs "$f" "$f.was" "undo, $call $n, undo again"
		points=$((points + 1))
	done
}

# Half-way, whatever the test wants to ask of it; prints what is wrong.
half_way() { # FILE WHEN
	:
}

every_point() { # NAME FILE LEAST [EXIT]   with which fix ends, since something remains
	local call points=0 ends=${4:-0}
	cp "$2" "$2.was"
	"$vmend" fix "${FIX[@]}" "$2" >said 2>&1
	[ $? = "$ends" ] || { not_ok "$1" "$(cat said)"; return; }
	cp "$2" "$2.fixed"
	: >complaints
	for call in $CALLS; do
		kill_points "$2" "$call" >>complaints
		kill_undo "$2" "$call" >>complaints
	done
	[ "$points" -ge "$3" ] || echo "only $points kill points" >>complaints
	silent "$1 ($points kill points)" "$(cat complaints)"
}
