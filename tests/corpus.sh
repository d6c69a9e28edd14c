#!/usr/bin/env bash
# Runs the corpus: corpus/RULE/{bad-*,ok-*}/, one TAP line per case. tests/README.md says
# what a case consists of and what is checked.
# usage: tests/corpus.sh [WORD]               cases whose path contains WORD
#        tests/corpus.sh --bless RULE[/CASE]  writes the expectations from what vmend says
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg samebytes=$build/tools/samebytes
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8

# ---- one case ----
# Everything below runs in the case's work folder; $case is its folder in the corpus.

complaint() { # INVARIANT [DETAIL]
	printf '%s\n' "$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | head -30 | sed 's/^/  /'
}

options() { # FILE...   one option a line
	local f
	opts=()
	for f; do
		[ ! -f "$case/$f" ] || mapfile -t -O ${#opts[@]} opts <"$case/$f"
	done
	# The mounts of this machine must not decide what is found.
	[[ " ${opts[*]} " == *" --host-mounts"* ]] || opts+=(--host-mounts "$root/tests/lib/mountinfo")
}

# Runs vmend; stdout and 'exit N' go to FILE, stderr to FILE.err.
run_vmend() { # FILE COMMAND [OPTION...]
	local file=$1 rc
	shift
	"$vmend" "$@" "$in" >"$file" 2>"$file.err" </dev/null
	rc=$?
	case $1 in check) echo "exit $rc" >>"$file" ;; esac
	! is_image || sed -i "/: skipped: the guest's disk was not looked at: /d
		/: skipped: not all of the image was judged: /d" "$file.err"
	# An error, a bug, death by a signal; or talk on stderr, where only fix --diff sums up.
	# 3 is right for a QCOW2 of which another file may not be looked at: expect.1 has it.
	[ $rc -lt 3 ] || { [ "$in $rc" = "in.qcow2 3" ] && [[ "$1 ${2:-}" = "fix --diff" || ! -s $file.err ]]; } ||
		complaint "vmend $1: exit $rc" "$(cat "$file" "$file.err")"
	[ "$1 ${2:-}" = "fix --diff" ] || [ ! -s "$file.err" ] ||
		complaint "vmend $1: wrote to stderr" "$(cat "$file.err")"
	return $rc
}

same() { # A B   what differs is in ../diff
	"$samebytes" "$1" "$2" >../diff 2>&1
}

state() { # what undo has to go on
	find . -path '*vmend*' -name '*undo*' -type f -print0 | sort -z | xargs -0r sha256sum
}

prepare() {
	local f r
	for f in "$case"/*; do
		case ${f##*/} in
		args | fix-args | expect.* | fixed.* | oracle-skip | not-portable | README*) ;;
		in.recipe)
			in=in.raw
			! grep -qE '^qcow2( |$)' "$f" || in=in.qcow2
			"$mkimg" "$f" "$in" || return 1
			;;
		in.*) in=${f##*/} && cp "$f" . || return 1 ;;
		*.recipe) "$mkimg" "$f" "$(basename "$f" .recipe)" || return 1 ;;
		*)
			cp -r "$f" .
			for r in "${f##*/}"/*.recipe; do
				"$mkimg" "$r" "${r%.recipe}" && rm "$r" || return 1
			done
			;;
		esac
	done
	[ "$in" ] && cp "$in" ../before
}

is_image() {
	[[ $in = in.raw || $in = in.qcow2 ]]
}

rule_fired() { # FILE
	grep -qF "[$rule]" "$1"
}

check_findings() {
	options args
	run_vmend ../out.1 check --format concise "${opts[@]}"
	same "$in" ../before || complaint "check changed its input"
	[ "$bless" ] && return
	if [ -f "$case/expect.1" ]; then
		diff -u --label expect.1 --label now "$case/expect.1" ../out.1 >../diff ||
			complaint "1. findings are not those expected" "$(cat ../diff)"
	elif [ "$(cat ../out.1)" != "exit 0" ]; then
		complaint "1. there are findings, and no expect.1" "$(cat ../out.1)"
	fi
	case ${case##*/} in
	bad-*) rule_fired ../out.1 || complaint "1. $rule does not fire" ;;
	ok-*) ! rule_fired ../out.1 || complaint "1. $rule fires on a near miss" ;;
	esac
}

check_plan() {
	options args fix-args
	run_vmend ../out.plan fix --diff "${opts[@]}"
	planned_exit=$?
	same "$in" ../before || complaint "fix --diff changed its input"
	[ -z "$(state)" ] || complaint "fix --diff wrote a journal" "$(state)"
	[ "$bless" ] && return
	[ ! -f "$case/expect.plan" ] ||
		diff -u --label expect.plan --label now "$case/expect.plan" ../out.plan >../diff ||
		complaint "2. the plan is not the one expected" "$(cat ../diff)"
}

check_fix() {
	local rc
	options args fix-args
	run_vmend ../out.fix fix "${opts[@]}"
	rc=$?
	[ $rc -eq $planned_exit ] || complaint "3. fix exits with $rc, fix --diff with $planned_exit"
	cp "$in" ../after
	changed=
	same "$in" ../before || changed=1
	[ "$changed" ] || [ -z "$(state)" ] || complaint "3. nothing was changed, and there is a journal"
	[ "$bless" ] && return
	if [ -f "$case/expect.plan" ] && [ -z "$changed" ]; then
		complaint "3. there is an expect.plan, and nothing was changed" "$(cat ../out.fix ../out.fix.err)"
	elif [ ! -f "$case/expect.plan" ] && [ "$changed" ]; then
		complaint "3. the input was changed, and there is no expect.plan" "$(cat ../out.plan)"
	fi
	is_image && return
	if [ "$changed" ] && [ ! -f "$case/fixed.${in#in.}" ]; then
		complaint "3. there is no fixed.${in#in.}"
	elif [ "$changed" ] && ! cmp -s "$case/fixed.${in#in.}" "$in"; then
		complaint "3. the fixed text is not the one expected" \
			"$(diff -u --label "fixed.${in#in.}" --label now "$case/fixed.${in#in.}" "$in")"
	fi
}

check_again() {
	options args
	run_vmend ../out.2 check --format concise "${opts[@]}"
	[ "$bless" ] && return
	if [ -f "$case/expect.2" ]; then
		diff -u --label expect.2 --label now "$case/expect.2" ../out.2 >../diff ||
			complaint "4. what remains is not what was expected" "$(cat ../diff)"
	elif [ "$changed" ] && [ "$(cat ../out.2)" != "exit 0" ]; then
		complaint "4. findings remain, and there is no expect.2" "$(cat ../out.2)"
	fi
}

check_idempotent() {
	local before
	before=$(state)
	options args fix-args
	run_vmend ../out.fix2 fix "${opts[@]}"
	same "$in" ../after || complaint "5. a second fix changed the input again"
	[ "$before" = "$(state)" ] || complaint "5. a second fix wrote to the journal"
}

check_undo() {
	if [ "$changed" ]; then
		run_vmend ../out.undo undo || complaint "6. undo failed" "$(cat ../out.undo ../out.undo.err)"
	fi
	same "$in" ../before || complaint "6. undo did not restore the input" "$(cat ../diff)"
	[ -z "$(state)" ] || complaint "6. a journal is left" "$(state)"
}

# ---- second opinions on what was fixed ----

oracle() { # NAME   true unless the case excepts it ('NAME: why' in oracle-skip)
	have "${1%%-*}" && ! grep -qs "^$1: ." "$case/oracle-skip"
}

partitions() { # FILE   the label, and the partitions without the name of the file
	sfdisk -d "$1" 2>/dev/null | sed -n "s|^label: |label |p; s|^${1##*/}\([0-9]* *:\)|\1|p; s|^$1\([0-9]* *:\)|\1|p"
}

same_partitions() {
	local sees now
	sees=$(partitions ../before)
	now=$(partitions in.raw)
	# Where sfdisk saw no table, or no more than the protective entry, it can have no opinion.
	[[ $sees == "${now%%$'\n'*}"$'\n'* && $sees != *type=ee* && $sees != "$now" ]] || return
	complaint "sfdisk -d lists other partitions" "$(diff <(echo "$sees") <(echo "$now"))"
}

# What the judge took before the fix it must take afterwards. Asked in this order, since most
# take what is fixed.
still_takes() { # COMMAND...   which is given the text, under the name that it has
	"$@" "$in" >../diff 2>&1 && return
	mkdir -p ../was && cp ../before "../was/$in" && (cd ../was && "$@" "$in") >/dev/null 2>&1 &&
		complaint "$* took the text before it was fixed" "$(cat ../diff)"
}

# The fixed text itself must be right, whatever it was.
takes() { # COMMAND...
	"$@" "$in" >../diff 2>&1 || complaint "${1##*/} refuses the fixed text" "$(cat ../diff)"
}

property_list() { # FILE   plistutil exits with 0 when it cannot read one, and writes nothing
	plistutil -i "$1" -o ../plist && [ -s ../plist ]
}

# In Python throughout: not libyaml. Silent where it is not installed.
parse_yaml='
import sys
try:
    import yaml
except ImportError:
    sys.exit(0)
list(yaml.parse(open(sys.argv[1], "rb"), yaml.SafeLoader))'

check_text_oracles() {
	case $in in
	*.xml | *.plist)
		! oracle xmllint || takes xmllint --noout --nonet
		[[ $in != *.plist ]] || ! oracle plistutil || takes property_list
		;;
	*.json) ! oracle jq || takes jq . ;;
	*.yaml) ! oracle python3-yaml || takes python3 -c "$parse_yaml" ;;
	*.sh | *.conf) ! oracle bash || takes bash -n ;;
	esac
	# packer validate -syntax-only knows more than syntax, and a template may have another layout
	# than that of packer fmt.
	case $in in
	*.pkr.hcl | *.pkr.json | *.json)
		oracle packer || return
		[[ $in = *.pkr.* ]] || grep -q '"builders"' "$in" || return
		still_takes packer validate -syntax-only
		[[ $in != *.hcl ]] || still_takes packer fmt -check
		;;
	esac
}

check_oracles() {
	local said
	[ "$changed" ] || return
	if [ "$in" = in.qcow2 ]; then
		[ "$(cat ../out.2)" = "exit 0" ] && oracle qemu-img || return
		said=$(qemu-img check "$in" 2>&1) || complaint "qemu-img check has something against it" "$said"
		return
	fi
	if ! is_image; then
		check_text_oracles
		return
	fi
	! oracle sfdisk-dump || same_partitions
	# A table for larger sectors is not seen by tools that assume 512 bytes.
	[ "$(dd if=in.raw bs=1 skip=512 count=8 2>/dev/null | tr -d '\0')" = "EFI PART" ] || return
	[ "$(cat ../out.2)" = "exit 0" ] || return
	if oracle sgdisk; then
		said=$(sgdisk -v in.raw 2>&1)
		[[ $said == *"No problems found"* ]] || complaint "sgdisk -v has something against it" "$said"
	fi
	if oracle sfdisk; then
		said=$(sfdisk --verify in.raw 2>&1)
		[[ $said == *"No errors detected"* ]] || complaint "sfdisk --verify has something against it" "$said"
	fi
}

run_case() { # in the work folder; prints complaints
	in='' changed='' planned_exit=0
	prepare || { complaint "the input could not be built"; return; }
	check_findings
	check_plan
	! is_image || ! is_portable || return 0
	check_fix
	check_again
	check_oracles
	check_idempotent
	check_undo
}

write_expectations() {
	local ext=${in#in.}
	[[ ${case##*/} != bad-* ]] || rule_fired ../out.1 || { complaint "$rule does not fire"; return; }
	[[ ${case##*/} != ok-* ]] || ! rule_fired ../out.1 || { complaint "$rule fires on a near miss"; return; }
	rm -f "$case"/expect.* "$case"/fixed.*
	[ "$(cat ../out.1)" = "exit 0" ] || cp ../out.1 "$case/expect.1"
	[ "$changed" ] || return
	cp ../out.plan "$case/expect.plan"
	[ "$(cat ../out.2)" = "exit 0" ] || cp ../out.2 "$case/expect.2"
	is_image || cp ../after "$case/fixed.$ext"
}

if [ "${1:-}" = --case ]; then # NUMBER FOLDER RESULTS [--bless]
	case=$root/$3 rule=$(basename "$(dirname "$3")") bless=${5:-}
	scratch=$(mktemp -d) || exit 2
	trap 'rm -rf "$scratch"' EXIT
	mkdir "$scratch/work" && cd "$scratch/work" || exit 2
	export XDG_STATE_HOME=$scratch/work/.state
	{
		run_case
		[ -z "$bless" ] || write_expectations
	} >"$4/$2" 2>&1
	exit 0
fi

# ---- all of them ----

results=$(mktemp -d) || exit 2
trap 'rm -rf "$results"' EXIT
[ -x "$vmend" ] || { not_ok "$vmend is built"; exit 1; }

run_all() { # FLAG CASE...
	local flag=$1 i=0
	shift
	is_portable
	for case; do
		[ ! -f "$case/not-portable" ] || ! is_portable || continue
		printf '%s\0%s\0%s\0%s\0' "$((++i))" "$case" "$results" "$flag"
	done | xargs -0 -r -n4 -P "$(getconf _NPROCESSORS_ONLN)" bash tests/corpus.sh --case
	i=0
	for case; do
		if [ -f "$case/not-portable" ] && is_portable; then
			skip "${case#corpus/}" "$(cat "$case/not-portable")"
		elif [ -f "$results/$((++i))" ]; then
			silent "${case#corpus/}" "$(cat "$results/$i")"
		else
			not_ok "${case#corpus/}" "it did not come to an end"
		fi
	done
}

cases=(corpus/*/bad-*/ corpus/*/ok-*/)
cases=("${cases[@]%/}")
mapfile -t cases < <(printf '%s\n' "${cases[@]}" | LC_ALL=C sort)

if [ "${1:-}" = --bless ]; then
	word=${2:?which case? RULE or RULE/CASE}
	mapfile -t cases < <(printf '%s\n' "${cases[@]}" | grep -E "^corpus/$word(/|\$)")
	[ ${#cases[@]} -gt 0 ] || { echo "no such case: corpus/$word" >&2; exit 2; }
	# What stands only in the work tree would be lost, and nobody could compare.
	if ! git diff --quiet -- "${cases[@]}"; then
		echo "corpus/$word has changes that are neither staged nor committed:" >&2
		git diff --stat -- "${cases[@]}" >&2
		exit 1
	fi
	run_all --bless "${cases[@]}"
	git status --short -- "${cases[@]}"
	echo "Read every line of it before you commit."
	run_all '' "${cases[@]}"
	tap_end
	exit
fi

word=${1:-}
mapfile -t wanted < <(printf '%s\n' "${cases[@]}" | grep -F -- "$word")
run_all '' "${wanted[@]}"
! is_portable || skip "images are repaired" "a portable build repairs no images"

# Every rule has both kinds of case, and every folder belongs to a rule.
if [ -z "$word" ]; then
	mapfile -t rules < <("$build/tools/rules_md" --ids)
	[ ${#rules[@]} -gt 0 ] || not_ok "there are rules"
	for rule in "${rules[@]}"; do
		by=corpus/$rule/tested-by bad=(corpus/"$rule"/bad-*/) good=(corpus/"$rule"/ok-*/)
		if [ -f "$by" ]; then
			silent "$rule is tested by $(cat "$by")" "$(grep -qF "$rule" "$(cat "$by")" || echo "it is not")"
		else
			silent "$rule has a bad and an ok case" "$(
				[ ${#bad[@]} -gt 0 ] || echo "no corpus/$rule/bad-*"
				[ ${#good[@]} -gt 0 ] || echo "no corpus/$rule/ok-*"
			)"
		fi
	done
	silent "every folder of the corpus is a rule" "$(
		for d in corpus/*/; do
			d=${d#corpus/} d=${d%/}
			[[ $d == demo || " ${rules[*]} " == *" $d "* ]] || echo "corpus/$d"
		done
	)"
fi
tap_end
