#!/usr/bin/env bash
# Disks of sfdisk, sgdisk, parted and mkimg, broken at random (tests/tools/breakgpt), against
# the judgement of sgdisk and libfdisk. For each:
#
#   - where one of them sees a problem, so does vmend
#   - what vmend calls clean after its fix, they call clean
#   - where a copy of the table was whole and the disk is clean after the fix, it has the
#     partitions that it had
#   - no byte within a partition changes, and a second fix finds nothing to do
#   - `vmend undo` gives the broken disk back, byte for byte
#
# How many are mended, and why the others are left, is in the table that it closes with; below
# three shares it fails: of the disks that a whole copy of the table was left of, of all with a GPT,
# and of all on which something still says where each partition was. The
# other direction: nothing above a note is said of healthy disks with partitions as they come.
#
# GPT_SEED=N GPT_CASES=N GPT_LAYOUTS=N: others, or more of them. GPT_JOBS=N at a time.
# GPT_ONLY="N N": just these cases of the seed.
# GPT_KEEP=DIR keeps what failed or was left, and the table of results. Closes with a table of all kinds of damage.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
. tests/oracle/lib.sh
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg breakgpt=$build/tools/breakgpt
samebytes=$build/tools/samebytes
seed=${GPT_SEED:-1} cases=${GPT_CASES:-400} layouts=${GPT_LAYOUTS:-40} keep=${GPT_KEEP:-}
only=${GPT_ONLY:-}
jobs=${GPT_JOBS:-$(getconf _NPROCESSORS_ONLN)}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
have sfdisk sgdisk parted fdisk partx || {
	skip "disks broken at random" "sfdisk, sgdisk, parted, fdisk or partx is not installed"
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

# ---- one case ----

complain() { # WHAT [DETAIL]
	bad+="$1"$'\n'
	[ -z "${2:-}" ] || bad+="    ${2//$'\n'/$'\n'    }"$'\n'
}

# Of "fix" as text: why what is left was left, in the order of the report.
why_not() { # OUTPUT   sets why
	local line
	why=
	while IFS= read -r line; do
		[[ $line =~ not\ (mended|fixed)[^:]*:\ (.*) ]] && why+="${BASH_REMATCH[2]}; "
	done <<<"$1"
	why=${why%; }
}

# One class of fixes, on a copy of the broken disk. True: nothing is left to say.
try_fix() { # SECTOR-SIZE LABEL SURVIVES UNPROVEN BASE OPTIONS...
	local out rest rc after
	out=$("$vmend" fix "${@:6}" disk 2>&1)
	rc=$?
	[ $rc -le 1 ] || complain "fix ${*:6}: exit $rc" "$out"
	rest=$("$vmend" check --format concise disk 2>&1)
	rc=$?
	others_say disk "$1" "$2"
	after=$said
	others_list disk "$1"
	same_table "../$5.table" "$3" && same=yes || same=no
	"$samebytes" broken disk "../$5.ranges" >differ 2>&1 ||
		complain "fix ${*:6} wrote into a partition" "$(<differ)"
	why_not "$out"
	[ "$why" ] || why=$(sed -n 's/^[^[]*\[\([a-z0-9-]*\)\].*/\1/p' <<<"$rest" | sort -u | tr '\n' ' ')
	[ $rc -eq 0 ] && [[ $rest != *gpt-backup-alone* && $rest != *gpt-pieces* ]] || return 1
	is_no_disk "$3" "$4" && return 1
	[ -z "$after" ] || complain "fix ${*:6}: called clean, but others say:" "$after"
	[ "$3" = none ] || [ "$3" = dos ] || [ $same = yes ] ||
		complain "fix ${*:6}: clean, with other partitions:" "$(diff "../$5.table" - <<<"$table")"
	[ -z "$after" ] && [ $same = yes ]
}

# The partitions of old; where no whole copy says what they were called, at the same places.
same_table() { # FILE SURVIVES
	local was now
	was=$(<"$1") now=$table
	if [ "$2" = none ] || [ "$2" = dos ]; then
		was=$(grep -o 'start=[^a-z]*size=[ 0-9]*' <<<"$was")
		now=$(grep -o 'start=[^a-z]*size=[ 0-9]*' <<<"$now")
	fi
	[ "$was" = "$now" ]
}

undo_case() { # OPTIONS...
	cp --sparse=always disk fixed
	"$vmend" fix "$@" disk >out 2>&1
	"$samebytes" disk fixed >differ 2>&1 || complain "a second fix changed something" "$(<out)"
	if [ -f disk.vmend-undo ]; then
		"$vmend" undo disk >out 2>&1 || complain "undo:" "$(<out)"
	fi
	"$samebytes" disk broken >differ 2>&1 || complain "undo did not give the broken disk back" "$(<differ)"
	[ ! -f disk.vmend-undo ] || complain "a journal is left after undo"
	rm -f disk.vmend-undo
}

# It could as well be any other file, to us as to others: no copy of the table is whole, of some
# partition nothing says where it was, and all that libfdisk has to say is that there is no table,
# as it says of every file that is no disk. Where a whole copy is left, or enough to prove every
# partition, silence is a miss.
is_no_disk() { # SURVIVES UNPROVEN
	[[ $before == 'libfdisk: unrecognized partition table type'$'\n' ]] &&
		[[ $1 == none || $1 == dos ]] && [ "$2" -gt 0 ] &&
		"$vmend" check broken 2>&1 | grep -q '1 not a VM image'
}

# Prints one line: KINDS SURVIVES UNPROVEN MISSED MENDED-BY WHERE WORDS REASON, with tabs, then
# what is wrong.
run_case() { # BASE SECTOR-SIZE LABEL SEED
	local kinds survives unproven words before found rc missed=no by=no why='' same mode bad=
	cp --sparse=always "../$1" broken
	IFS=$'\t' read -r kinds survives unproven words < <("$breakgpt" broken "$2" "$4")
	[ "$words" ] || complain "breakgpt failed"
	others_say broken "$2" "$3"
	before=$said
	found=$("$vmend" check --format concise broken 2>&1)
	rc=$?
	[ $rc -le 1 ] || complain "check: exit $rc" "$found"
	if [ -n "$before" ] && [ -z "$found" ] && ! is_no_disk "$survives" "$unproven"; then
		missed=yes
		complain "silent where others are not:" "$before"
	fi
	[ -n "$before" ] || [ $rc -ne 0 ] || by=fine
	for mode in '' --unsafe-fixes --lossy-fixes; do
		cp --sparse=always broken disk
		rm -f disk.vmend-undo
		if try_fix "$2" "$3" "$survives" "$unproven" "$1" $mode; then
			[ $by = fine ] || by=${mode:-safe}
			break
		fi
		[ $by != fine ] || break
	done
	undo_case $mode
	printf '%s\t' "$kinds" "$survives" "$unproven" "$missed" "${by#--}" "$1, seed $4" "$words"
	printf '%s\n' "$why"
	[ -z "$bad" ] || printf '%s' "$bad" | sed 's/^/!/'
	[ -z "$keep" ] || { [ -z "$bad" ] && [ $by != no ]; } || cp --sparse=always broken "$keep/$1-$4.raw"
}

run_share() { # SHARE
	local i b name ss label
	mkdir "job$1" && cd "job$1" || return
	for ((i = $1; i < cases; i += jobs)); do
		[[ -z $only || " $only " == *" $i "* ]] || continue
		IFS=: read -r name ss label <<<"${bases[i % ${#bases[@]}]}"
		run_case "$name" "$ss" "$label" $((seed * 100000 + i))
	done >../result."$1"
}

# ---- all of them ----

healthy() { # NAME SECTOR-SIZE LABEL WORDS
	local bad='' found
	found=$("$vmend" check --format concise --min-severity warning "$1" 2>&1) ||
		complain "vmend:" "$found"
	[ -z "$found" ] || complain "vmend:" "$found"
	others_say "$1" "$2" "$3"
	[ -z "$said" ] || complain "others:" "$said"
	silent "$4 is healthy, all say" "$bad"
}

make_bases
RANDOM=$seed
for ((i = 0; i < layouts; i++)); do make_random_base "random$i"; hows[i]=$how; done
echo "# seed $seed"
for b in "${bases[@]}"; do
	IFS=: read -r name ss label <<<"$b"
	words=$name
	[[ $name != random* ]] || words="$name (${hows[${name#random}]})"
	healthy "$name" "$ss" "$label" "$words"
done

for ((i = 0; i < jobs; i++)); do run_share "$i" & done
wait
cat result.* >results
[ -z "$keep" ] || cp results "$keep/results-$seed"
while IFS= read -r line; do
	if [[ $line == !* ]]; then
		bad+=${line#!}$'\n'
		continue
	fi
	[ -z "${name:-}" ] || silent "$name" "${bad:-}"
	IFS=$'\t' read -r kinds survives unproven missed by where words why <<<"$line"
	name="$where: $words" bad=
done < <(cat results; printf 'end\t\t\t\t\t\t\t\n')
[ -n "$only" ] || is "all cases were run" "$(grep -vc '^!' results)" "$cases"

grep -v '^!' results | awk -F'\t' '
	function pct(a, b) { return b ? sprintf("%.1f %%", 100 * a / b) : "-" }
	function count(k) {
		n[k]++
		if ($5 == "fine") { fine[k]++; return }
		wrong[k]++
		if ($4 == "yes") missed[k]++
		by[k, $5]++
		whole = $2 != "none" && $2 != "dos"
		if (whole) one[k]++
		if (whole && $5 != "no") onefixed[k]++
		if ($3 == 0) said[k]++
		if ($3 == 0 && $5 != "no") saidfixed[k]++
	}
	function row(k) {
		printf "# %-12s %6d %6d %6d %6d %6d %6d %6d %8s %10s %10s\n", k, n[k], fine[k], missed[k],
			by[k, "safe"], by[k, "unsafe-fixes"], by[k, "lossy-fixes"], by[k, "no"],
			pct(wrong[k] - by[k, "no"], wrong[k]), pct(saidfixed[k], said[k]),
			pct(onefixed[k], one[k])
	}
	{ m = split($1, kind, "+"); for (i = 1; i <= m; i++) { count(kind[i]); all[kind[i]] }
	  count(m > 1 ? "pairs" : "alone"); count($2 == "dos" ? "DOS labels" : "GPT, all"); count("all")
	  if ($5 == "no") { w = ($3 ? "beyond proof" : $2) "\t" $8; left[w]++; which[w] = $6 ": " $7 } }
	END {
		printf "# %-12s %6s %6s %6s %6s %6s %6s %6s %8s %10s %10s\n", "damage", "disks", "fine",
			"missed", "safe", "unsafe", "lossy", "left", "mended", "provable", "1 copy ok"
		for (k in all) print k | "sort >kinds"
		close("sort >kinds")
		while ((getline k <"kinds") > 0) row(k)
		row("alone"); row("pairs"); row("DOS labels"); row("GPT, all"); row("all")
		print "# left, by the copies that were whole, and what vmend said:"
		for (w in left) printf "#  %5d %s (such as %s)\n", left[w], w, which[w] | "sort -k2,2nr"
		close("sort -k2,2nr")
		g = "GPT, all"
		printf "%d %d %d %d %d %d\n", onefixed[g], one[g], wrong[g] - by[g, "no"], wrong[g],
			saidfixed["all"], said["all"] >"rate"
	}'
read -r mended of all_mended all provable_mended provable <rate
share() { # AT-LEAST MENDED OF WORDS
	local bad=
	[ $(($2 * 100)) -ge $(($3 * $1)) ] || bad="$2 of $3"
	silent "at least $1 % are mended of $4" "$bad"
}
share 98 "$mended" "$of" "the GPT disks that a whole copy was left of"
share 95 "$all_mended" "$all" "all GPT disks"
share 97 "$provable_mended" "$provable" "all disks on which something says where each partition was"
tap_end
