#!/usr/bin/env bash
# The architecture, as far as a script can see it (HACKING.md, "Map"): which folder may
# include which, no writable globals, nobody prints but cli/, rules do no I/O.
# LINT=1 also reads the layout: clang-format, line lengths, shellcheck.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-build/release}
shopt -s nullglob
sources=(base/*.[ch] analyze/*.[ch] analyze/*/*.[ch] rules/*.[ch] rewrite/*.[ch] cli/*.[ch])
tests=(tests/*/*.[ch])

# ---- include directions ----
# base <- analyze <- rewrite <- cli; rules may see of rewrite/ only the plan.
includes() { # FOLDER ALLOWED-PATTERN
	printf '%s\n' "${sources[@]}" | grep "^$1/" | xargs grep -nH '^#include "' /dev/null |
		grep -vE "#include \"($2)"
}
silent "base includes only base" "$(includes base 'base/')"
silent "analyze includes base and analyze" "$(includes analyze '(base|analyze)/')"
silent "rules include no more of rewrite than the plan" \
	"$(includes rules '(base|analyze|rules)/|rewrite/(edit|qcow2_edit)\.h"')"
silent "rewrite does not include cli" "$(includes rewrite '(base|analyze|rules|rewrite)/')"

# ---- the shape of files ----
silent "own header first, base/banned.h last" "$(
	for f in $(printf '%s\n' "${sources[@]}" "${tests[@]}" | grep '\.c$'); do
		first=$(grep -m1 '^#include' "$f") last=$(grep '^#include .*\.h"$' "$f" | tail -1)
		[ ! -f "${f%.c}.h" ] || [ "$first" = "#include \"${f%.c}.h\"" ] ||
			echo "$f: its own header is not the first"
		case $f in tests/*) continue ;; esac
		[ "$last" = '#include "base/banned.h"' ] || echo "$f: base/banned.h is not the last"
	done
)"
# Recipes build images; a package that was looked at once got in here.
silent "no binary file is kept" "$(git ls-files --eol 2>/dev/null | sed -n 's/^i\/-text.*\t//p')"
silent "every file has its licence" "$(
	git ls-files '*.[ch]' '*.sh' ':!corpus' 2>/dev/null | while read -r f; do
		[ ! -f "$f" ] || grep -q 'SPDX-License-Identifier: Apache-2.0' "$f" || echo "$f"
	done
)"
silent "no file holds the marks of a merge" "$(
	git grep -nE '^(<{7}|>{7})( |$)' -- ':!corpus' 2>/dev/null
)"
silent "no function is longer than 80 lines" "$(
	awk 'FNR == 1 { start = 0 }
	/^[A-Za-z_].*[(,][^;]*$/ && !start { name = $0; start = FNR }
	/;[ \t]*$/ && !body { start = 0 }
	/^\{/ { body = 1 }
	/^\}/ { if (start && body && FNR - start >= 80)
			print FILENAME ":" start ": " FNR - start + 1 " lines: " name
		start = body = 0 }' "${sources[@]}" "${tests[@]}"
)"
silent "each header compiles alone" "$(
	for f in $(printf '%s\n' "${sources[@]}" "${tests[@]}" | grep '\.h$'); do
		printf '#include "%s"\n#include "%s"\n' "$f" "$f" |
			${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -x c - \
				2>&1 | head -5
	done
)"
silent "each fuzz target compiles" "$(
	for f in tests/fuzz/*.c; do
		${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -fsyntax-only "$f" 2>&1 | head -5
	done
)"

# ---- what the compiler made of it ----
lib=$build/libvmend.a
plain=${build##*/} # a sanitizer adds globals and calls of its own
if [ ! -f "$lib" ]; then
	not_ok "$lib is there"
elif [[ $plain != release* && $plain != debug* ]]; then
	skip "no writable globals, no printing, no I/O in rules" "seen only in plain builds"
else
	silent "the library has no writable globals" "$(
		objdump -t "$lib" | awk '/file format/ { file = $1 }
		$4 ~ /^(\.data|\.bss|\.tdata|\.tbss|\.data\..*|\.bss\..*|\*COM\*)$/ &&
			$4 !~ /^\.data\.rel\.ro/ && $6 != "" && $6 !~ /^\.(data|bss)/ { print file, $0 }
		$3 ~ /^(\.data|\.bss|\.tdata|\.tbss|\.data\..*|\.bss\..*|\*COM\*)$/ &&
			$3 !~ /^\.data\.rel\.ro/ && $5 != "" && $5 !~ /^\.(data|bss)/ { print file, $0 }'
	)"
	undefined() { # FOLDER PATTERN
		for f in $(printf '%s\n' "${sources[@]}" | grep "^$1/.*\.c$"); do
			[ -f "$build/${f%.c}.o" ] || continue
			nm -u "$build/${f%.c}.o" | awk -v f="$f" -v p="^($2)\$" \
				'{ sub(/@.*/, "", $2) } $2 ~ p { print f ": " $2 }'
		done
	}
	silent "analyze, rules and rewrite do not print" "$(
		for d in analyze rules rewrite; do
			undefined $d 'stdout|stderr|(__)?v?printf(_chk)?|puts|putchar|perror|syslog'
		done
	)"
	silent "rules do no I/O and allocate nothing" "$(
		undefined rules 'open(at)?(64)?|fopen(64)?|p?read(64)?|p?write(64)?|(__)?p?read(64)?_chk|f?stat(64)?|[mc]alloc|realloc|strdup|getenv|source_(open|read|view)'
	)"
fi

# ---- documents ----
name="docs/rules.md and docs/rules/ are what make docs writes"
if [ -x "$build/tools/rules_md" ]; then
	new=$(mktemp -d) || exit 2
	silent "$name" "$("$build/tools/rules_md" "$new" 2>&1
		diff docs/rules.md "$new/rules.md" && diff -r docs/rules "$new/rules")"
	rm -rf "$new"
else
	not_ok "$name" "$build/tools/rules_md is not built"
fi
silent "each link of a document leads to something" "$(tests/lib/links ./*.md docs/*.md docs/*/*.md tests/*.md)"

if [ "${LINT:-}" ]; then
	# Another version lays code out otherwise.
	formatter=
	for c in clang-format-14 clang-format; do
		have $c && $c --version | grep -q 'version 14\.' && formatter=$c && break
	done
	if [ -z "$formatter" ]; then
		skip "layout is as .clang-format says" "there is no clang-format 14"
	else
		silent "layout is as .clang-format says" \
			"$($formatter --dry-run "${sources[@]}" "${tests[@]}" 2>&1 | grep warning)"
	fi
	# clang-format keeps code at 90 columns; what it must not break may be a little longer.
	silent "no line is longer than 100 columns" "$(
		for f in "${sources[@]}" "${tests[@]}"; do
			expand "$f" | awk -v f="$f" 'length > 100 { print f ":" FNR ": " length " columns" }'
		done
	)"
	if have shellcheck; then
		silent "shell scripts are clean" "$(
			git ls-files ':!corpus' ':!*.md' | xargs grep -lE '^#!.*(bash|/sh)$' | xargs shellcheck -x -S warning 2>&1
		)"
	else
		skip "shell scripts are clean" "there is no shellcheck"
	fi
fi
tap_end
