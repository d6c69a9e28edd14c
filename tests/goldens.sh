#!/usr/bin/env bash
# Goldens survive: each text of the corpus that is fixed, written as others write it - lines that
# end in CRLF, no newline at the end, tabs, text that is no ASCII - is fixed to the golden in
# the same writing, byte for byte, and undo gives back what was there.
# usage: tests/goldens.sh [WORD]     cases whose path contains WORD
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
export LC_ALL=C

ends_lines() { # FILE
	[ -z "$(tail -c 1 "$1")" ]
}

# ---- the writings: FILE, to stdout ----

crlf() {
	if grep -q $'\r' "$1"; then
		cat "$1"
	elif ends_lines "$1"; then
		sed 's/$/\r/' "$1"
	else
		sed '$!s/$/\r/' "$1"
	fi
}

open_end() {
	if ends_lines "$1"; then head -c -1 "$1"; else cat "$1"; fi
}

tabs() {
	sed ':more; s/^\(\t*\)  /\1\t/; t more' "$1"
}

# A comment, or what stands for one, before all else that has a meaning; and in paths.
foreign() {
	local note='Größe: 日本語 ✓ ñ' at
	case $1 in
	*.xml | *.plist) at="0,/^<[a-zA-Z]/s//<!-- $note -->\n&/" ;;
	*.pkr.json) at="0,/{/s//{ \"\/\/\": \"$note\",/" ;;
	*.json) at="0,/{/s//{ \"_note\": \"$note\",/" ;;
	*) at="1{/^#!/{s/\$/\n# $note/;b};s/^/# $note\n/}" ;;
	esac
	! grep -q '"//"' "$1" || at='' # once is all that a member may be there
	sed "$at" "$1" | sed 's,/\(mnt/nas\|srv\)/,&é語,g'
}

# What the syntax does not allow, or gives another meaning.
allowed() { # WRITING FILE
	case $1.${2##*/} in
	tabs.*.yaml) return 1 ;;
	# To a shell it is a character of the last word.
	crlf.*.sh | crlf.*.conf) return 1 ;;
	# QEMU takes a line of a CR alone for no empty line, which is a finding of its own.
	crlf.*.cfg) return 1 ;;
	esac
}

# ---- one case ----

if [ "${1:-}" = --case ]; then # NUMBER FOLDER RESULTS
	case=$root/$3 out=$4/$2
	scratch=$(mktemp -d) || exit 2
	trap 'rm -rf "$scratch"' EXIT
	export XDG_STATE_HOME=$scratch/state
	cd "$scratch" || exit 2
	in=$(cd "$case" && echo in.*)
	fixed=$case/fixed.${in#in.}
	opts=() texts=()
	for f in args fix-args; do
		[ ! -f "$case/$f" ] || mapfile -t -O ${#opts[@]} opts <"$case/$f"
	done
	[[ " ${opts[*]} " == *" --host-mounts"* ]] || opts+=(--host-mounts "$root/tests/lib/mountinfo")
	{
		mkdir beside
		for f in "$case"/*; do
			case ${f##*/} in
			in.* | args | fix-args | expect.* | fixed.* | oracle-skip | not-portable | README*) ;;
			*) cp -r "$f" beside ;;
			esac
		done
		for f in beside/*.recipe beside/*/*.recipe; do
			"$mkimg" "$f" "${f%.recipe}" && rm "$f"
		done
		cp -r beside/. .
		for w in crlf open_end tabs foreign; do
			if ! allowed $w "$in" || grep -qs "^golden-$w: ." "$case/oracle-skip"; then continue; fi
			mkdir $w && $w "$case/$in" >$w/"$in"
			if cmp -s "$case/$in" "$w/$in"; then continue; fi
			$w "$fixed" >$w/want
			cp $w/"$in" $w/before
			cp -r beside/. $w
			texts+=("$w/$in")
		done
		"$vmend" fix --quiet "${opts[@]}" "${texts[@]}" >said 2>&1
		code=$?
		[ $code -lt 3 ] || { echo "fix: exit $code" && cat said; }
		for t in "${texts[@]}"; do
			cmp -s "${t%/*}/want" "$t" || cat said
			cmp -s "${t%/*}/want" "$t" || diff -au --label golden --label now "${t%/*}/want" "$t" | cat -A |
				sed "1s/^/${t%/*}:\n/"
		done
		"$vmend" undo "${texts[@]}" >said 2>&1 || cat said
		for t in "${texts[@]}"; do
			cmp -s "${t%/*}/before" "$t" || echo "${t%/*}: undo did not give back what was there"
		done
	} >"$out.new" 2>&1
	mv "$out.new" "$out"
	exit 0
fi

# ---- all of them ----

[ -x "$vmend" ] || { not_ok "$vmend is built"; exit 1; }
results=$(mktemp -d) || exit 2
trap 'rm -rf "$results"' EXIT
mapfile -t cases < <(printf '%s\n' corpus/*/*/fixed.* | sed 's|/[^/]*$||' | sort -u | grep -F -- "${1:-}")
[ ${#cases[@]} -gt 0 ] || { not_ok "there are goldens"; exit 1; }
for i in "${!cases[@]}"; do
	printf '%s\0%s\0%s\0' "$i" "${cases[i]}" "$results"
done | xargs -0 -n3 -P "$(getconf _NPROCESSORS_ONLN)" bash tests/goldens.sh --case
for i in "${!cases[@]}"; do
	silent "${cases[i]#corpus/}" "$(cat "$results/$i" 2>&1)"
done
tap_end
