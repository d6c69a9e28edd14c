#!/usr/bin/env bash
# Texts that strangers wrote, of every flavour: checked in one go, without an error of ours;
# what vmend itself calls an error or a warning is listed in tests/real-findings.txt, each with
# its reason.
# Domain XML besides: read as libxml2 reads it, every place exact, also after seeded damage.
# The files are not part of this repository: VMEND_REAL names the folder, ../shared/real is
# tried otherwise.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
real=${VMEND_REAL:-../shared/real}
MUTANTS=20 # of each domain
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

if [ ! -d "$real" ]; then
	skip "what strangers wrote is checked without an error" "there is no folder $real"
	skip "what is found is listed" "there is no folder $real"
	skip "real domains are read as libxml2 reads them" "there is no folder $real"
	tap_end
	exit 0
fi

# ---- all of it ----

check() { # FORMAT   of the whole folder, on mounts that are the same everywhere
	(cd "$real" && "$vmend" check --host-mounts "$root/tests/lib/mountinfo" --format "$1" .)
}

# 0: nothing found, 1: findings. 3 were a file that could not be read or judged.
began=$EPOCHREALTIME
check concise >"$tmp/found" 2>"$tmp/err"
rc=$?
took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
complaints=
[ $rc -le 1 ] || complaints="exit $rc"$'\n'
[ ! -s "$tmp/err" ] || complaints+=$(cat "$tmp/err")
count=$(check json | grep -oE '"checked": *[0-9]+' | grep -oE '[0-9]+$')
[ "${count:-0}" -ge 900 ] || complaints+="only ${count:-0} of them were looked at"
silent "what strangers wrote is checked without an error" "$complaints"
echo "# $count files in $took ms"

sed -nE 's,^(\./)?(.*)(:[0-9]+:[0-9]+|@0x[0-9a-f]+): (error|warning)\[([^]]*)\] .*,\2 \5,p' "$tmp/found" |
	LC_ALL=C sort >"$tmp/serious"
is "each error and warning is taken from the report" "$(wc -l <"$tmp/serious")" \
	"$(grep -cE ': (error|warning)\[' "$tmp/found")"
sed '/^#/d' tests/real-findings.txt | cut -d ' ' -f 1,2 >"$tmp/listed"
silent "what is found is listed, and what is listed is found" "$(
	declare -A used
	while read -r file rule; do
		known=
		while read -r files of; do
			# shellcheck disable=SC2053 # one line may be about many files
			[[ $rule = "$of" && $file = $files ]] && known=1 used["$files $of"]=1
		done <"$tmp/listed"
		[ "$known" ] || echo "not in tests/real-findings.txt: $file $rule"
	done < <(uniq "$tmp/serious")
	while read -r line; do
		[ "${used[$line]:-}" ] || echo "listed, and not found any more: $line"
	done <"$tmp/listed"
)"
silent "each that is listed has a reason" "$(sed '/^#/d' tests/real-findings.txt | grep -vE '^[^ ]+ [a-z0-9-]+ .+')"

# libvirt is the judge of its own test suite.
sed -nE 's,^(\./)?(libvirt/[^:]*):[0-9]+:[0-9]+: error\[.*,\2,p' "$tmp/found" | LC_ALL=C sort -u >"$tmp/wrong"
awk -F '\t' '$2 == "static" { print "libvirt/" $1 }' "$real/libvirt/REJECTED.tsv" | LC_ALL=C sort >"$tmp/refused"
unseen=$(LC_ALL=C comm -13 "$tmp/wrong" "$tmp/refused")
all=$(wc -l <"$tmp/refused") seen=$(LC_ALL=C comm -12 "$tmp/wrong" "$tmp/refused" | wc -l)
echo "# of $all domains that libvirt refuses by their text alone, $seen are called wrong"
if [ $((seen * 100)) -ge $((all * 95)) ]; then
	ok "95 of 100 domains that libvirt refuses by their text alone are called wrong"
else
	not_ok "95 of 100 domains that libvirt refuses by their text alone are called wrong" "$unseen"
fi
silent "no domain that libvirt accepts is called wrong" \
	"$(sed 's,^,libvirt/,' "$real/libvirt/ACCEPTED.txt" | LC_ALL=C sort | LC_ALL=C comm -12 "$tmp/wrong" -)"

# What is no template for us must be none for its own program.
refused=$(sed -n 's/^\(packer-[^ ]*\) config-syntax$/\1/p' "$tmp/serious" | uniq)
if have packer; then
	silent "packer refuses the templates that are called wrong" "$(
		for f in $refused; do
			! packer validate -syntax-only "$real/$f" >/dev/null 2>&1 || echo "$f is right for packer"
		done
	)"
else
	skip "packer refuses the templates that are called wrong" "packer is not installed"
fi

# ---- domains ----

mapfile -t files < <(find "$real/libvirt/" -name '*.xml' | LC_ALL=C sort)
name="${#files[@]} real domains, and $MUTANTS mutants of each, are read as libxml2 reads them"
if out=$("$build/tools/xmlcheck" $MUTANTS "${files[@]}" 2>&1); then
	ok "$name"
	grep '^# ' <<<"$out"
else
	not_ok "$name" "$out"
fi

# A file that is no domain would be a surprise.
out=$("$vmend" check --format json "${files[@]}" 2>&1)
grep -qE '"checked": *'${#files[@]}'[,}]' <<<"$out" && out=
silent "${#files[@]} real domains are known to be such" "$(grep -oE '"summary".*' <<<"$out")"
tap_end
