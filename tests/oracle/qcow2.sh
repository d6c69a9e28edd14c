#!/usr/bin/env bash
# QCOW2 images that QEMU made with all kinds of options, broken at random (tests/tools/
# breakqcow2), against the judgement of qemu-img check, and its repair. For each:
#
#   - where qemu-img check finds something, or refuses to open it, so does vmend
#   - of whole images nothing is said
#   - what vmend has nothing against after its fix, qemu-img has nothing against
#   - nothing changes that the guest, or a snapshot, could read before the fix: it stays as it
#     is, or is what it was before the break
#   - a second fix does nothing, and `vmend undo` gives the broken image back, byte for byte
#
# What `vmend fix --lossy-fixes` makes of it, and `qemu-img check -r all` of a copy, is in the
# table that it closes with: images that qemu-img check finds clean then, and such in which the
# disk and all snapshots are what they were before the break, which tests/tools/samedisks reads
# (itself judged by qemu-img convert on whole images). Below some shares it fails.
#
# QCOW2_SEED=N QCOW2_CASES=N QCOW2_LAYOUTS=N: others, or more of them. QCOW2_JOBS=N at a time.
# QCOW2_KINDS="KIND...": only these breaks. QCOW2_KEEP=DIR keeps what failed, and results.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib/tap.sh
not_for_portable "repairs no images"
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend breaker=$build/tools/breakqcow2
samedisks=$build/tools/samedisks samebytes=$build/tools/samebytes
seed=${QCOW2_SEED:-1} cases=${QCOW2_CASES:-360} layouts=${QCOW2_LAYOUTS:-56}
keep=${QCOW2_KEEP:-} only=${QCOW2_KINDS:-}
jobs=${QCOW2_JOBS:-$(getconf _NPROCESSORS_ONLN)}
export LC_ALL=C.UTF-8
have qemu-img qemu-io || {
	skip "QCOW2 images broken at random" "qemu-img or qemu-io is not installed"
	tap_end
	exit 0
}
# In memory if there is such a place: vmend waits for the disk at each step.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export XDG_STATE_HOME=$tmp/state

complain() { # WHAT [DETAIL]
	bad+="$1"$'\n'
	[ -z "${2:-}" ] || bad+="    ${2//$'\n'/$'\n'    }"$'\n'
}

# ---- images ----

# What each of them is for; behind these, words are drawn.
FIXED=('' 'cs=512' 'cs=4k snap' 'cs=2M' 'v2' 'v2 cs=1k snap' 'v2 packed' 'bits=1 cs=4k' 'bits=2 cs=512'
	'bits=4 snap' 'bits=8 snap' 'bits=32 cs=16k' 'bits=64 cs=512 snap' 'ext cs=16k' 'ext snap' 'ext cs=2M'
	'packed' 'packed cs=512 snap' 'packed zstd' 'packed zstd ext snap' 'lazy snap' 'snap snap' 'snap snap cs=1k'
	'bitmap' 'bitmap bitmap snap cs=4k' 'luks' 'luks snap cs=4k' 'data' 'data raw ext' 'back=raw' 'back=qcow2 cs=4k snap'
	'back=qcow2 ext packed' 'alloc' 'alloc cs=4k snap' 'noformat back=qcow2')

one_of() { # WORD...   sets REPLY
	shift $((RANDOM % $#))
	REPLY=$1
}

draw_words() { # sets words
	one_of 512 1k 4k 16k 64k 64k 2M
	words=cs=$REPLY
	[ $((RANDOM % 6)) -ne 0 ] || words+=' v2'
	if [[ $words != *v2* ]]; then
		one_of 1 2 4 8 16 16 16 32 64
		words+=" bits=$REPLY"
		[ $((RANDOM % 4)) -ne 0 ] || words+=' zstd'
		[ $((RANDOM % 6)) -ne 0 ] || words+=' lazy'
		[[ $words == *=512* || $words == *=?k* ]] || [ $((RANDOM % 3)) -ne 0 ] || words+=' ext'
		[ $((RANDOM % 5)) -ne 0 ] || words+=' bitmap'
	fi
	[ $((RANDOM % 2)) -ne 0 ] || words+=' packed'
	[ $((RANDOM % 5)) -ne 0 ] || words+=' back=qcow2'
	[ $((RANDOM % 10)) -ne 0 ] || words+=' alloc'
	# A refcount of two bits does not suffice where clusters are shared anyway.
	[[ "$words " == *bits=[12]\ * ]] || [ $((RANDOM % 2)) -ne 0 ] || words+=' snap'
	[[ $words != *snap* ]] || [ $((RANDOM % 2)) -ne 0 ] || words+=' snap'
	# QEMU writes no compressed data where a cluster is allocated.
	[[ $words != *alloc* || $words == *back* ]] || words=${words/ packed/}
}

# No two writes of an image have the same bytes: what is in the wrong place is seen.
make_patterns() {
	mkdir patterns
	seq 1 1200000 | head -c 8M >text
	split -b 64K -a 3 text patterns/t
	gzip -1 <text | head -c 2M >noise
	split -b 64K -a 3 noise patterns/n
	patterns=(patterns/*)
}

pattern() { # sets REPLY; one after the other, from somewhere on
	REPLY=${patterns[next_pattern++ % ${#patterns[@]}]}
}

# Some writes of a guest, all over the disk.
writes() { # FILE-ARGUMENTS...
	local io=() n at len k
	for ((n = 0; n < 3 + RANDOM % 5; n++)); do
		at=$(((RANDOM % slots * cover + RANDOM % (cs * 48)) / 512 * 512))
		len=$(((1 + RANDOM % (RANDOM % 2 ? 2 : 6)) * cs - RANDOM % 2 * 512))
		for ((k = 0; k < len && at + 512 <= size; k += 65536, at += 65536)); do
			pattern
			io+=(-c "write -s $REPLY $at $((len - k < 65536 ? (at + len - k <= size ? len - k : 512) : at + 65536 <= size ? 65536 : 512))")
			[ "$k" -lt 262144 ] || break
		done
	done
	at=$((RANDOM % 48 * cs)) len=$((cs * (1 + RANDOM % 3)))
	[ $((at + len)) -gt "$size" ] || io+=(-c "write -z $at $len")
	at=$((RANDOM % 48 * cs))
	[ $((at + cs)) -gt "$size" ] || io+=(-c "discard $at $cs")
	qemu-io -d unmap "${io[@]}" "$@" >said 2>&1
	! grep -qE 'rror|failed' said
}

# By a process of its own: QEMU 7.2 goes on to fill a cluster with compressed data after that
# was freed, and given to somebody else.
packed_writes() { # FILE-ARGUMENTS...
	local io=() n at
	for n in 1 2 3 4 5; do
		at=$((RANDOM % slots * cover + (n * 10 + RANDOM % 10) * cs))
		pattern
		[ $((at + cs)) -gt "$size" ] || io+=(-c "write -c -s $REPLY $at $cs")
	done
	qemu-io "${io[@]}" "$@" >/dev/null 2>&1
}

has() { # WORD   in words
	[[ " $words " == *" $1 "* ]]
}

make_image() { # NAME   of words; backing and data file beside it
	local o w args=("$1") create=() keys=() unit=8 n=0 under
	cs=65536
	for w in $words; do
		case $w in cs=*) cs=$(numfmt --from=iec "$(tr k K <<<"${w#cs=}")") ;; esac
	done
	! has ext || unit=16
	cover=$((cs * cs / unit)) slots=$((2 + RANDOM % 3))
	[ "$cs" -gt 1024 ] || slots=$((5 + RANDOM % 5))
	[ "$cs" -lt 2097152 ] || { cover=$((cs * 50)) slots=1; }
	size=$((slots * cover - RANDOM % 9 * 512))
	o=cluster_size=$cs
	for w in $words; do
		case $w in
		v2) o+=,compat=0.10 ;;
		bits=*) o+=,refcount_bits=${w#bits=} ;;
		ext) o+=,extended_l2=on ;;
		zstd) o+=,compression_type=zstd ;;
		lazy) o+=,lazy_refcounts=on ;;
		alloc) [[ $words == *back* ]] || o+=,preallocation=metadata ;;
		data) o+=,data_file=$1.data ;;
		raw) o+=,data_file_raw=on ;;
		luks)
			o+=,encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10
			keys=(--object "secret,id=s,data=x")
			args=("${keys[@]}" --image-opts "driver=qcow2,file.filename=$1,encrypt.key-secret=s")
			;;
		back=raw)
			truncate -s 3M "$1.back" && qemu-io -f raw -c "write -s ${patterns[0]} 0 60k" "$1.back" >/dev/null
			create=(-b "$1.back" -F raw)
			;;
		back=qcow2)
			# A disk that is smaller than what is below it is worth a word of vmend.
			under=$((size < 3145728 ? size : 3145728))
			qemu-img create -q -f qcow2 -o cluster_size=16k "$1.back" $under &&
				qemu-io -c "write -s ${patterns[1]} 100k 60k" -c "write -c -s ${patterns[2]} $((under / 3 / 16384 * 16384)) 16k" "$1.back" >/dev/null
			create=(-b "$1.back" -F qcow2)
			;;
		esac
	done
	has alloc && [ $size -gt 67108864 ] && size=67108864 slots=1
	for n in 1 2 3 4 5; do
		qemu-img create -q -f qcow2 "${keys[@]}" "${create[@]}" -o "$o" "$1" $size 2>said && break
		# A machine may be too busy to measure its own key derivation.
		grep -q 'CPU usage' said || return
	done
	[ $n -lt 5 ] || return
	n=0
	next_pattern=$((RANDOM % ${#patterns[@]}))
	has packed && ! has data && { packed_writes "${args[@]}" || return; }
	writes "${args[@]}" || return
	for w in $words; do
		case $w in
		snap) qemu-img snapshot -c "name $((++n))" "${args[@]}" ;;
		bitmap) qemu-img bitmap --add -g 64K "${args[@]}" "bitmap $((++n))" ;;
		*) continue ;;
		esac && writes "${args[@]}" || return
	done
	# The first extension is one that nobody knows.
	has noformat && printf '\x11\x11\x11\x11' | dd of="$1" bs=1 seek=112 conv=notrunc status=none
	return 0
}

# ---- what is said of one ----

# Sets out and rc: 0 clean, 2 corrupt, 3 leaks, 1 could not check; and opens. REPAIR: -r all.
qemu_says() { # FILE WORDS [REPAIR...]
	if [[ " $2 " == *" luks "* ]]; then
		out=$(timeout 60 qemu-img check "${@:3}" --object secret,id=s,data=x \
			--image-opts "driver=qcow2,file.filename=$1,encrypt.key-secret=s" 2>&1)
	else
		out=$(timeout 60 qemu-img check -f qcow2 "${@:3}" "$1" 2>&1)
	fi
	rc=$? opens=yes
	[[ $rc != 1 || $out != *'Could not open'* ]] || opens=no
}

# Sets found: what vmend says, without the file's name, that it did not say before the break.
vmend_says() { # FILE BASE
	local line
	all=$("$vmend" check --format concise "$1" 2>&1)
	rc=$?
	found=
	[ -n "$all" ] || return 0
	while IFS= read -r line; do
		line=${line#"$1"@}
		[[ $line != *"skipped: the guest's disk was not looked at: the guest's disk is encrypted"* ]] || continue
		grep -qxF -- "$line" "../$2.said" || found+=$line$'\n'
	done <<<"$all"
}

# Of "fix" as text: why what is left was left.
why_not() { # OUTPUT   sets why
	local line
	why=
	while IFS= read -r line; do
		[[ $line =~ not\ (mended|fixed)[^:]*:\ (.*) ]] && why+="${BASH_REMATCH[2]}; "
	done <<<"$1"
	why=${why%; }
}

# Sets active, every, lost, changed, where.
judge() { # FILE BASE
	IFS=$'\t' read -r active every lost changed where < <("$samedisks" "../$2" broken "$1")
	[ "$changed" ] || complain "samedisks failed on $1"
}

# ---- one case ----

# Of rc: 3 is for what nobody can read.
is_exit() { # COMMAND OUTPUT
	[ $rc -le 1 ] || { [ $rc -eq 3 ] && [ "$q_opens" = no ]; } || complain "$1: exit $rc" "$2"
}

fix_it() { # BASE WORDS   sets v_*
	local said after n
	cp --sparse=always broken disk
	said=$("$vmend" fix --lossy-fixes disk 2>&1)
	rc=$?
	# What is seen only with the new refcounts is freed when they have been looked at.
	[[ $said != *'repair again'* ]] || said=$("$vmend" fix --lossy-fixes disk 2>&1) || rc=$?
	is_exit "fix --lossy-fixes" "$said"
	qemu_says disk "$2"
	v_clean=$rc v_opens=$opens after=$out
	vmend_says disk "$1"
	[ -n "$found" ] || [ $v_clean -eq 0 ] ||
		complain "nothing is left for vmend, but qemu-img says" "$after"
	judge disk "$1"
	v_active=$active v_all=$every v_lost=$lost v_changed=$changed
	[ "$changed" = 0 ] || complain "fix --lossy-fixes changed $changed bytes: $where" "$said"
	why_not "$said"
	[ "$why" ] || why=$(sed -n 's/^[^[]*\[\([a-z0-9-]*\)\].*/\1/p' <<<"$found" | sort -u | tr '\n' ' ')
	cp --sparse=always disk fixed
	said=$("$vmend" fix --lossy-fixes disk 2>&1)
	"$samebytes" disk fixed >differ 2>&1 || complain "a second fix changed something" "$(<differ)"$'\n'"$said"
	for n in 1 2; do
		[ -f disk.vmend-undo ] || break
		said=$("$vmend" undo disk 2>&1) || complain "undo:" "$said"
	done
	"$samebytes" disk broken >differ 2>&1 || complain "undo did not give the broken image back" "$(<differ)"
	[ ! -f disk.vmend-undo ] || complain "a journal is left after undo"
	rm -f disk.vmend-undo
}

# With the safe ones alone: v_class.
fix_safely() { # BASE
	local said
	said=$("$vmend" fix disk 2>&1)
	rc=$?
	is_exit fix "$said"
	v_class=safe
	if ! "$samebytes" disk fixed >differ 2>&1; then
		v_class=lossy
		judge disk "$1"
		[ "$changed" = 0 ] || complain "fix changed $changed bytes: $where" "$said"
	fi
	rm -f disk.vmend-undo
}

fix_by_qemu() { # BASE WORDS   sets q_*
	cp --sparse=always broken disk
	qemu_says disk "$2" -r all
	qemu_says disk "$2"
	q_clean=$rc q_opens=$opens
	judge disk "$1"
	q_active=$active q_all=$every q_lost=$lost q_changed=$changed
}

# Prints one line, with tabs, then what is wrong.
run_case() { # BASE WORDS SEED KIND...
	local did missed=no seen=no why='' bad='' f where
	cp --sparse=always "../$1" broken
	for f in "../$1".back "../$1".data; do [ ! -e "$f" ] || cp --sparse=always "$f" .; done
	did=$("$breaker" "$3" broken "${@:4}")
	[ "$did" ] || complain "breakqcow2 failed"
	qemu_says broken "$2"
	q_found=$rc q_opens=$opens
	vmend_says broken "$1"
	is_exit check "$all"
	[ -z "$found" ] || seen=yes
	if [ $q_found -ne 0 ] && [ -z "$found" ]; then
		missed=yes
		complain "silent where qemu-img is not:" "$out"
	fi
	fix_it "$1" "$2"
	fix_safely "$1"
	for f in "../$1".back "../$1".data; do
		[ ! -e "$f" ] || cmp -s "$f" "${f#../}" || complain "${f#../} was written to"
	done
	fix_by_qemu "$1" "$2"
	printf '%s\t' "${*:4}" $missed $seen $q_found $v_clean $q_clean $v_class \
		"$v_opens $v_active" "$v_opens $v_all" "$q_opens $q_active" "$q_opens $q_all" \
		"$v_lost" "$q_lost" "$v_changed" "$q_changed" "$1 ($2), seed $3" "$did"
	printf '%s\n' "$why"
	[ -z "$bad" ] || printf '%s' "$bad" | sed 's/^/!/'
	[ -z "$bad" ] || [ -z "$keep" ] || cp --sparse=always broken "$keep/$1-$3.qcow2"
	rm -f "$1".*
}

run_share() { # SHARE
	local i b k kinds of
	mkdir "job$1" && cd "job$1" || return
	for ((i = $1; i < cases; i += jobs)); do
		RANDOM=$((seed * 7919 + i))
		# Each kind in its turn, on an image that it is for; a second one in every third.
		k=${all_kinds[i % ${#all_kinds[@]}]}
		read -ra of <<<"${bases_of[$k]}"
		b=${of[RANDOM % ${#of[@]}]}
		kinds=("$k")
		if [ $((RANDOM % 3)) -eq 0 ]; then
			read -ra of <<<"${kinds_of[$b]}"
			kinds+=("${of[RANDOM % ${#of[@]}]}")
		fi
		run_case "image$b" "${words_of[$b]}" $((seed * 100000 + i)) "${kinds[@]}"
	done >../result."$1"
}

# ---- whole images ----

# What samedisks reads of it is what qemu-img reads.
same_reading() { # NAME WORDS
	local id
	[[ " $2 " != *" luks "* ]] || return 0
	for id in '' $(qemu-img snapshot -l "$1" | awk 'NR > 2 { print $1 }'); do
		qemu-img convert -f qcow2 -O raw ${id:+-l snapshot.id=$id} "$1" want >said 2>&1 &&
			"$samedisks" -d "$1" got $id >said 2>&1 && "$samebytes" want got >said 2>&1 ||
			complain "samedisks reads something else ${id:+of snapshot $id}" "$(<said)"
	done
}

make_whole() { # NUMBER
	local name=image$1 words bad='' out rc opens
	RANDOM=$((seed * 104729 + $1))
	words=${FIXED[$1]-}
	[ "$1" -lt ${#FIXED[@]} ] || draw_words
	mkdir "make$1" && cd "make$1" && ln -s ../patterns patterns || return
	if ! make_image "$name"; then
		complain "QEMU could not make it" "$(<said)"
	else
		"$vmend" check --format concise "$name" 2>&1 |
			grep -v "skipped: the guest's disk was not looked at: the guest's disk is encrypted" >vmend.said
		[[ $words == *noformat* ]] || [ ! -s vmend.said ] || complain "vmend:" "$(<vmend.said)"
		sed "s/^$name@//" vmend.said >"../$name.said"
		qemu_says "$name" "$words"
		[ $rc -eq 0 ] || complain "qemu-img:" "$out"
		same_reading "$name" "$words"
		"$breaker" kinds "$name" >"../$name.kinds"
		mv "$name" .. && for f in "$name".back "$name".data; do [ ! -e "$f" ] || mv "$f" ..; done
	fi
	printf '%s' "$bad" >"../$name.bad"
	printf '%s\n' "$words" >"../$name.words"
	cd .. && rm -r "make$1"
}

make_patterns
for ((j = 0; j < jobs; j++)); do
	for ((i = j; i < layouts; i += jobs)); do make_whole "$i"; done &
done
wait
echo "# seed $seed"
declare -A words_of bases_of kinds_of
all_kinds=()
for ((i = 0; i < layouts; i++)); do
	words_of[$i]=$(<"image$i.words")
	silent "image$i (${words_of[$i]}) is whole, all say" "$(<"image$i.bad")"
	[ -e "image$i" ] || continue
	while read -r k; do
		[ -z "$only" ] || [[ " $only " == *" $k "* ]] || continue
		[ "${bases_of[$k]:-}" ] || all_kinds+=("$k")
		bases_of[$k]+=" $i" kinds_of[$i]+=" $k"
	done <"image$i.kinds"
done
if [ -z "$only" ]; then
	if [ ${#all_kinds[@]} -ge 25 ]; then ok "${#all_kinds[@]} kinds of breaks"; else not_ok "only ${#all_kinds[@]} kinds"; fi
fi

# ---- all of them ----

for ((i = 0; i < jobs; i++)); do run_share "$i" & done
wait
cat result.* >results
[ -z "$keep" ] || cp results "$keep/results"
name=''
while IFS= read -r line; do
	if [[ $line == !* ]]; then
		bad+=${line#!}$'\n'
		continue
	fi
	[ -z "$name" ] || silent "$name" "$bad"
	IFS=$'\t' read -r kinds _ _ _ _ _ _ _ _ _ _ _ _ _ _ where words _ <<<"$line"
	name="$kinds: $where: $words" bad=
done < <(cat results; printf 'end\t\n')
is "all cases were run" "$(grep -vc '^!' results)" "$cases"

grep -v '^!' results | awk -F'\t' '
	function count(k) {
		n[k]++
		missed[k] += $2 == "yes"
		seen[k] += $3 == "yes"
		qseen[k] += $4 != 0
		clean[k] += $5 == 0
		qclean[k] += $6 == 0
		safe[k] += $5 == 0 && $9 == "yes yes" && $7 == "safe"
		disk[k] += $8 == "yes yes"
		all[k] += $9 == "yes yes"
		qdisk[k] += $10 == "yes yes"
		qall[k] += $11 == "yes yes"
		changed[k] += $14 != 0
		qchanged[k] += $15 != 0
	}
	function row(k) {
		printf "# %-16s %5d | %5d %5d | %5d %5d | %5d %5d | %5d %5d | %5d | %5d %5d\n", k,
			n[k], seen[k], qseen[k], clean[k], qclean[k], disk[k], qdisk[k],
			all[k], qall[k], safe[k], changed[k], qchanged[k]
	}
	{
		m = split($1, kind, " ")
		for (i = 1; i <= m; i++)
			if (i == 1 || kind[i] != kind[1]) { count(kind[i]); kinds[kind[i]] }
		count(m > 1 ? "pairs" : "alone"); count("all")
		if ($5 != 0 || $9 != "yes yes") { w = ($5 ? "not clean" : "clean") ($9 == "yes yes" ? "" : ", not back") ": " $18
			left[w]++; which[w] = $1 ", " $16 }
		if ($6 == 0 && $5 != 0) worse[$1 ": qemu-img cleans, vmend does not: " $16]
		if ($11 == "yes yes" && $9 != "yes yes") worse[$1 ": qemu-img brings all back, vmend does not: " $16]
	}
	END {
		printf "# %-16s %5s | %11s | %11s | %11s | %11s | %5s | %11s\n", "", "",
			"found", "clean", "disk back", "all back", "", "changed"
		printf "# %-16s %5s | %5s %5s | %5s %5s | %5s %5s | %5s %5s | %5s | %5s %5s\n", "break", "cases",
			"vmend", "qemu", "vmend", "qemu", "vmend", "qemu", "vmend", "qemu", "safe", "vmend", "qemu"
		for (k in kinds) print k | "sort >sorted"
		close("sort >sorted")
		while ((getline k <"sorted") > 0) row(k)
		row("alone"); row("pairs"); row("all")
		print "# where qemu-img check -r all does what vmend does not:"
		for (w in worse) print "#   " w | "sort"
		close("sort")
		print "# left, and what vmend said:"
		for (w in left) printf "# %5d %s (such as %s)\n", left[w], w, which[w] | "sort -k2,2nr"
		close("sort -k2,2nr")
		printf "%d %d %d %d %d\n", n["all"], clean["all"], qclean["all"], all["all"], qall["all"] >"rate"
	}'
read -r n clean qemu_clean back qemu_back <rate
share() { # AT-LEAST OF-CASES WORDS
	local bad=
	[ $(($2 * 100)) -ge $((n * $1)) ] || bad="$2 of $n"
	silent "at least $1 % $3" "$bad"
}
if [ -z "$only" ]; then
	share 58 "$clean" "are clean after vmend fix --lossy-fixes"
	share 42 "$back" "show the guest again what they did before"
fi
more() { # VMEND QEMU PERCENT WORDS
	local bad=
	[ $(($1 * 100)) -ge $(($2 * $3)) ] || bad="$1, and $2 after qemu-img check -r all"
	silent "$4" "$bad"
}
more "$clean" "$qemu_clean" 120 "clearly more are clean than after qemu-img check -r all ($clean, $qemu_clean)"
more "$back" "$qemu_back" 130 "clearly more have all bytes back ($back, $qemu_back)"
tap_end
