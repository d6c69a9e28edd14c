#!/usr/bin/env bash
# Each rule about configs, in each syntax that it has cases of, is about one field: there is a
# right text and a wrong one that differ at one place, of the wrong one that rule alone speaks,
# and with the value that it names made unknown, by a variable in that syntax's own form, it
# is silent. tests/mutation.txt has the exceptions, each with its reason.
# usage: tests/mutation.sh [WORD]     rules whose id contains WORD
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
export LC_ALL=C.UTF-8
python=/usr/bin/python3
[ -x $python ] || python=python3
if ! have $python; then
	skip "one field, one rule" "python3 is not installed"
	tap_end
	exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

exec 3< <($python tests/lib/mutation.py "$build" "$work" "${1:-}")
while read -r -u 3 verdict name; do
	case $verdict in
	ok) ok "$name" ;;
	skip) skip "${name%%|*}" "${name#*|}" ;;
	*) not_ok "${name%%|*}" "${name#*|}" ;;
	esac
done
[ "$tap_n" -gt 0 ] || not_ok "there are rules"
tap_end
