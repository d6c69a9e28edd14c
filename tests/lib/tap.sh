# shellcheck shell=bash
# TAP for the shell tests: each of these prints one result. Sourced, not run.
# SPDX-License-Identifier: Apache-2.0
tap_n=0
tap_failed=0

ok() { # NAME
	echo "ok $((++tap_n)) - $1"
}

not_ok() { # NAME [DETAIL], of which at most 40 lines are shown
	echo "not ok $((++tap_n)) - $1"
	tap_failed=1
	[ -z "${2:-}" ] || printf '%s\n' "$2" | head -40 | sed 's/^/# /'
}

skip() { # NAME WHY
	echo "ok $((++tap_n)) - $1 # SKIP $2"
}

# Passes when there is nothing to say.
silent() { # NAME COMPLAINTS
	if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi
}

is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "$(printf 'got:    %s\nwanted: %s' "$2" "$3")"
	fi
}

have() { # COMMAND...   true when all are there
	local c
	for c; do command -v "$c" >/dev/null 2>&1 || return 1; done
}

# Whether the program that is tested was built with PORTABLE=1. It cannot take the locks that
# QEMU takes, so it leaves images alone; nor can it see holes.
tap_program=${VMEND_BUILD:-$PWD/build/release}/vmend
is_portable() {
	if [ -z "${TAP_PORTABLE:-}" ]; then
		TAP_PORTABLE=$("$tap_program" version 2>/dev/null | grep -c '^POSIX alone')
		export TAP_PORTABLE # also for the scripts that this one runs
	fi
	[ "$TAP_PORTABLE" = 1 ]
}

# The whole script is about what such a build does not do.
not_for_portable() { # WHAT
	is_portable || return 0
	skip "${0##*/}" "a portable build $1"
	tap_end
	exit 0
}

tap_end() {
	echo "1..$tap_n"
}
