#!/usr/bin/env bash
# The command line: exit codes, what is said and where, and that neither the format nor the
# number of threads changes the answer. SPEC.md, section 3.
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
export XDG_STATE_HOME=$tmp/.state TERM=xterm
unset NO_COLOR CLICOLOR_FORCE

# Runs vmend; sets code, and the files out and err beside the work folder.
run() {
	"$vmend" "$@" >"$tmp/.out" 2>"$tmp/.err" </dev/null
	code=$?
}

said() { # NAME CODE PATTERN   the last run ended so, and stdout or stderr has the pattern
	local bad=
	[ "$code" -eq "$2" ] || bad+="exit $code, wanted $2"$'\n'
	[ -z "$3" ] || grep -qE -- "$3" "$tmp/.out" "$tmp/.err" || bad+="nothing said like: $3"$'\n'
	[ -z "$bad" ] || bad+=$(head -c 2000 "$tmp/.out" "$tmp/.err")
	silent "$1" "$bad"
}

one_line() { # NAME   stderr of the last run is one line, stdout is empty
	is "$1" "$(wc -l <"$tmp/.err") $(wc -c <"$tmp/.out")" "1 0"
}

valid_json() { # NAME FILE
	if have jq; then
		silent "$1" "$(jq empty "$2" 2>&1; iconv -f UTF-8 -t UTF-8 "$2" 2>&1 >/dev/null)"
	else
		skip "$1" "no jq"
	fi
}

json() { # NAME FILTER WANTED   about the last run's report
	if have jq; then
		is "$1" "$(jq -c "$2" "$tmp/.out" 2>&1)" "$3"
	else
		skip "$1" "no jq"
	fi
}

edits() { # FILTER   offset, length and base64 of each edit
	jq -r "$1 | .edits[] | [.byte_offset, .byte_length, .base64 // (.text | @base64)] | @tsv" "$tmp/.out"
}

no_journal() { # FOLDER   complains when there is one
	local f
	for f in "$1"/*.vmend-undo; do [ ! -e "$f" ] || echo "$f"; done
}

clean_domain() {
	echo "<domain type='kvm'><name>clean</name><memory>1048576</memory><os><type>hvm</type></os></domain>"
}

bad_domain() { # one warning, which has an unsafe fix
	cat <<'END'
<domain type='kvm'>
  <name>bad</name><memory>1048576</memory><os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe'/>
      <source file='/srv/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
END
}

fixable_domain() { # one error, which has a safe fix
	cat <<'END'
<domain type='kvm'>
  <name>fixable</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'><source><address bus='1'/></source></hostdev>
    <iommu model='intel'><driver intremap='off'/></iommu>
  </devices>
</domain>
END
}

bad_image() { # FILE   one warning, which has a safe fix
	printf 'size 8M\ngpt\npart 1 start=1M size=2M\npoke mbr.entry[0].sectors le32 1000\n' >.recipe
	"$mkimg" .recipe "$1"
	rm .recipe
}

# ---- usage ----

run
said "no command is wrong usage" 2 'vmend -h'
run chekc
said "an unknown command is wrong usage, with a suggestion" 2 "did you mean 'check'"
one_line "and one line"
run check --formt=json
said "so is an unknown option" 2 "did you mean '--format'"
run check --select disk-cache-unsaf
said "and an unknown rule" 2 "did you mean 'disk-cache-unsafe'"
run explain disk-cache-unsaf
said "also of explain" 2 "did you mean 'disk-cache-unsafe'"
run fix --rule nonsense
said "also of fix, where nothing is near" 2 'vmend rules'
clean_domain >clean.xml
run clean.xml
said "a path in place of a command gets a hint" 2 'vmend check clean\.xml'
run check --host-mounts nowhere clean.xml
said "a mount table that is not there is wrong usage" 2 'nowhere: '
run check --as qcow2 clean.xml
said "what has a magic is not taken for it on the user's word" 2 "takes raw, not 'qcow2'"
mkdir walked && printf '%01000d' 7 >walked/letter
run check --as raw walked
said "--as does not mean what a walk finds" 0 '^0 inputs checked'
run check --as raw walked/letter
said "but what is named" 1 'img-size-512'
rm -r walked
for words in -h help 'help fix' 'fix --help' 'check -h' --version version; do
	# shellcheck disable=SC2086
	run $words
	said "vmend $words" 0 'vmend'
done
for lib in libxml2 jansson libyaml zlib libzstd; do
	run version
	said "vmend version names $lib" 0 "^$lib [0-9]+\."
done
run rules
said "rules lists rules" 0 'pmbr-size'
run explain pmbr-size
said "explain tells why" 0 '^Why'

# ---- exit codes ----

bad_domain >bad.xml
run check clean.xml
said "nothing found is 0" 0 '^1 input checked, 0 skipped: no findings \([0-9]+ ms\)$'
is "and nothing is printed but the last line" "$(wc -l <.out)" 1
run check bad.xml
said "a warning is 1" 1 'warning\[disk-cache-unsafe\]'
run check --fail-on error bad.xml
said "unless only errors fail" 0 'warning\[disk-cache-unsafe\]'
run check --fail-on never bad.xml
said "or nothing does" 0 'warning\[disk-cache-unsafe\]'
run check --min-severity error bad.xml
said "a hidden warning still counts" 1 '1 below --min-severity'
run check --ignore disk-cache-unsafe bad.xml
said "an ignored rule does not" 0 'no findings'
run check --select pmbr-size bad.xml
said "nor does one that was not selected" 0 'no findings'
run check nowhere.xml clean.xml
said "an input that is not there is 3" 3 'nowhere\.xml: skipped: .*No such file'
run check nowhere.xml bad.xml
said "3 is more than 1" 3 'warning\['
run check --fail-on never nowhere.xml
said "whatever may fail" 3 'skipped'
mkfifo fifo
run check fifo
said "a FIFO that was named is 3" 3 'FIFO'
echo text >notes.txt
run check notes.txt
said "what is not ours is no error, and is not called checked" 0 '^0 inputs checked.* 1 not a VM image'
printf 'QFI\373\0\0\0\3%0512d' 0 >disk.qcow2
run check disk.qcow2
said "of a container with a damaged header, that is found" 1 'error\[qcow2-cluster-bits\]'
run check clean.xml -q
is "--quiet prints nothing" "$code $(cat .out .err | wc -c)" "0 0"
run check -q bad.xml nowhere.xml
is "not even then" "$code $(cat .out .err | wc -c)" "3 0"
if [ -w /dev/full ]; then
	"$vmend" check clean.xml >/dev/full 2>.err
	is "a report that cannot be written is 4" "$?" 4
else
	skip "a report that cannot be written is 4" "no /dev/full"
fi
for format in text concise json; do
	run check --format $format bad.xml
	is "$format does not change the exit code" "$code" 1
done

# ---- standard input ----

bad_domain | "$vmend" check - >.out 2>.err
code=$?
said "- is standard input" 1 '^<stdin>:5:47: warning'
bad_domain | "$vmend" check --format concise --stdin-filename vm.xml - >.out 2>.err
code=$?
said "it can be given a name" 1 '^vm\.xml:5:47: warning\[disk-cache-unsafe\] '
bad_domain | "$vmend" fix --diff --unsafe-fixes - >.out 2>.err
code=$?
said "fix --diff shows its repair" 0 "^-.*cache='unsafe'"
run fix -
said "but fix has nothing to write to" 2 '\-\-diff'
head -c $(((8 << 20) + 1)) /dev/zero | "$vmend" check - >.out 2>.err
code=$?
said "more than 8 MiB are refused" 3 '8388608'

# ---- folders ----

mkdir -p tree/sub/deep tree/.git/info tree/out && cd tree || exit 2
for f in b.xml a.xml sub/c.xml sub/deep/d.xml out/ignored.xml secret.xml ignored.xml .git/e.xml; do
	bad_domain >$f
done
printf '/out/\nignored.*\n' >.gitignore
echo secret.xml >.git/info/exclude
printf 'c.xml\n' >sub/.gitignore
ln -s .. sub/loop
ln -s a.xml link.xml
mkfifo fifo
run check --format concise
is "a walk is in order, and honours .gitignore" \
	"$(cut -d: -f1 ../.out | tr '\n' ' ')" "a.xml b.xml sub/deep/d.xml "
run check --format concise sub .
is "each file is reported once" "$(cut -d: -f1 ../.out | tr '\n' ' ')" \
	"sub/deep/d.xml a.xml b.xml "
run check --format concise ignored.xml link.xml
is "what was named is checked, whatever is ignored" \
	"$(cut -d: -f1 ../.out | tr '\n' ' ')" "ignored.xml link.xml "
cd "$tmp" || exit 2

# ---- threads ----

mkdir many
for i in $(seq 1 40); do
	bad_domain >"many/$i.xml"
	clean_domain >"many/$i.clean.xml"
	fixable_domain >"many/$i.fix.xml"
done
for format in text concise json; do
	for jobs in 1 2 64; do
		"$vmend" check -j$jobs --format $format many 2>&1 |
			sed 's/ ([0-9]* ms)$//; s/"seconds":[0-9.]*/"seconds":0/' >.jobs-$jobs
	done
	silent "$format is the same for -j1, -j2 and -j64" \
		"$(cmp .jobs-1 .jobs-64 2>&1; cmp .jobs-1 .jobs-2 2>&1; [ -s .jobs-1 ] || echo empty)"
done

# ---- colour ----

plain() {
	! grep -q $'\033' .out
}
run check bad.xml
silent "no colour where nobody looks" "$(plain || cat -v .out)"
run check --color always bad.xml
silent "colour when it is asked for" "$(plain && cat .out)"
CLICOLOR_FORCE=1 run check bad.xml
silent "or forced" "$(plain && cat .out)"
NO_COLOR=1 CLICOLOR_FORCE=1 run check bad.xml
silent "NO_COLOR is stronger" "$(plain || cat -v .out)"
NO_COLOR=1 run check --color always bad.xml
silent "and --color strongest" "$(plain && cat .out)"
if have script; then
	script -qec "$vmend check bad.xml" /dev/null </dev/null >.out 2>&1
	silent "a terminal gets colour" "$(plain && cat .out)"
	NO_COLOR=1 script -qec "$vmend check bad.xml" /dev/null </dev/null >.out 2>&1
	silent "but not with NO_COLOR" "$(plain || cat -v .out)"
fi

# ---- reports ----

run check --format json clean.xml bad.xml nowhere.xml
valid_json "json is JSON" .out
json "and has what there is" '[.schema, (.skipped[0].path), .summary.checked, .summary.skipped,
	.summary.warnings, .summary.fixable]' '[1,"nowhere.xml",2,1,1,0]'
json "a finding has its place and its fix" '.findings | [length, (.[0] | .rule, .severity, .path, .line,
	.column, .end_line, .end_column, .byte_offset, .byte_length, .fix.class)]' \
	'[1,"disk-cache-unsafe","warning","bad.xml",5,47,5,53,183,6,"unsafe"]'
if have jq; then
	read -r offset length text < <(edits '.findings[0].fix')
	{
		head -c "$offset" bad.xml
		base64 -d <<<"${text:-}"
		tail -c +$((offset + length + 1)) bad.xml
	} >edited.xml
	run check edited.xml
	said "the edits of a finding are its fix" 0 'no findings'
fi
run check --format json clean.xml
valid_json "json without findings is JSON" .out
name=$'n\033[2J\377"\\\n.xml'
bad_domain >"$name"
run check --format json "$name" "$name.gone"
valid_json "a path of any bytes is JSON" .out
for format in text concise; do
	run check --format $format "$name"
	silent "$format shows it without harm" "$(grep -aP '\x1b|\xff' .out)$(grep -q 'n\\x1b\[2J\\xff' .out || cat -v .out)"
done
rm "$name"
run check --output json=r.json --output concise=r.txt --output text=r.text bad.xml
said "several reports in one run" 1 'warning\[disk-cache-unsafe\]:'
valid_json "one of them is JSON" r.json
is "one is concise" "$(grep -c '^bad.xml:5:47: warning\[disk-cache-unsafe\] ' r.txt)" 1
is "the text is the same as on standard output" "$(grep -v ' ms)$' r.text)" "$(grep -v ' ms)$' .out)"
cp bad.xml same.xml
run check --output json=same.xml same.xml
said "a report does not overwrite what it is about" 2 'overwrite'
silent "and has not" "$(cmp bad.xml same.xml 2>&1)"
run check --output json=same.xml clean.xml
said "nor any other config" 2 'overwrite'
silent "which is as it was" "$(cmp bad.xml same.xml 2>&1)"
run check --output json=notes.txt notes.txt
said "nor anything that was named" 2 'overwrite'
mkdir again && cp clean.xml again/ && cd again || exit 2
run check --output json=report.json
run check --output json=report.json
said "but its own report of before" 0 '^1 input checked'
cd "$tmp" || exit 2
run check --output json=no/such/folder bad.xml
said "a report that cannot be made is wrong usage" 2 'output'

# ---- excerpts ----

{ printf '<domain type="kvm"><name>'; head -c 5000 /dev/zero | tr '\0' x; printf '</name><memory>1048576</memory><os><type>hvm</type></os>'
	bad_domain | sed 1d | tr -d '\n'; } >long.xml
run check long.xml
said "a long line is cut around the span" 1 '^1 \| \.\.\..*\.\.\.$'
silent "to the width of a page" "$(awk 'length > 160' .out)"
printf '<domain type="kvm"><name>t</name><memory>1048576</memory><os><type>hvm</type></os>\n\t<devices>\n\t\t<disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="unsafe"/><source file="/a"/><target dev="vda" bus="virtio"/></disk>\n\t</devices></domain>' >tabs.xml
run check tabs.xml
# The carets stand under the word, with tabs as blanks.
is "tabs do not move the carets" "$(awk '/cache=/ && !n { n = index($0, "unsafe\"") }
	/\^\^\^/ { print index($0, "^") - n; exit }' .out)" 0

# ---- fix and undo ----

fixable_domain >fix.xml && cp fix.xml before.xml
run fix --diff fix.xml
said "fix --diff shows what would be changed" 0 "^\+.*caching_mode='on'"
silent "and changes nothing" "$(cmp fix.xml before.xml 2>&1)"
if have patch; then
	cp fix.xml patched.xml
	silent "patch takes it" "$(patch -s patched.xml <.out 2>&1)"
fi
run fix --quiet fix.xml
is "fix can be quiet" "$code $(cat .out .err | wc -c)" "0 0"
[ ! -f patched.xml ] || silent "fix does what --diff showed" "$(cmp fix.xml patched.xml 2>&1)"
run fix fix.xml
said "a second fix finds nothing" 0 'no findings'
run undo fix.xml
said "undo takes it back" 0 'took'
silent "byte for byte" "$(cmp fix.xml before.xml 2>&1)"
run undo fix.xml
said "once" 3 'not undone'
run fix --rule disk-cache-unsafe fix.xml
said "--rule leaves the others alone" 1 'error\[iommu-vfio-needs-caching-mode\]'
run fix --format json fix.xml
valid_json "fix speaks JSON" .out
json "and says what it did" '[(.fixed[] | .rule, .outcome), (.findings | length), .summary.fixed]' \
	'["iommu-vfio-needs-caching-mode","fixed",0,1]'
run fix bad.xml
said "what is not safe stays" 1 'warning remains, fixable with .vmend fix --unsafe-fixes.'

mkdir images && bad_image images/disk.raw && cp images/disk.raw before.raw
cp before.xml images/vm.xml
run fix images
said "an image that was found in a folder is left alone" 1 '1 image left alone: name it'
silent "and is as it was" "$(cmp images/disk.raw before.raw 2>&1; no_journal images)"
silent "while a text is mended" "$(grep -q "caching_mode='on'" images/vm.xml || cat images/vm.xml)"
repaired() {
	run fix images images/disk.raw
	said "it is mended when it is named" 0 'disk\.raw@0x1ca: fixed\[pmbr-size\]'
	run check images
	said "and clean then" 0 '^2 inputs checked, 0 skipped: no findings'
	run undo images/disk.raw
	silent "undo restores it" "$(cmp images/disk.raw before.raw 2>&1)"
	run fix --format json images/disk.raw
	if have jq; then
		cp before.raw edited.raw
		edits '.fixed[]' | while read -r offset _ text; do
			base64 -d <<<"$text" | dd of=edited.raw bs=1 seek="$offset" conv=notrunc status=none
		done
		silent "the JSON of a repair has its bytes" "$(cmp edited.raw images/disk.raw 2>&1)"
	fi
	"$vmend" undo -q images/disk.raw
	if have qemu-nbd; then
		qemu-nbd -f raw -k "$tmp/nbd" images/disk.raw &
		holder=$!
		for _ in $(seq 1200); do [ -S nbd ] && break; sleep 0.05; done
		run fix images/disk.raw
		said "an image in use is not mended" 3 'disk\.raw: skipped: .*in use'
		silent "and not touched" "$(cmp images/disk.raw before.raw 2>&1; no_journal images)"
		kill $holder
		wait $holder 2>/dev/null
	else
		skip "an image in use is not mended" "no qemu-nbd"
	fi
	chmod 444 images/disk.raw
	if [ "$(id -u)" -ne 0 ]; then
		run fix images/disk.raw
		said "an image that cannot be written is named" 3 'disk\.raw: skipped: .*writing'
	fi
}

# Stops at a call that concerns the image itself.
strace_it() { # INJECTION
	strace -qq -f -o .trace -P "$tmp/images/disk.raw" -e trace=pwrite64,fsync,fdatasync \
		-e inject="$1" "$vmend" fix images/disk.raw >.out 2>.err
}

interrupted() {
	if have strace && strace -o /dev/null true 2>/dev/null; then
		chmod 644 images/disk.raw
		{ strace_it pwrite64:signal=KILL:when=1; } 2>/dev/null
		run check images/disk.raw
		said "a repair that was killed is an error" 1 'error\[img-repair-unfinished\]'
		run fix --diff images/disk.raw
		said "what it would be is not shown" 3 'vmend undo'
		run fix images
		said "nor is it completed when it is found in a folder" 1 '1 image left alone'
		run fix images/disk.raw
		said "but when it is named" 0 'fixed\[img-repair-unfinished\]'
		run check images/disk.raw
		said "it is clean then" 0 'no findings'
		run undo images/disk.raw
		silent "and can still be undone" "$(cmp images/disk.raw before.raw 2>&1)"
		{ strace_it pwrite64:signal=KILL:when=1; } 2>/dev/null
		run undo images/disk.raw
		said "so can one that was not completed" 0 'interrupted'
		silent "byte for byte" "$(cmp images/disk.raw before.raw 2>&1; no_journal images)"

		# The signal comes at the first write; the program ends after the last one.
		strace_it pwrite64:signal=TERM:when=1
		is "SIGTERM in a repair ends the program" "$?" 143
		said "when the repair is done and reported" "$code" 'fixed\[pmbr-size\]'
		run check images/disk.raw
		said "and whole" 0 'no findings'
		"$vmend" undo -q images/disk.raw
	else
		skip "a repair that is killed or stopped" "strace cannot run here"
	fi
}
if is_portable; then
	skip "images are repaired" "a portable build repairs no images"
else
	repaired
	interrupted
fi

# With standard output closed, the image must not get its number.
chmod 644 images/disk.raw
"$vmend" fix images/disk.raw >&- 2>.err
is "a closed standard output is 4" "$?" 4
"$vmend" undo images/disk.raw >&- 2>&-
silent "and nothing but the repair was written" "$(cmp images/disk.raw before.raw 2>&1)"

# ---- inspect ----

run inspect images/disk.raw bad.xml
said "inspect shows facts" 0 'cache +unsafe +5:47'
run inspect --format json images/disk.raw bad.xml
valid_json "also as JSON" .out
json "each with its place" '[(.inputs[0].gpt.partitions[0].first_lba | .value, .byte_offset),
	(.inputs[1].vms[0].disks[0].cache | .state, .value, .line, .column)]' \
	'[2048,1056,"known","unsafe",5,47]'
run rules --format json
valid_json "rules speaks JSON" .out
tap_end
