# shellcheck shell=bash
# TAP for the shell tests: each of these prints one result. Sourced, not run.
# SPDX-License-Identifier: Apache-2.0
tap_n=0

ok() { # NAME
	echo "ok $((++tap_n)) - $1"
}

not_ok() { # NAME [DETAIL], of which at most 40 lines are shown
	echo "not ok $((++tap_n)) - $1"
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

tap_end() {
	echo "1..$tap_n"
}
