#!/usr/bin/env bash
# Man pages and completions, which are made of the tables: whole, and without a complaint of
# those who read them. Completions of bash are asked as bash asks them.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C.UTF-8

for page in vmend.1 vmend-policy.5 vmend-rules.7 bash zsh fish; do
	"$build/tools/manual" $page >"$tmp/$page" || not_ok "manual $page"
done

# ---- pages ----

plain() { # PAGE   as it is read, without its blanks
	MANWIDTH=200 man -l "$tmp/$1" 2>/dev/null | col -bx | tr -s ' \n' ' '
}

lacks() { # PAGE WORD...   the words that it does not have
	local page=$1 text
	shift
	text=$(plain "$page")
	for word; do
		case $text in *"$word"*) ;; *) echo "$word" ;; esac
	done
}

words() { # COMMAND   of its help
	"$vmend" "$@" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

commands=$("$vmend" help | sed -nE 's/^  ([a-z-]+) .*/\1/p')
# shellcheck disable=SC2046 # words
options=$(for c in $commands; do words "$c"; done | sort -u)
if have man col; then
	silent "man has nothing against the pages" "$(cd "$tmp" && man --warnings -l -- *.[157] 2>&1 >/dev/null)"
	# shellcheck disable=SC2086 # words
	silent "vmend(1) has every command and option" "$(lacks vmend.1 $commands $options)"
	# shellcheck disable=SC2046 # words
	silent "vmend-rules(7) has every rule" "$(lacks vmend-rules.7 $("$build/tools/rules_md" --ids))"
	# shellcheck disable=SC2046 # words
	silent "vmend-policy(5) has every key" "$(lacks vmend-policy.5 $(sed -nE 's/^(KEY|ROW_KEY|ROW_TEST)\("([a-z-]*)",.*/\2:/p' cli/policy.def))"
else
	skip "man pages" "no man"
fi
if have mandoc; then
	silent "nor has mandoc" "$(mandoc -T lint -W warning "$tmp"/*.[157] | grep -v 'missing date')"
else
	skip "mandoc" "no mandoc"
fi

# ---- completions ----

complete_bash() { # WORD...   what comes of these words, the last of them unfinished
	bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vmend; printf "%s\n" "${COMPREPLY[@]}"' \
		- "$tmp/bash" vmend "$@" 2>"$tmp/err" | sort | tr '\n' ' '
	cat "$tmp/err"
}

is "bash: commands" "$(complete_bash '')" "$(echo "$commands" | sort | tr '\n' ' ')"
is "bash: one that is begun" "$(complete_bash ex)" "explain "
for c in $commands; do
	[ "$c" != help ] || continue
	is "bash: options of $c" "$(complete_bash "$c" -- | sed 's/--version //')" "$(words "$c" | sort | tr '\n' ' ')"
done
is "bash: formats" "$(complete_bash check --format s)" "sarif sarif-github "
is "bash: with an equals sign" "$(complete_bash check --format = js)" "json jsonl "
is "bash: rules" "$(complete_bash explain disk-cache)" "disk-cache-unsafe "
is "bash: a list of rules" "$(complete_bash check --select mbr-chs,disk-cache)" "mbr-chs,disk-cache-unsafe "
is "bash: levels" "$(complete_bash check --fail-on '')" "error never note warning "
is "bash: a value that only its writer knows" "$(complete_bash check --target '')" " "
cd "$tmp" || exit 2
mkdir folder
: >file.xml
is "bash: paths" "$(complete_bash check f)" "file.xml fish folder "
is "bash: folders" "$(complete_bash check --allow-root f)" "folder "

if have zsh; then
	silent "zsh reads its completions" "$(zsh -n zsh 2>&1)"
	is "zsh: they are defined" "$(mkdir functions; cp zsh functions/_vmend; zsh -fc 'fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -d $PWD/dump; print $_comps[vmend]' 2>&1)" "_vmend"
else
	skip "zsh" "no zsh"
fi
if have fish; then
	fishy() { # TEXT   what fish makes of it
		fish --no-config -c "source fish; complete -C '$1'" 2>&1 | cut -f1 | sort | tr '\n' ' '
	}
	is "fish: commands" "$(fishy 'vmend ')" "$(echo "$commands" | sort | tr '\n' ' ')"
	is "fish: formats" "$(fishy 'vmend check --format s')" "sarif sarif-github "
	is "fish: rules" "$(fishy 'vmend explain disk-cache')" "disk-cache-unsafe "
	is "fish: options" "$(fishy 'vmend undo --')" "--help --quiet --version "
else
	skip "fish" "no fish"
fi
tap_end
