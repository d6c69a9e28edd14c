#!/usr/bin/env bash
# Every format says the same: read back by parsers that we did not write, with the same exit
# code; SARIF validates, and its fixes, applied by somebody else, give what fix writes.
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob extglob
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export XDG_STATE_HOME=$tmp/state LC_ALL=C.UTF-8

formats="json jsonl sarif sarif-github gitlab junit checkstyle github"
# A python3 that is not the system's has not its modules.
python=python3
for p in python3 /usr/bin/python3; do
	! "$p" -c 'import jsonschema, junitparser' 2>/dev/null || { python=$p && break; }
done
read=("$python" "$root/tests/lib/readreports.py")

# Inputs of many kinds, below names that formats have to escape.
collect() { # FOLDER
	local case f n=0
	mkdir -p "$1/a b%,:&<>\"'"
	for case in "$root"/corpus/*/bad*; do
		for f in "$case"/in.{xml,yaml,json,pkr.hcl,pkr.json,conf,sh,service,plist}; do
			[ -f "$f" ] || continue
			n=$((n + 1))
			cp "$f" "$1/a b%,:&<>\"'/$n-é.${f#*/in.}"
		done
	done
	for f in pmbr-size gpt-backup-dead mbr-boot-flag gpt-primary-dead qcow2-l1-size qcow2-copied; do
		for case in "$root/corpus/$f"/bad*; do
			[ -f "$case/in.recipe" ] && "$mkimg" "$case/in.recipe" "$1/$f-${case##*/}" >/dev/null 2>&1
		done
	done
	chmod -R u+w "$1"
	: >"$1/empty.xml"
	printf '<domain type="kvm"><name>x</name>' >"$1/broken.xml"
}

# path TAB rule TAB severity TAB line, as the reader prints it
wanted() { # FORMAT CONCISE
	local line='\2'
	case $1 in sarif-github | gitlab | checkstyle) image=1 ;; *) image=- ;; esac
	sed -nE "s/^(.*):([0-9]+):[0-9]+: (error|warning|note)\[([a-z0-9-]+)\] .*/\1\t\4\t\3\t$line/p
		s/^(.*)@(guest:)?0x[0-9a-f]+: (error|warning|note)\[([a-z0-9-]+)\] .*/\1\t\4\t\3\t$image/p" "$2" | sort
}

# JUnit has no severity for what does not fail: a note.
compare() { # FORMAT
	local n
	"${read[@]}" findings "$1" "$tmp/$1.out" 2>"$tmp/err" | sort >"$tmp/got"
	wanted "$1" "$tmp/concise.out" >"$tmp/wanted"
	diff "$tmp/wanted" "$tmp/got" | head -20
	# The last line is how many it says were suppressed.
	sed '$d' "$tmp/err"
	case $1 in json | jsonl | sarif | junit) n=$(grep -oE '[0-9]+ suppressed' "$tmp/text.out") ;; *) n=0 ;; esac
	[ "$(tail -1 "$tmp/err")" = "${n%% *}" ] || echo "suppressed: $(tail -1 "$tmp/err"), not $n"
}

has_python() { # MODULE...
	local m
	for m; do "$python" -c "import $m" 2>/dev/null || return 1; done
}

check_formats() {
	local f code
	cd "$tmp/in" || exit 2
	"$vmend" check --format concise >"$tmp/concise.out" 2>"$tmp/concise.err"
	code=$?
	silent "there is something to say" "$([ "$(wc -l <"$tmp/concise.out")" -gt 100 ] || cat "$tmp/concise.out" "$tmp/concise.err")"
	for f in $formats text markdown; do
		"$vmend" check --format "$f" >"$tmp/$f.out" 2>"$tmp/$f.err"
		is "$f: the exit code is the same" "$?" "$code"
		"$vmend" check --quiet --output "$f=$tmp/$f.file"
		sed -i 's/"seconds":[0-9.]*//; s/([0-9.]* m\?s)$//' "$tmp/$f.out" "$tmp/$f.file"
		silent "$f: --output writes what stdout has" "$(cmp "$tmp/$f.out" "$tmp/$f.file" 2>&1)"
		sed -i 's/"fixable":\([0-9]*\),}/"fixable":\1}/; s/"fixed":\([0-9]*\),}/"fixed":\1}/' "$tmp/$f.out"
	done
	for f in $formats; do
		if [ "$f" = junit ] && ! has_python junitparser; then
			skip "$f: the findings are the same" "no python3-junitparser"
		elif has_python json; then
			silent "$f: the findings are the same" "$(compare "$f")"
		else
			skip "$f: the findings are the same" "no python3"
		fi
	done
	is "markdown: the findings are the same" "$(grep -c '^| .* | \(error\|warning\|note\) | ' "$tmp/markdown.out")" "$(wc -l <"$tmp/concise.out")"
}

check_schema() {
	local f
	if ! has_python jsonschema; then
		skip "SARIF validates" "no python3-jsonschema"
		return
	fi
	(cd "$tmp" && npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 && tar xzf microsoft-jest-sarif-*.tgz) >/dev/null 2>&1
	if [ ! -f "$tmp/package/lib/schemas/sarif-2.1.0-rtm.5.json" ]; then
		skip "SARIF validates" "npm has no schema"
		return
	fi
	for f in sarif sarif-github; do
		silent "$f validates" "$("${read[@]}" schema "$tmp/package/lib/schemas/sarif-2.1.0-rtm.5.json" "$tmp/$f.out" 2>&1)"
	done
}

# One rule at a time, and files of which it has one finding with a fix.
check_fixes() { # RULE FILE
	local rule=$1 file=$2 n
	rm -rf "$tmp/one" "$tmp/two"
	mkdir "$tmp/one"
	cp "$file" "$tmp/one/"
	chmod -R u+w "$tmp/one"
	cp -r "$tmp/one" "$tmp/two"
	cd "$tmp/one" || exit 2
	"$vmend" check --select "$rule" --format sarif --output "sarif=$tmp/fix.sarif" >/dev/null 2>&1
	n=$("${read[@]}" apply "$tmp/fix.sarif" "$tmp/one" 2>&1)
	(cd "$tmp/two" && "$vmend" fix --unsafe-fixes --select "$rule" ./*) >/dev/null 2>&1
	find "$tmp/two" -name '*vmend*' -delete
	# A fix that only holds together with that of another rule.
	! cmp -s "$file" "$tmp/two/${file##*/}" || return
	[ "$n" = 1 ] || echo "fixes in the report: $n"
	diff -r "$tmp/one" "$tmp/two" | head -20
}

check_fixes_of_corpus() {
	local case f rule bad="" n=0
	for case in "$root"/corpus/*/bad*; do
		f=("$case"/fixed.*)
		[ ${#f[@]} = 1 ] || continue
		# Of these one file is all.
		f=("$case"/!(expect.*|fixed.*))
		[ ${#f[@]} = 1 ] || continue
		rule=${case%/*}
		rule=${rule##*/}
		[ "$(grep -c "\[$rule\]" "$case/expect.1") $(grep -c '\[' "$case/expect.1")" = "1 1" ] || continue
		n=$((n + 1))
		bad+=$(check_fixes "$rule" "${f[0]}" | sed "s|^|${case#"$root"/corpus/}: |")
	done
	silent "SARIF's fixes give what fix writes, in $n texts" "$bad"
	[ "$n" -gt 30 ] || not_ok "texts to compare" "$n"
	f=("$root"/corpus/pmbr-size/bad*/in.recipe)
	"$mkimg" "${f[0]}" "$tmp/disk.raw" >/dev/null
	silent "SARIF's fix of an image gives what fix writes" "$(check_fixes pmbr-size "$tmp/disk.raw")"
}

# What GitHub shows is the line that names an image, where a config does.
check_anchors() {
	local f=("$root"/corpus/mbr-no-signature/bad*/in.recipe)
	have jq || { skip "anchors of images" "no jq" && return; }
	mkdir "$tmp/anchors"
	cd "$tmp/anchors" || exit 2
	"$mkimg" "${f[0]}" disk.raw >/dev/null
	cp disk.raw alone.raw
	sed 's|/var/lib/libvirt/images/files.qcow2|disk.raw|; s/qcow2/raw/' "$root/corpus/disk-cache-unsafe/bad-main-disk/in.xml" >z.xml
	"$vmend" check --format sarif-github --output sarif=spec.sarif . >out.sarif
	is "an image that a config names is at that line" "$(jq -r '.runs[0].results[] | select(.ruleId == "mbr-no-signature") |
		[.locations[0].physicalLocation.artifactLocation.uri, .locations[0].physicalLocation.region.startLine,
		 .relatedLocations[0].physicalLocation.artifactLocation.uri, .partialFingerprints.primaryLocationLineHash] | @csv' out.sarif)" \
		'"alone.raw",1,,
"z.xml",14,"disk.raw","599a98b7fd9df31:1"'
	is "in SARIF as such it is at its bytes" "$(jq -r '.runs[0].results[] | select(.ruleId == "mbr-no-signature") |
		.locations[0].physicalLocation | "\(.artifactLocation.uri) \(.region.byteOffset)"' spec.sarif | sort)" "alone.raw 510
disk.raw 510"
	is "a finding in a text has its line's hash" "$(jq -r '.runs[0].results[] | select(.ruleId == "disk-cache-unsafe") |
		.partialFingerprints.primaryLocationLineHash' out.sarif)" "835ba755265aa928:1"
}

mkdir "$tmp/in"
collect "$tmp/in"
check_formats
check_schema
check_anchors
if has_python json; then check_fixes_of_corpus; else skip "SARIF's fixes" "no python3"; fi
tap_end
