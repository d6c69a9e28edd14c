#!/usr/bin/env bash
# Input that is hostile, or not ours, ends in a clear finding or error: never in a crash, a
# hang, or more than 64 MiB. SPEC.md section 2, "Limits".
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend mkimg=$build/tools/mkimg maxrss=$build/tools/maxrss
LIMIT_KIB=$((64 << 10))
# Against hangs only; a sanitizer may take its time.
SECONDS_MAX=60
tmp=$(mktemp -d) || exit 2
trap 'chmod -R u+rwx "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
[ -x "$mkimg" ] || { not_ok "$mkimg is built"; exit 1; }

# Sanitizers have shadow memory of their own.
case ${build##*/} in release* | debug*) measured=1 ;; *) measured= ;; esac

# A second of a processor is allowed; on a core that is shared it is twice as long.
MS_MAX=2000
! is_portable || MS_MAX=60000 SECONDS_MAX=600 # where holes are not seen, they are read

# Runs vmend with the rest as arguments; sets code, kib, ms, and the files out and err.
run() {
	local how
	"$maxrss" result $SECONDS_MAX "$vmend" "$@" >out 2>err
	read -r how code kib _ ms _ <result || { how=none code=- kib=0 ms=0; }
	[ "$how" = exit ] || code="$how $code"
}

# Exit code among WANTED ("1|3"), something said that matches SAID, memory within bounds.
expect() { # NAME WANTED SAID
	local bad=
	[[ "$code" =~ ^($2)$ ]] || bad+="exit: $code, wanted: $2"$'\n'
	[ -z "$3" ] || grep -qE -- "$3" out err || bad+="nothing said like: $3"$'\n'
	[ -z "$measured" ] || [ "$kib" -le $LIMIT_KIB ] || bad+="$kib KiB held, at most $LIMIT_KIB allowed"$'\n'
	[ -z "$measured" ] || [ "$ms" -le $MS_MAX ] || bad+="$ms ms of a processor, at most $MS_MAX allowed"$'\n'
	! grep -qE 'vmend: bug at|Sanitizer|runtime error' err || bad+="a bug"$'\n'
	[ -z "$bad" ] || bad+=$(head -c 2000 out err)
	silent "$1" "$bad"
}

image() { # FILE, recipe on stdin
	cat >recipe && "$mkimg" recipe "$1"
}

le32() { # NUMBER
	printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'
}

poke() { # FILE OFFSET ESCAPED-BYTES
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Puts a GPT header's own CRC right. gzip ends in the CRC-32 of what it was given.
seal_header() { # FILE OFFSET
	poke "$1" $(($2 + 16)) '\0\0\0\0'
	dd if="$1" bs=1 skip="$2" count=92 status=none | gzip -c | tail -c 8 | head -c 4 |
		dd of="$1" bs=1 seek=$(($2 + 16)) conv=notrunc status=none
}

# ---- images ----

image entries.raw <<'END'
size 64G
gpt
END
for header in 512 $(((64 << 30) - 512)); do
	poke entries.raw $((header + 80)) "$(le32 $((1 << 28)))"
	poke entries.raw $((header + 88)) "$(le32 0x6522df69)" # of 32 GiB of zeros
	seal_header entries.raw $header
done
run check entries.raw
expect "2^28 GPT entries with valid checksums" '1|3' 'entr'
run fix --diff --lossy-fixes entries.raw
expect "2^28 GPT entries: fix" '1|3' ''

image size.raw <<'END'
size 64M
gpt
END
poke size.raw $((512 + 84)) "$(le32 $((1 << 31)))"
poke size.raw $((512 + 12)) "$(le32 0xffffffff)"
run check size.raw
expect "a GPT whose header and entries claim 4 GiB and 2 GiB" '1|3' 'GPT|header'

image loop.raw <<'END'
size 64M
mbr none
# entry 0: extended, from LBA 2048
poke 446+4 u8 0x0f
poke 446+8 le32 2048
poke 446+12 le32 100000
poke 510 bytes 55 aa
# its first link: a logical partition, and itself as the next link
poke 1M+450 u8 0x83
poke 1M+454 le32 64
poke 1M+458 le32 64
poke 1M+466 u8 0x05
poke 1M+470 le32 0
poke 1M+474 le32 100
poke 1M+510 bytes 55 aa
END
run check loop.raw
expect "an EBR chain that comes back to itself" 1 'logical|extended|EBR|chain'

# The largest file that this file system has.
for size in 8191P 15T 1T; do truncate -s $size huge.raw 2>/dev/null && break; done
poke huge.raw 446 '\0\0\x02\0\xee\xff\xff\xff'"$(le32 1)$(le32 0xffffffff)"
poke huge.raw 510 '\x55\xaa'
run check huge.raw
expect "a disk of $size without a GPT behind its protective MBR" '0|1' ''
rm -f huge.raw

truncate -s 1 one.raw
printf '\x55' >one.raw
: >empty.raw
run check one.raw empty.raw
expect "files of one byte and of none" 0 ''

# ---- QCOW2 ----

# Name, what `inspect` says, and a recipe on stdin: read and judged within the same bounds.
qcow2() {
	image "$1.qcow2"
	run inspect "$1.qcow2"
	expect "QCOW2, $1: inspect" 0 "$2"
	run inspect --format json "$1.qcow2"
	expect "QCOW2, $1: inspect as JSON" 0 ''
	run check "$1.qcow2"
	expect "QCOW2, $1: check" '1|3' ''
	rm -f "$1.qcow2"
}

qcow2 'an L1 table of 32 MiB in a small file' 'cut off by the end of the file' <<'END'
size 64M
qcow2
set header.l1-size 4194304
END
qcow2 'an L1 table of 32 GiB' 'larger than the format allows' <<'END'
size 64M
qcow2
set header.l1-size 0xffffffff
resize 64G
END
qcow2 'the largest tables at once' 'not read: it takes too much memory' <<'END'
size 64M
qcow2 cluster=512 refbits=64
set header.l1-table-offset 1G
set header.l1-size 4194304
set header.refcount-table-offset 2G
set header.refcount-table-clusters 16384
set header.nb-snapshots 65536
set header.snapshots-offset 4G
resize 64G
END
qcow2 '65536 snapshots of zeros' 'snapshots not shown +65036' <<'END'
size 64M
qcow2
set header.nb-snapshots 65536
set header.snapshots-offset 1G
resize 2G
END
qcow2 'a snapshot of 4 GiB' 'not read to its end' <<'END'
size 64M
qcow2
snapshot 1 one
set snapshot[0].extra-data-size 0xfffffff0
resize 1T
END
qcow2 'a header of noise' 'one is too long' <<'END'
size 64M
qcow2 cluster=2M
fill 112 2096640 seed=1
END
qcow2 'a backing file that is itself' 'name +self.qcow2' <<'END'
size 64M
qcow2 backing=self.qcow2:qcow2
END
qcow2 'a backing file on a network' 'name +nbd://nowhere.invalid:1/x' <<'END'
size 64M
qcow2 backing=placeholder-of-the-same-l:raw
poke backing text "nbd://nowhere.invalid:1/x"
END
qcow2 'LUKS without a header' 'encryption +LUKS' <<'END'
size 64M
qcow2
set header.crypt-method 2
END
qcow2 'clusters of 2^255 bytes' 'too damaged' <<'END'
size 64M
qcow2
set header.cluster-bits 255
END

# A small image that has something wrong, for the tests below.
image bad.raw <<'END'
size 4M
gpt
part 1 start=1M size=1M
poke mbr.entry[0].sectors le32 1000
END
run check bad.raw
expect "(the image used below has a finding)" 1 'pmbr'

# ---- texts ----

{
	echo '<!DOCTYPE domain ['
	echo '<!ENTITY a "aaaaaaaaaa">'
	prev=a
	for e in b c d e f g h i j; do
		echo "<!ENTITY $e \"&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;\">"
		prev=$e
	done
	echo ']>'
	echo '<domain type="kvm"><name>&j;</name></domain>'
} >bomb.xml
run check bomb.xml
expect "an XML entity bomb" '1|3' 'bomb\.xml'

printf '<!DOCTYPE domain [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<domain type="kvm"><name>&x;</name></domain>\n' >xxe.xml
run check xxe.xml
expect "an external entity" '1|3' 'xxe\.xml'
run inspect xxe.xml
silent "an external entity is not read" "$(grep -h 'root:' out err)"

{ printf "<domain type='kvm'>" && yes '<a>' | tr -d '\n' | head -c $(((8 << 20) - 64)); } >open.xml
run check open.xml
expect "8 MiB of open tags" '1|3' 'open\.xml'

{ printf "<domain type='kvm'>" && yes '<a/>' | tr -d '\n' | head -c $(((8 << 20) - 64)) && echo '</domain>'; } >flat.xml
run check flat.xml
expect "8 MiB of empty elements" '0|1|3' ''

{ printf "<domain type='kvm'" && seq -f ' a%.0f="x"' 1 400000 | tr -d '\n' && echo '/>'; } >attrs.xml
run check attrs.xml
expect "400000 attributes" '0|1|3' ''

{ printf "<domain type='kvm'><name>" && head -c 9000000 /dev/zero | tr '\0' x && echo '</name></domain>'; } >large.xml
run check large.xml
expect "a text above the limit" '1|3' 'large\.xml'

schema() { # NAME CODES SAID   the rest of a domain on stdin
	{ printf "<domain type='kvm'><name>a</name><memory>1</memory><os><type>hvm</type></os>" && cat && echo '</domain>'; } >schema.xml
	run check --schema-path "$root/corpus/domain-schema/ok-fits" schema.xml
	expect "$1, and a schema" "$2" "$3"
}
within() { # ELEMENT   what stands in it is on stdin
	printf '<%s>' "$1" && tr -d '\n' && printf '</%s>' "$1"
}
card="<interface type='network'><source network='x'/></interface>"
yes 'x<x/>' | head -n 16000 | within a | within metadata | schema "16,000 elements and texts in turn" '0|1' ''
yes 'x<!---->' | head -n 16000 | within a | within metadata | schema "16,000 comments and texts in turn" '0|1' ''
yes '<x/>' | head -n 17000 | within metadata | schema "17,000 elements" 3 'tags'
for _ in {1..240}; do echo "<a b='c'>t<b/>"; done | { cat; for _ in {1..240}; do echo '</a>'; done; } | within metadata | schema "240 elements within each other" '0|1' ''
yes '<wrong/>' | head -n 16000 | within devices | schema "16,000 elements that are wrong" 1 "no element .?wrong"
{ yes "$card" | head -n 4000 && echo '<wrong/>'; } | within devices | schema "an element that is wrong behind 4,000 devices" 1 "no element .?wrong"
{ printf "<disk type='block'><driver name='qemu' type='raw'/><source dev='/dev/%d'/><target dev='vdb' bus='virtio'/></disk>" {1..2500} && echo "<disk type='files'/>"; } | within devices | schema "a value that is wrong behind 2,500 disks" 1 "'files'"
yes "<target dev='a'/>" | head -n 15000 | within disk | within devices | schema "an element that stands 15,000 times" 1 '<target> stands in <disk> a second time'
{ printf '<vcpu>' && head -c 380000 /dev/zero | tr '\0' 1 && echo '</vcpu>'; } | schema "a number of 380,000 digits" 1 'domain-schema'
{ printf '<devices><wrong'; seq -f " a%.0f='x'" 1 250 | tr -d '\n'; printf '/><disk'; seq -f " a%.0f='x'" 1 250 | tr -d '\n'; echo '/></devices>'; } | schema "250 attributes" 1 "'a1' is no attribute of <disk>"
head -c 400000 /dev/zero | tr '\0' x | schema "a text of 400 KB" 3 'bytes'

# Each begins as a Packer template, so that it is read.
legacy='{"builders":[{"type":"qemu"}],"x":'
hcl='source "qemu" "x" {'$'\n''}'$'\n'
# ---- QEMU's words ----

unit='[Service]
ExecStart=/usr/bin/qemu-system-x86_64 '
for what in 'a\\\n' "'" '\\t' '-drive %i,' '-S ' '-set a.b.c=d\\\n# ' "-blockdev '{\"a\":[]}' "; do
	{ printf '%s' "$unit" && yes -- "$what" | tr -d '\n' | head -c 1000000 | sed 's/\\n/\n/g'; } >words.service
	run check words.service
	expect "a unit of a megabyte of words like ${what@Q}" '0|1|3' ''
done
{ printf "%s-device '" "$unit" && yes '{"a":' | tr -d '\n' | head -c 1000000; } >json.service
run check json.service
expect "a megabyte of open objects for -device" '0|1|3' ''
{ printf "%s-blockdev '{" "$unit" && seq -f '"%.0f":{},' 1 60000 | tr -d '\n' && echo "\"driver\":\"raw\"}'"; } >json.service
run check json.service
expect "60,000 objects for -blockdev" '0|1|3' ''
section='[drive "d"]'$'\n''  file = "x"'$'\n'
for what in '[drive "d"]\n' ' \n' 'a\n' 'a="\n' '[' 'file = "' '[device]\ndriver = "intel-iommu"\n' '[global]\ndriver="a"\n'; do
	{ printf '%s' "$section" && yes -- "$what" | tr -d '\n' | head -c 1000000 | sed 's/\\n/\n/g'; } >lines.cfg
	run check lines.cfg
	expect "a megabyte of lines for -readconfig like ${what@Q}" '0|1|3' ''
done
{ printf 'name: a\ntype: virtual-machine\nconfig:\n  raw.qemu.conf: |\n' && yes '    [device "d"]
    a = "b"' | head -c 3900000; } >sections.yaml
run check sections.yaml
expect "raw.qemu.conf of 4 MB of sections" '0|1|3' ''
{ printf "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><devices>" && yes '<disk/>' | head -n 20000
	echo '</devices><qemu:commandline>' && yes "<qemu:arg value='-set'/><qemu:arg value='device.x.share-rw=on'/>" | head -n 12000
	echo '</qemu:commandline></domain>'; } >sets.xml
run check sets.xml
expect "20,000 disks, and 12,000 times -set" '0|1|3' ''
{ printf 'name: a\ntype: virtual-machine\nconfig:\n  raw.qemu: |\n'; yes -- "    -S '
    a'" | head -c 4000000; } >words.yaml
run check words.yaml
expect "raw.qemu of 4 MB of quotes over two lines" '0|1|3' ''

# ---- YAML, shell ----
# Each begins as an instance of Incus, so that it is read.
instance='name: a
type: virtual-machine
config:
  limits.cpu: "1"
'
yaml() { # NAME CODES SAID   the rest of the text is in the file rest
	{ printf '%s' "$instance" && cat rest; } >in.yaml
	run check in.yaml
	expect "$1 in YAML" "$2" "$3"
}
{ printf 'x: ' && yes '[' | tr -d '\n' | head -c 4000000; } >rest
yaml "4 MB of open brackets" 3 'levels.*\(line 5\)'
{ printf 'x: ' && yes '{a: ' | tr -d '\n' | head -c 4000000; } >rest
yaml "4 MB of open braces" 3 'levels.*\(line 5\)'
{ printf 'x:\n' && yes -- '-' | tr '\n' ' ' | head -c 4000000; } >rest
yaml "4 MB of lists in each other" 3 'levels.*\(line 6\)'
awk 'BEGIN { for (i = 0; i < 2700; i++) printf "%*sa:\n", i, "" }' >rest
yaml "2700 maps in each other" 3 'levels.*line'
{ printf 'x: [' && yes 'a' | tr '\n' ',' | head -c 4000000; printf 'a]\n'; } >rest
yaml "2,000,000 values in a list" 3 'line 5'
seq -f 'k%.0f: 1' 1 300000 >rest
yaml "300,000 keys" 3 'line'
{ seq -f 'k%.0f: 1' 1 60000 && echo 'k1: 2'; } >rest
yaml "60,000 keys, one of them twice" '0|1' ''
yes -- '--- 1' | head -n 40000 >rest
yaml "40,000 documents" '0|1' ''
{ echo 'x:' && seq -f '- &a%.0f 1' 1 200000; } >rest
yaml "200,000 anchors" 3 'line'
{ echo 'x: &a 1' && echo 'y:' && yes -- '- *a' | head -n 500000; } >rest
yaml "500,000 aliases" 3 'line'
{
	echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
	for i in {1..60}; do echo "a$i: &a$i [*a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1))]"; done
} >rest
yaml "aliases that quadruple each other, 60 times" '0|1' ''
{
	echo 'a0: &a0 {x0: 1}'
	for i in {1..2000}; do echo "a$i: &a$i {<<: [*a$((i - 1)), *a$((i / 2))], x$i: 1}"; done
} >rest
yaml "maps that are merged, 2000 times" '0|1' ''
{ printf 'x: "' && yes '\x41' | tr -d '\n' | head -c 4000000; } >rest
yaml "4 MB of escapes, and no quote at the end" 1 'in\.yaml:5:.*config-syntax'
{ printf 'x: |\n' && yes ' a' | head -c 4000000; } >rest
yaml "4 MB of a block of text" '0|1' ''
{ printf '# ' && head -c 4000000 /dev/zero | tr '\0' '#'; } >rest
yaml "4 MB of a comment" 0 '1 input checked'
{ printf 'x: !<' && head -c 4000000 /dev/zero | tr '\0' t; } >rest
yaml "a tag of 4 MB" 1 'in\.yaml:5:.*config-syntax'
{ printf 'description: ' && head -c 5000 /dev/zero | tr '\0' x && printf '\n%s' "$instance"; } >in.yaml
run check in.yaml
expect "a first line of 5000 bytes in YAML" 0 '1 input checked'

script='#!/bin/sh
qemu-system-x86_64 -drive file=a.img,format=raw
'
for what in '$(' '${a:-' '`' '"' "'" '((' '{ ' 'if x; then ' 'a=(' '<<E ' '\\' 'case x in a) ' '&& ' 'qemu-img check a.img;' '$((' '"$(' 'f() ' '\\\n'; do
	{ printf '%s' "$script" && yes -- "$what" | tr -d '\n' | head -c 1000000 | sed 's/\\n/\n/g'; } >in.sh
	run check in.sh
	expect "a megabyte of ${what@Q} in a script" '0|3' 'no findings|line [0-9]+'
done
{ printf '%s' "$script" && yes 'qemu-system-x86_64 -drive file=a.img,format=raw' | head -c 1000000; } >in.sh
run check in.sh
expect "21,000 commands of QEMU in a script" '0|3' 'no findings|line [0-9]+|memory'
{ printf '%s' "$script" && seq 1 30000 | sed 's/.*/a&="$a&$a&"/'; } >in.sh
run check in.sh
expect "30,000 variables in a script" '0|3' 'no findings|line [0-9]+|memory'
{ printf 'guest_os="linux"\ndisk_img="a.qcow2"\n' && yes 'a="b"' | head -c 1000000; } >in.conf
run check in.conf
expect "160,000 assignments in a .conf" 3 'line [0-9]+'

# ---- JSON, HCL ----

{ echo "$legacy" && yes '[' | tr -d '\n' | head -c 8000000; } >deep.json
run check deep.json
expect "8 MB of open brackets in JSON" '1|3' 'deep\.json'
{ echo "${legacy}[" && yes '1,' | tr -d '\n' | head -c 8000000 && echo '1]}'; } >flat.json
run check flat.json
expect "4,000,000 numbers in JSON" '1|3' 'flat\.json'
{ echo "$legacy{" && seq -f '"%.0f":1,' 1 60000 | tr -d '\n' && echo '"1":1}}'; } >names.json
run check names.json
expect "60,000 names in an object, one of them twice" 1 'names\.json'
{ echo "$legacy\"" && head -c 7000000 /dev/zero | tr '\0' x && echo '"}'; } | tr -d '\n' >string.json
run check string.json
expect "a string of 7 MB in JSON" '0|1|3' ''
{ echo "$hcl" && yes 'a {' | head -c 4000000; } >deep.pkr.hcl
run check deep.pkr.hcl
expect "4 MB of open blocks in HCL" '1|3' 'deep\.pkr'
for open in '(' '[' '{b=' '"${' 'f(' '!' '-' 'a?'; do
	{ printf '%sx = ' "$hcl" && yes "$open" | tr -d '\n' | head -c 4000000; } >deep.pkr.hcl
	run check deep.pkr.hcl
	expect "4 MB of $open in HCL" '1|3' 'deep\.pkr'
done
{ echo "$hcl" && yes 'x {}' | head -c 8000000; } >flat.pkr.hcl
run check flat.pkr.hcl
expect "1,600,000 blocks in HCL" '1|3' 'flat\.pkr'
{ printf '%sx = <<E\n' "$hcl" && yes 'EE ${' | head -c 8000000; } >heredoc.pkr.hcl
run check heredoc.pkr.hcl
expect "8 MB of a heredoc without an end" '1|3' 'heredoc\.pkr'
{
	printf 'locals {\n  a0 = "%s"\n' "$(head -c 4000 /dev/zero | tr '\0' x)"
	for i in {1..200}; do echo "  a$i = \"\${local.a$((i - 1))}\${local.a$((i - 1))}\""; done
	echo '}'
	for i in {1..2000}; do printf 'source "qemu" "%s" {\n  vm_name = local.a%s\n}\n' $i $((i % 200)); done
} >bomb.pkr.hcl
run check bomb.pkr.hcl
expect "locals that double each other, 2000 times" '0|1|3' ''
{ echo 'source "qemu" "x" {' && seq -f '  nothing%.0f = 1' 1 40000 && echo '}'; } >members.pkr.hcl
run check members.pkr.hcl
expect "40,000 members that the builder does not have" 1 'nothing40000'
{
	seq -f 'source "qemu" "x%.0f" {}' 1 2500
	echo 'build {'
	seq -f '  source "qemu.x%.0f" { headless = true }' 1 2500
	echo '}'
} >uses.pkr.hcl
run check uses.pkr.hcl
expect "2,500 sources, and a build that adds to each" '0|1' ''
mkdir beside && {
	echo 'source "tart-cli" "x" { from_ipsw = var.x }' >beside/in.pkr.hcl
	ln -s /dev/zero beside/a.pkr.hcl && mkfifo beside/b.pkr.hcl && truncate -s 1T beside/c.pkr.hcl
}
run check beside/in.pkr.hcl
expect "files beside a template that are endless" '0|1|3' ''

printf "<domain type='kvm'><name>\x1b[2J\xff\xfe</name></domain>" >control.xml
run check control.xml
expect "control characters and bytes that are no UTF-8" '0|1|3' ''
silent "no control character reaches the report" "$(grep -ahP '\x1b|\xff' out err)"

yes "<domain type='kvm'>" | {
	run check -
	expect "an endless standard input" '1|3' ''
}
tap_n=$((tap_n + 1)) # that one was counted in a subshell

# ---- file system ----

mkfifo fifo.raw
run check fifo.raw
expect "a FIFO that was named" 3 'fifo\.raw'
run check /dev/zero
expect "an endless device" 3 '/dev/zero'
run check nowhere.raw
expect "a file that is not there" 3 'nowhere\.raw'

mkdir tree && mkfifo tree/fifo.raw && cp --sparse=always bad.raw tree/ && ln -s . tree/again && ln -s ../tree tree/up
run check --format concise tree
expect "a folder with a FIFO and links to itself" 1 'tree/bad\.raw'
is "each file of it is reported once" "$(cut -d@ -f1 out | sort -u)" "tree/bad.raw"

chain=$(printf 'dir/%.0s' {1..900})
mkdir deep && (cd deep && mkdir -p "$chain" && cd "$chain" && mkdir -p "$chain")
run check deep
expect "1800 folders in each other, more than PATH_MAX and than open files" '0|3' ''

printf '%s' '<domain/>' >"$(printf 'n\x1b[2J\n\xff.xml')"
run check --format concise .
silent "a file name cannot write to the terminal" "$(grep -ahP '\x1b|\xff' out err)"

if [ "$(id -u)" -ne 0 ]; then
	cp --sparse=always bad.raw secret.raw && chmod 000 secret.raw
	run check secret.raw
	expect "no permission to read" 3 'ermission'
elif have setpriv && install -m 755 "$vmend" "$tmp/vmend-copy" && chmod 711 "$tmp" &&
	setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/vmend-copy" version >/dev/null 2>&1; then
	cp --sparse=always bad.raw secret.raw && chmod 600 secret.raw
	setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/vmend-copy" check "$tmp/secret.raw" >out 2>err
	code=$? kib=0 ms=0
	expect "no permission to read" 3 'ermission'
else
	skip "no permission to read" "root reads everything, and setpriv does not work here"
fi

# ---- while it is read ----

cp --sparse=always bad.raw shrinks.raw
(
	end=$((SECONDS + 20))
	while [ $SECONDS -lt $end ] && [ ! -f stop ]; do
		truncate -s 0 shrinks.raw
		cp --sparse=never bad.raw shrinks.raw
	done
) 2>/dev/null &
writer=$!
bad=''
for _ in $(seq 100); do
	run check shrinks.raw
	[[ "$code" =~ ^[013]$ ]] || bad+="exit: $code: $(head -c 300 err)"$'\n'
done
: >stop
wait $writer
silent "a file that shrinks and grows while it is read, 100 times" "$bad"

# ---- the other end ----

"$vmend" check bad.raw >/dev/full 2>err
code=$? kib=0 ms=0
: >out
expect "a report that cannot be written" 4 '.'
"$vmend" check bad.raw >&- 2>err
code=$?
expect "a standard output that is closed" '1|4' ''
# shellcheck disable=SC2069
"$vmend" check bad.raw 2>&- >out
code=$?
: >err
expect "a standard error that is closed" 1 'pmbr'
(trap '' PIPE; "$vmend" check bad.raw bad.raw bad.raw 2>err; echo $? >rc) | :
code=$(cat rc)
: >out
expect "a reader that has gone" '1|4' ''

mkdir full && cp --sparse=always bad.raw full/
"$vmend" fix full/bad.raw >/dev/full 2>err
code=$?
silent "a repair whose report cannot be written is whole or not at all" "$(
	"$vmend" check full/bad.raw >/dev/null 2>&1
	again=$?
	[[ $again =~ ^[01]$ ]] || echo "check: exit $again"
	[ $code -le 4 ] || echo "fix: exit $code"
	if ! cmp -s full/bad.raw bad.raw; then
		"$vmend" undo full/bad.raw >/dev/null 2>&1
		cmp full/bad.raw bad.raw 2>&1
	fi
)"
tap_end
