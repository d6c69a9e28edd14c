#!/usr/bin/env bash
# `vmend map`: drawings as they should look (tests/map/*.txt), and what is true of the drawing
# and the picture of every image of the corpus.
# usage: tests/map.sh [--bless]    --bless: writes tests/map/*.txt anew; read the diff
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
export LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR CLICOLOR_FORCE

# ---- drawings, line by line ----
# A grown disk, one that is cut off, overlaps, an extended partition with a broken chain, a
# hybrid MBR, no table left, a table in pieces, an accident's remains, a label over a GPT,
# copies that differ, a partition that is not aligned, content whose table is gone.
golden='gpt-grown/bad-twice gpt-truncated/bad-cut gpt-overlap/bad-inside mbr-ebr-loop/bad-back
	pmbr-extra/bad-hybrid gpt-both-corrupt/bad-both-gone gpt-both-corrupt/bad-pieces
	gpt-4k-emptied/bad-grown mbr-stale-gpt/bad-intact gpt-disagree/bad-entries
	gpt-align-4k/bad-63 img-table-lost/bad-zapped'
# ISO images: a download that has not ended, a hybrid one, and one with a path table that is gone.
golden+=' iso-truncated/bad-torn iso-hybrid-gpt/bad-primary iso-path-table/bad-m-gone'
# The file of a QCOW2 and the disk in it: an L2 table that is lost, snapshots, compressed data
# and bitmaps, no L1 table.
golden+=' qcow2-orphan-table/bad-l1-entry qcow2-snapshot-dup/bad-id qcow2-bitmap-inuse/bad-one
	qcow2-l1-offset/bad-zero img-format-polyglot/bad-zip-behind'

# Builds all that a case consists of, in an empty folder of its own, and sets in.
build_case() { # FOLDER-OF-THE-CORPUS
	local f
	rm -rf case && mkdir case || exit 2
	in=case/in.raw
	! grep -qE '^qcow2( |$)' "$1/in.recipe" || in=case/in.qcow2
	for f in "$1"/*; do
		case ${f##*/} in
		in.recipe) "$mkimg" "$f" $in || return 1 ;;
		*.recipe) "$mkimg" "$f" "case/$(basename "$f" .recipe)" || return 1 ;;
		args | fix-args | expect.* | oracle-skip | not-portable | README*) ;;
		*) cp -r "$f" case || return 1 ;;
		esac
	done
}

# Where holes are not seen, nothing is called blank.
! is_portable || { skip "the drawings of tests/map" "a portable build sees no holes" && golden=; }
for g in $golden; do
	want=$root/tests/map/${g/\//-}.txt
	build_case "$root/corpus/$g" || exit 2
	(cd case && "$vmend" map "${in#case/}") >got 2>&1 || echo "exit $?" >>got
	[ "${1:-}" = --bless ] && cp got "$want"
	silent "$g is drawn as in tests/map" "$(diff "$want" got 2>&1)"
done

"$mkimg" "$root/corpus/gpt-overlap/bad-inside/in.recipe" in.raw || exit 2
silent "without UTF-8 it is drawn in ASCII" "$(for l in C POSIX en_US.ISO-8859-1; do
	LC_ALL=$l "$vmend" map in.raw | LC_ALL=C grep -n '[^ -~]'
	LC_ALL=$l "$vmend" map in.raw | grep -q '^|M|H|A|' || echo "$l: no bar"
done)"
is "LANG counts where LC_ALL and LC_CTYPE say nothing" \
	"$(env -u LC_ALL -u LC_CTYPE LANG=de_DE.utf8 "$vmend" map in.raw | grep -c '^│M│')" 1
"$vmend" map --color always in.raw >got
is "colour when asked for" "$(grep -c $'\033\\[' got) lines, else the same: $(sed $'s/\033\\[[0-9;]*m//g' got |
	diff - <("$vmend" map in.raw) && echo yes)" "21 lines, else the same: yes"
is "no colour when nobody looks" "$("$vmend" map in.raw | grep -c $'\033')" 0

# ---- all of the corpus ----
rm -f in.raw got
widest=0
for recipe in "$root"/corpus/*/*/in.recipe; do
	name=${recipe#"$root"/corpus/} name=${name%/in.recipe}
	build_case "${recipe%/in.recipe}" || { echo "$name: mkimg failed" >>bad.drawn; continue; }
	"$vmend" map --svg out.svg $in >got 2>err
	code=$?
	"$vmend" inspect $in >facts 2>&1
	# Not every near miss is a disk.
	if ! grep -qE '^  state +read$' facts || grep -qE '^  format +misnamed$' facts; then
		[ "$code" -eq 3 ] && [ ! -e out.svg ] || echo "$name: exit $code" >>bad.drawn
		continue
	fi
	[ "$code" -eq 0 ] || echo "$name: exit $code" >>bad.drawn
	# The file of a QCOW2 is always drawn, and the disk in it whenever that was read.
	disk=$(sed -n 's/^  guest disk  *//p' facts)
	said=$(tr -s ' \n' ' ' <got)
	if [ "$disk" = read ]; then
		[[ $said == *"the guest's disk: "*", the file: QCOW2"* && $said != *"is not drawn"* ]] || echo "$name: not both are drawn" >>bad.drawn
	elif [ "$disk" ]; then
		[[ $said == *", the file: QCOW2"*"the guest's disk is not drawn: ${disk:0:40}"* ]] ||
			echo "$name: it is not said why the disk is not drawn" >>bad.drawn
		[[ $said != *"the guest's disk: "* ]] || echo "$name: a disk is drawn that was not read" >>bad.drawn
	fi
	[ ! -s err ] || echo "$name: $(cat err)" >>bad.drawn
	iconv -f UTF-8 -t UTF-8 <got >/dev/null 2>&1 || echo "$name" >>bad.utf8
	n=$(wc -L <got)
	[ "$n" -le "$widest" ] || widest=$n
	# Every finding that check shows has its letter and its line.
	checked=$("$vmend" check --format concise $in 2>/dev/null | grep -o '\[[a-z0-9-]*\]' | sort)
	drawn=$(sed -nE 's/^ [a-z] (error|warning|note)(\[[a-z0-9-]*\]).*/\2/p' got | sort)
	[ "$checked" = "$drawn" ] || echo "$name: $checked / $drawn" >>bad.findings
	if have xmllint; then
		xmllint --noout --nonet out.svg 2>>bad.svg || echo "$name" >>bad.svg
	fi
	rm -f out.svg
done
rm -rf case
silent "every image of the corpus is drawn" "$(cat bad.drawn 2>&1 | grep -v 'No such file')"
silent "as UTF-8" "$(cat bad.utf8 2>&1 | grep -v 'No such file')"
is "in 80 columns" "$((widest <= 80))" 1
silent "with the findings of check" "$(cat bad.findings 2>&1 | grep -v 'No such file')"
if have xmllint; then
	silent "as a picture that is well-formed" "$(cat bad.svg 2>&1 | grep -v 'No such file')"
else
	skip "as a picture that is well-formed" "no xmllint"
fi

# ---- names that nobody should trust ----
# </title><script> in UTF-16, U+0001, U+FFFF, a lone surrogate, ESC [, right-to-left override.
cat >evil.recipe <<'END'
size 64M
gpt
part 1 start=1M size=60M name="x"
poke primary.entry[1]+56 bytes 3c 00 2f 00 74 00 69 00 74 00 6c 00 65 00 3e 00
poke primary.entry[1]+72 bytes 3c 00 73 00 63 00 72 00 69 00 70 00 74 00 3e 00
poke primary.entry[1]+88 bytes 26 00 22 00 27 00 01 00 ff ff 00 d8 1b 00 5b 00
poke primary.entry[1]+104 bytes 33 00 31 00 6d 00 2e 20 41 00 00 00
reseal primary
END
"$mkimg" evil.recipe evil.raw || exit 2
"$vmend" map --svg evil.svg evil.raw >got 2>&1
is "a hostile name does not stop the drawing" $? 0
is "and reaches no terminal as it stands" "$(LC_ALL=C grep -c $'[\001-\010\013-\037]' got) \
$(grep -c $'\u202e' got)" "0 0"
is "it is in the drawing" "$(grep -c '\\x1b\[31m' got)" 2
is "and no markup in the picture" "$(grep -c '<script' evil.svg)" 0
if have xmllint; then
	silent "which is well-formed" "$(xmllint --noout --nonet evil.svg 2>&1)"
else
	skip "which is well-formed" "no xmllint"
fi
mv evil.raw '<&"'\''.raw'
"$vmend" map --svg evil.svg '<&"'\''.raw' >/dev/null
if have xmllint; then
	is "so is that of a path" "$(xmllint --xpath 'string(/*/*[1])' evil.svg 2>&1)" "Map of <&\"'.raw"
else
	skip "so is that of a path" "no xmllint"
fi

# ---- what is written, and what is not ----
"$mkimg" "$root/corpus/gpt-grown/bad-twice/in.recipe" in.raw || exit 2
"$mkimg" "$root/corpus/gpt-align-4k/bad-63/in.recipe" two.raw || exit 2
before=$(cksum <in.raw)
refused() { # NAME FILE...   --svg FILE is wrong usage, and FILE stays as it is
	local sum code
	sum=$(cksum 2>&1 <"$2")
	"$vmend" map --svg "$2" in.raw >out 2>err
	code=$?
	is "$1" "$code $(wc -c <out) $(wc -l <err) $(cksum 2>&1 <"$2")" "2 0 1 $sum"
}
refused "the image itself is not replaced by its picture" in.raw
refused "nor is another" two.raw
echo "<domain type='kvm'><name>x</name></domain>" >domain.xml
refused "nor a config" domain.xml
echo text >notes
refused "nor any other file" notes
ln -s nowhere link
"$vmend" map --svg link in.raw >out 2>err
is "nor a symbolic link, nor what it names" "$? $(readlink link) $(ls nowhere 2>/dev/null)" "2 nowhere "
mkdir folder
"$vmend" map --svg folder in.raw >out 2>err
is "nor a folder" "$?" 2
"$vmend" map --svg out.svg in.raw two.raw >out 2>err
is "--svg takes one image" "$? $(wc -c <out) $([ -e out.svg ] && echo there)" "2 0 "
"$vmend" map --svg out.svg notes >out 2>err
is "no image, no picture" "$? $(wc -c <out) $(cat err) $([ -e out.svg ] && echo there)" \
	"3 0 vmend: notes: not a disk image "
"$vmend" map --svg no-such-folder/out.svg in.raw >out 2>err
is "a picture that cannot be written is an error" "$? $(wc -l <err)" "4 1"
: >out.svg
"$vmend" map --svg out.svg in.raw >/dev/null
is "an empty file is filled" "$? $(head -c 4 out.svg)" "0 <svg"
"$vmend" map --svg out.svg two.raw >/dev/null
is "and a picture is replaced" "$? $(grep -c 'Map of two.raw' out.svg)" "0 1"
(umask 027 && "$vmend" map --svg mode.svg in.raw >/dev/null)
is "with the mode of any new file" "$(stat -c %a mode.svg)" 640
is "nothing else is left behind" "$(ls out.svg.* mode.svg.* ./*.vmend-undo 2>/dev/null)" ""
is "and the image is as it was" "$(cksum <in.raw)" "$before"

# ---- the command line ----
"$vmend" map in.raw >out
is "findings do not change the exit code" "$? $(grep -c '^ a warning\[gpt-grown\]' out)" "0 1"
"$vmend" map --min-severity error in.raw >out
is "what is below --min-severity is not marked" "$? $(grep -c gpt-grown out)" "0 0"
"$vmend" map --ignore gpt-grown in.raw >out
is "nor what is ignored" "$? $(grep -c gpt-grown out)" "0 0"
"$vmend" map --select gpt-align-4k in.raw two.raw >out
is "nor what is not selected" "$? $(grep -c 'gpt-grown' out) $(grep -c '^ a warning\[gpt-align-4k\]' out)" "0 0 1"
"$vmend" map in.raw no-such-file two.raw >out 2>err
is "one that cannot be read does not stop the others" \
	"$? $(grep -c '^[a-z.]*: ' out) $(wc -l <err)" "3 2 1"
"$vmend" map domain.xml >out 2>err
is "a config cannot be drawn" "$? $(wc -c <out) $(wc -l <err)" "3 0 1"
"$vmend" map >out 2>err
is "there must be something to draw" "$? $(wc -c <out)" "2 0"
"$vmend" map - >out 2>err </dev/null
is "standard input is not a disk" "$? $(wc -c <out)" "3 0"
"$vmend" map in.raw >/dev/full 2>err
is "a full output is an error" "$? $(wc -l <err)" "4 1"
tap_end
