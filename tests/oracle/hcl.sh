#!/usr/bin/env bash
# HCL, of which there is no library to judge: packer reads with HashiCorp's own parser.
#
#   - of texts with seeded damage, what packer accepts vmend reads, and what packer refuses
#     vmend does not
#   - the template of every corpus case but those about syntax is one that packer can read
#
# HCL_SEED and HCL_CASES: others, more.
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
cases=${HCL_CASES:-60} seed=${HCL_SEED:-1}
export CHECKPOINT_DISABLE=1 LC_ALL=C.UTF-8
have packer || {
	skip "HCL as packer reads it" "packer is not installed"
	tap_end
	exit 0
}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export PACKER_CONFIG_DIR=$tmp

reads() { # FILE   does packer's parser accept it?
	! packer fmt -check "$1" 2>&1 | grep -q '^Error'
}

templates=()
for f in corpus/*/*/in.pkr.hcl; do
	[[ $f == */config-syntax/* ]] || templates+=("$f")
done
silent "packer reads the HCL of ${#templates[@]} cases" "$(
	for f in "${templates[@]}"; do reads "$f" || echo "$f"; done
)"

[ -x "$build/tools/hclmutants" ] || { not_ok "hclmutants is built"; exit 1; }
"$build/tools/hclmutants" "$seed" "$cases" "$tmp" "${templates[@]}" tests/oracle/hcl/*.hcl >"$tmp/list"
differ=$(
	while read -r file is; do
		if reads "$file"; then was=good; else was=bad; fi
		[ $was = "$is" ] || { echo "packer: $was, vmend: $is:" && cat "$file"; }
	done <"$tmp/list"
)
bad=$(grep -c ' bad$' "$tmp/list")
silent "$cases texts with seeded damage, $bad of them broken, are read as packer reads them" "$differ"
silent "some of them are broken, and some are not" "$(
	[ "$bad" -gt $((cases / 5)) ] && [ "$bad" -lt $((cases * 4 / 5)) ] || echo "$bad of $cases are"
)"
tap_end
