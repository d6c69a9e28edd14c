#!/usr/bin/env bash
# check --schema: the verdict is xmllint's, on files of strangers and on our own; and each of
# many seeded faults in a large healthy domain is named where it is, in our own words.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
vmend=${VMEND_BUILD:-$root/build/release}/vmend
healthy=$root/tests/schema/healthy.xml
real=$root/../shared/real/libvirt
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2

says() { # ARGUMENT...   the findings of --schema, and other talk
	"$vmend" check --no-policy --select domain-schema --format concise "$@" 2>&1
}

# ---- the option ----

mkdir none && printf '<domain type="kvm"/>' >in.xml
"$vmend" check --schema-path none in.xml >out 2>err
is "a folder without a schema is wrong usage" "$? $(cat err)" \
	"2 vmend: --schema-path none: has no domain.rng: No such file or directory"
echo '<grammar/>' >bad.rng
"$vmend" check --schema-path bad.rng in.xml >out 2>err
is "so is what is no schema" "$? $(cat err)" \
	"2 vmend: --schema-path bad.rng: is no RELAX NG schema that libxml2 can read"
"$vmend" check --schema-path /dev/zero in.xml >out 2>err
is "and what never ends" "$? $(cat err)" "2 vmend: --schema-path /dev/zero: is no file"

# What is asked of our reader only: libxml2 knows more of RELAX NG than that.
cat >more.rng <<'END'
<grammar xmlns='http://relaxng.org/ns/structure/1.0'>
  <start><element name='domain'><attribute name='type'/><grammar><start><element name='a'><empty/></element></start></grammar></element></start>
</grammar>
END
is "a schema that only libxml2 understands still has a verdict" "$(says --schema-path more.rng in.xml)" \
	"in.xml:1:1: warning[domain-schema] <domain> does not fit libvirt's schema, and what is the matter is not known"
cat >net.rng <<'END'
<grammar xmlns='http://relaxng.org/ns/structure/1.0'>
  <include href='http://schema.invalid/domain.rng'/>
</grammar>
END
if have strace; then
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=%network -o trace "$vmend" check --schema-path net.rng in.xml >out 2>err
	is "nothing is fetched" "$? $(grep -c 'socket(' trace)" "2 0"
else
	skip "nothing is fetched" "no strace"
fi

if ! "$vmend" check --schema in.xml >out 2>err && grep -q 'is not installed' err; then
	skip "libvirt's schema" "it is not installed"
	tap_end
	exit 0
fi

# ---- seeded faults ----

is "the healthy domain has no finding" "$(says --schema "$healthy")" ""

# The first finding is at TEXT, and says what matches MESSAGE.
fault() { # NAME SED TEXT MESSAGE
	local got line column at
	sed -E "$2" "$healthy" >seeded.xml
	if cmp -s "$healthy" seeded.xml; then
		not_ok "$1" "the fault is not in the domain"
		return
	fi
	got=$(says --schema seeded.xml | head -1)
	IFS=: read -r _ line column _ <<<"$got"
	at=$(sed -n "${line:-0}p" seeded.xml | cut -c "${column:-1}"-)
	if [[ $at == "$3"* && $got =~ $4 ]] && ! grep -qiE 'interleave|extra element|validat' <<<"$got"; then
		ok "$1"
	else
		not_ok "$1" "said:   $got"$'\n'"at:     $at"$'\n'"wanted: $3: $4"
	fi
}

fault "an element of the domain is misspelt" 's/<(\/?)features>/<\1featurs>/' 'featurs>' '<featurs> is no element of <domain>; did you mean <features>\?'
fault "one of a device" 's/<serial>W0001<\/serial>/<serail>W0001<\/serail>/' 'serail>' 'no element of <disk>; did you mean <serial>\?'
fault "one deep below" 's/relaxed /relxed /' 'relxed' 'no element of <hyperv>; did you mean <relaxed>\?'
fault "a device" 's/<watchdog/<watchdgo/' 'watchdgo' 'no element of <devices>; did you mean <watchdog>\?'
fault "one with a prefix" 's/qemu:env/qemu:envv/' 'qemu:envv' '<qemu:envv> is no element of <qemu:commandline>; did you mean <env>\?'
fault "one that is unlike any other" 's/<panic model=.isa.\/>/<zzzzzz\/>/' 'zzzzzz' '<zzzzzz> is no element of <devices>$'
fault "an attribute of a disk" "s/cache='none' io/cach='none' io/" "cach='none'" "<driver> has no attribute 'cach'; did you mean 'cache'\?"
fault "one that is required" "s/<target dev='vda'/<target dve='vda'/" "dve='vda'" "<target> has no attribute 'dve'; did you mean 'dev'\?"
fault "one of a value that decides" "s/<interface type='bridge'/<interface typ='bridge'/" "typ='bridge'" "<interface> has no attribute 'typ'; did you mean 'type'\?"
fault "one of another element" "s/<target dev='vdb' bus/<target dev='vdb' discard='unmap' bus/" "discard=" "'discard' is no attribute of <target>"
fault "one that belongs to a child" "s/<disk type='block' /<disk type='block' protocol='rbd' /" "protocol='rbd'" "'protocol' is no attribute of <disk>, but of <source>"
fault "one of the domain" "s/<domain type='kvm'/& flavor='x'/" "flavor='x'" "'flavor' is no attribute of <domain>"
fault "the kind of a device" "s/device='cdrom'/device='cdrm'/" "cdrm'" "<disk> has device='cdrm', expected .*cdrom"
fault "a type that decides what else there is" "s/disk type='network'/disk type='netwrok'/" "netwrok'" "<disk> has type='netwrok', expected .*network"
fault "a word of two" "s/<relaxed state='on'/<relaxed state='yes'/" "yes'" "<relaxed> has state='yes', expected on or off"
fault "text of an element" 's/>restart<\/on_crash/>retart<\/on_crash/' 'retart' "<on_crash> is 'retart', expected .*restart"
fault "a number" "s/<page size='2'/<page size='two'/" "two'" "<page> has size='two', expected a number"
fault "a number that is too large" "s/timeout='3000'/timeout='70000'/" "70000'" "<bootmenu> has timeout='70000', expected a number from 0 to 65535"
fault "a UUID" 's/<uuid>0a1b/<uuid>0a1/' '0a12c3d' "<uuid> is '0a12c3d-.*, expected a UUID"
fault "a MAC address" "s/52:54:00:11:22:33/52:54:00:11:22/" "52:54:00:11:22'" "<mac> has address='52:54:00:11:22', expected a MAC address"
fault "a path that is not absolute" 's/<emulator>\/usr/<emulator>usr/' 'usr/bin/qemu' '<emulator> is .usr/bin/qemu-system-x86_64., expected an absolute path'
fault "a set of CPUs" "s/cpuset='0-3'/cpuset='0..3'/" "0..3'" "<vcpu> has cpuset='0..3', expected a set of CPUs"
fault "a unit" "s/<memory unit='GiB'/<memory unit='Gb\/s'/" "Gb/s'" "<memory> has unit='Gb/s', expected a unit such as KiB"
fault "a slot of PCI" "s/slot='0x02'/slot='0x20'/" "0x20'" "<address> has slot='0x20', expected"
fault "a text that is empty" 's/<name>warehouse<\/name>/<name><\/name>/' '<name>' '<name> is empty, expected'
fault "an attribute that is empty" "s/<target dev='vdc'/<target dev=''/" "dev=''" "<target> has dev='', expected"
fault "an element that is required" '/<name>/d' '<domain ' '<domain> lacks <name>$'
fault "one of a device" "/<target dev='vda'/d" "<disk type='file' device='disk'>" '<disk> lacks <target>$'
fault "one that its type asks for" "/<source network='default'/d" "<interface type='network'>" "<interface> with type='network' lacks <source>"
fault "one of the firmware" '/<type arch/d' '<os>' '<os> lacks <type>'
fault "an attribute that is required" "s/<target dev='vdb' /<target /" "<target bus='virtio'/>" "<target> lacks the attribute 'dev'"
fault "one of a device" "s/<memballoon model='virtio'>/<memballoon>/" '<memballoon>' "<memballoon> lacks the attribute 'model'"
fault "one deep below" "s/<vcpupin vcpu='1' /<vcpupin /" '<vcpupin ' "<vcpupin> lacks the attribute 'vcpu'"
fault "one that its type asks for" "s/<source network='default'\/>/<source\/>/" '<source/>' "<source> lacks the attribute 'network'"
fault "an element of the domain among the devices" '/<iothreads>/d; s/<devices>/&<iothreads>2<\/iothreads>/' 'iothreads>' '<iothreads> is no element of <devices>, but of <domain>'
fault "a device outside of them" "s/<devices>/<panic model='isa'\/>&/" 'panic' '<panic> is no element of <domain>, but of <devices>'
fault "an element beside its parent" "s/<clock offset='utc'>/<timer name='pit'\/>&/" "timer name='pit'" '<timer> is no element of <domain>, but of <clock>'
fault "an element of the host device on its own" "s/<rom bar='off'\/>/<vendor id='0x046d'\/>/" "vendor id" '<vendor> (is no element of|does not go with)'
fault "a name that stands twice" 's/<name>warehouse<\/name>/&<name>again<\/name>/' 'name>again' '<name> stands in <domain> a second time'
fault "a target" "s/<target dev='vdb' bus='virtio'\/>/&<target dev='vdx'\/>/" "target dev='vdx'" '<target> stands in <disk> a second time'
fault "two kinds of processors" 's/<clock /<cpu mode="host-model"\/>&/' 'cpu mode="host-model"' '<cpu> stands in <domain> a second time'
fault "a source that its type does not have" "s/<source file='\/srv/<source dev='\/srv/" "dev='/srv" "dev='/srv/vm/warehouse.qcow2' of <source> does not go with type='file' of <disk>"
fault "a device for a bridge" "s/<source bridge='br0'/<source dev='br0'/" "dev='br0'" "dev='br0' of <source> does not go with type='bridge' of <interface>"
fault "a model of another controller" "s/model='pcie-root-port'/model='virtio-scsi'/" "model='virtio-scsi'" "model='virtio-scsi' of <controller> does not go with type='pci'"
fault "a type that is missing for what follows" "s/<disk type='network' device='disk'>/<disk device='disk'>/" "protocol='rbd'" "protocol='rbd' of <source> does not go with <disk> without the attribute 'type'"
fault "text between elements" 's/<features>/&on/' 'on' "<features> has the text 'on', expected none"
fault "text in an element that has none" 's/<acpi\/>/<acpi>yes<\/acpi>/' 'yes' "<acpi> has the text 'yes', expected none"
fault "another namespace" "s/libvirt.org\/schemas\/domain\/qemu/libvirt.example\/schemas\/domain\/qemu/" 'qemu:commandline' '<qemu:commandline> is no element of <domain>'

sed -E "s/<vcpupin vcpu='1' /<vcpupin /; s/cache='none' io/cach='none' io/; s/<panic model='isa'\/>/<zz\/>/; s/>destroy</>destry</" "$healthy" >seeded.xml
is "several faults are named, in the order of the text" "$(says --schema seeded.xml | sed 's/.*warning.domain-schema. //')" \
	"<vcpupin> lacks the attribute 'vcpu'
<on_poweroff> is 'destry', expected destroy, restart, preserve or rename-restart
<driver> has no attribute 'cach'; did you mean 'cache'?
<zz> is no element of <devices>"
{ sed '/<devices>/q' "$healthy"; yes '<zz/>' | head -n 2000; sed '1,/<devices>/d' "$healthy"; } >seeded.xml
is "of 2000 faults 20 are named" "$(says --schema seeded.xml | grep -c 'no element of <devices>')" 20

# ---- what is no domain ----

{ echo '<domainsnapshot><name>a</name>' && sed 's/<name>/<naem>/; s/<\/name>/<\/naem>/' "$healthy" && echo '</domainsnapshot>'; } >snapshot.xml
is "a domain in another file is left to its owner" "$(says --schema snapshot.xml | grep -c domain-schema)" 0
is "without --schema nothing is said" "$(says seeded.xml)" ""

# ---- xmllint is the judge ----

if ! have xmllint; then
	skip "xmllint comes to the same verdicts" "no xmllint"
	tap_end
	exit 0
fi
schema=
for schema in /usr/share /usr/local/share /opt/homebrew/share /usr/pkg/share /run/current-system/sw/share; do
	schema+=/libvirt/schemas/domain.rng
	[ ! -f "$schema" ] || break
done

agree() { # NAME FILE...
	local name=$1
	shift
	"$vmend" check --no-policy --format concise "$@" 2>/dev/null | sed -n 's/:[0-9]*:[0-9]*: error.config-syntax.*//p' | sort -u >broken
	xmllint --noout --relaxng "$schema" "$@" 2>&1 | sed -n 's/ fails to validate$//p' | sort -u >theirs
	says --schema "$@" | sed -n 's/:[0-9]*:[0-9]*: warning.domain-schema.*//p' | sort -u >ours
	silent "$name" "$(comm -3 theirs ours | grep -vxFf broken | sed 's/^[^\t]/xmllint alone refuses &/; s/^\t/vmend alone refuses /')"
}

mapfile -t files < <(grep -lE "^<domain( |>)" "$root"/corpus/*/*/{in,fixed}.xml)
agree "as xmllint says, on ${#files[@]} files of the corpus" "${files[@]}"
if [ -d "$real" ]; then
	mapfile -t files < <(find "$real" -name '*.xml' | sort)
	agree "and on ${#files[@]} files of strangers" "${files[@]}"
	says --schema "${files[@]}" >all
	silent "each in words that are not libxml2's, and none without a reason" \
		"$(grep -iE 'interleave|extra element|relax-ng|failed to validate|what is the matter is not known' all)"
	says --schema -j1 "${files[@]}" >one
	says --schema -j16 "${files[@]}" >many
	is "any number of threads says the same" "$(cmp one all && cmp many all)" ""
else
	skip "and on the files of strangers" "there are none here"
fi
tap_end
