#!/usr/bin/env bash
# What SPEC.md promises and what the program's own tables say must agree.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh

# TABLE PATTERN...: lines of a table that SPEC.md lacks.
missing() {
	while read -r word; do
		grep -qF -- "$1$word" SPEC.md || echo "SPEC.md does not name $1$word"
	done
}

silent 'every option is in SPEC.md' "$(sed -n \
	's/^OPTION([a-z_]*, "\([a-z-]*\)".*/\1/p' cli/options.def | missing --)"
silent 'every command is in SPEC.md' "$(sed -n \
	's/^COMMAND([a-z_]*, "\([a-z-]*\)".*/\1/p' cli/options.def | grep -v '^help$' | missing 'vmend ')"
silent 'every format is in SPEC.md' "$(sed -n '/^#define FORMATS/,/^$/s/.*X(\([a-z0-9]*\)).*/\1/p' \
	analyze/format.c | grep -v '^name$' | missing '`')"

keys=$("$VMEND" check --format json corpus/demo/win11.xml |
	grep -o '"[a-z_]*":' | tr -d '":' | sort -u)
silent 'every key of a JSON report is in SPEC.md' "$(for k in $keys; do
	grep -qw -- "$k" SPEC.md || echo "SPEC.md does not name the key $k"
done)"
tap_end
