#!/usr/bin/env bash
# .vmend.yaml: which one counts, what comes before what, and what is said about one that is
# wrong. SPEC.md, 8.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export XDG_STATE_HOME=$tmp/.state LC_ALL=C.UTF-8

bad() { # a warning with an unsafe fix
	cat "$root/corpus/disk-cache-unsafe/bad-main-disk/in.xml"
}

fresh() { # a repository with three files
	rm -rf "$tmp/repo"
	mkdir -p "$tmp/repo/.git" "$tmp/repo/sub/deep"
	cd "$tmp/repo" || exit 2
	bad >a.xml
	bad >sub/b.xml
	bad >sub/deep/c.xml
}

policy() { # FOLDER   from standard input
	cat >"$tmp/repo/$1/.vmend.yaml"
}

severities() { # what check says, as "file:severity ...", and its exit code
	"$vmend" check --format concise "$@" >"$tmp/out" 2>"$tmp/err"
	local rc=$?
	sed -nE 's/^([^:]*):[0-9]+:[0-9]+: ([a-z]+)\[.*/\1:\2/p' "$tmp/out" | tr '\n' ' '
	echo "$rc"
}

complains() { # NAME PATTERN   exit 2, one line on stderr, nothing on stdout
	"$vmend" check >"$tmp/out" 2>"$tmp/err"
	is "$1: exit code, lines" "$? $(wc -l <"$tmp/out") $(wc -l <"$tmp/err")" "2 0 1"
	silent "$1" "$(grep -qE -- "$2" "$tmp/err" || cat "$tmp/err")"
}

all="a.xml:warning sub/b.xml:warning sub/deep/c.xml:warning 1"

test_severity() {
	fresh
	is "no policy" "$(severities)" "$all"
	: | policy .
	is "an empty policy decides nothing" "$(severities)" "$all"
	policy . <<-'END'
		severity:
		  disk-cache-unsafe: error
	END
	is "a severity" "$(severities)" "${all//warning/error}"
	is "--no-policy" "$(severities --no-policy)" "$all"
	policy . <<-'END'
		paths:
		  - files: sub/*.xml
		    severity: {disk-cache-unsafe: note}
		  - files: [sub/deep/, "never/**"]
		    ignore: [disk-cache-unsafe]
	END
	is "per path" "$(severities)" "a.xml:warning sub/b.xml:note 1"
	is "a rule that was selected is never ignored" "$(severities --select disk-cache-unsafe)" "a.xml:warning sub/b.xml:note sub/deep/c.xml:warning 1"
	cd sub || exit 2
	is "paths count from the policy, wherever vmend runs" "$(severities)" "b.xml:note 0"
}

test_which() {
	fresh
	policy . <<<'severity: {disk-cache-unsafe: error}'
	policy sub <<<'severity: {disk-cache-unsafe: note}'
	is "the closest counts" "$(severities)" "a.xml:error sub/b.xml:note sub/deep/c.xml:note 1"
	policy sub <<<'fail-on: never'
	is "others do not" "$(severities)" "a.xml:error sub/b.xml:warning sub/deep/c.xml:warning 1"
	policy sub <<-'END'
		extends: ../.vmend.yaml
		fail-on: never
	END
	is "but for what it extends" "$(severities)" "a.xml:error sub/b.xml:error sub/deep/c.xml:error 1"
	is "fail-on, of those below" "$(severities sub)" "sub/b.xml:error sub/deep/c.xml:error 0"
	is "the command line's fail-on comes first" "$(severities --fail-on warning sub)" "sub/b.xml:error sub/deep/c.xml:error 1"
	is "--policy" "$(severities --policy sub/.vmend.yaml)" "a.xml:error sub/b.xml:error sub/deep/c.xml:error 0"
	rm sub/.vmend.yaml
	mkdir sub/.git
	is "nothing above a repository counts" "$(severities)" "a.xml:error sub/b.xml:warning sub/deep/c.xml:warning 1"
}

test_selection() {
	fresh
	policy . <<<'select: [config-syntax]'
	is "select" "$(severities)" "0"
	policy sub <<-'END'
		extends: ../.vmend.yaml
		select: [disk-cache-unsafe]
	END
	is "select takes the place of what was extended" "$(severities)" "sub/b.xml:warning sub/deep/c.xml:warning 1"
}

test_fix() {
	fresh
	policy . <<<'fix: {disk-cache-unsafe: safe}'
	is "a fix that was made safe" "$("$vmend" fix -q a.xml; grep -c unsafe a.xml)" "0"
	"$vmend" undo -q a.xml
	policy . <<<'fix: {disk-cache-unsafe: never}'
	is "a fix that is never done" "$("$vmend" fix -q --unsafe-fixes a.xml; grep -c unsafe a.xml)" "1"
}

test_host() {
	fresh
	rm -r a.xml sub
	cp "$root/corpus/incus-iommu-default/bad-story-no-root-after-upgrade/in.yaml" a.yaml
	policy . <<<'target: {incus: 6.10.0}'
	is "a target" "$(severities)" "a.yaml:warning 1"
	is "the command line's target comes first" "$(severities --target incus=6.9.0)" "0"
}

test_suppression() {
	fresh
	rm -r sub
	sed -i 's|^    <disk |    <!-- vmend: ignore[disk-cache-unsafe] scratch -->\n&|' a.xml
	is "a suppression" "$(severities)" "0"
	policy . <<<'unsuppressable: [disk-cache-unsafe]'
	is "a rule that cannot be suppressed" "$(severities)" "a.xml:note a.xml:warning 1"
}

test_mistakes() {
	fresh
	policy . <<<'severty: {}'
	complains "an unknown key" "\.vmend\.yaml:1:1: there is no key 'severty'; did you mean 'severity'\?"
	policy . <<<$'fail-on: error\nseverity:\n  disk-cache-unsave: note'
	complains "an unknown rule" "\.vmend\.yaml:3:3: there is no rule 'disk-cache-unsave'; did you mean 'disk-cache-unsafe'\?"
	policy . <<<'severity: {disk-cache-unsafe: bad}'
	complains "an unknown word" ":1:12: this takes error, warning or note"
	policy . <<<'ignore: disk-cache-unsafe'
	complains "a word for a list" "this takes a list of rules"
	policy . <<<$'a: b\n c: [d'
	complains "no YAML" "\.vmend\.yaml:[0-9]+: "
	policy . <<<'extends: .vmend.yaml'
	complains "a loop" "more than 8 policies extend each other"
	policy . <<<'extends: none.yaml'
	complains "a policy that is not there" "none\.yaml: .*No such file"
	policy . <<<'path-map: {/srv: ./images}'
	complains "a folder that is not there" "there is no folder './images'"
	policy . <<<$'paths:\n  - ignore: [disk-cache-unsafe]'
	complains "no files" "\`files\` is missing"
	policy . <<<$'paths:\n  - files: a\n    fail-on: error'
	complains "a key that is not per path" "there is no key 'fail-on' here"
	policy . <<<'target: {incus: new}'
	complains "a version" "a version looks like 6\.10\.0"
}

# ---- a team's own rules ----

qemu() { # a command line with the same fault
	printf '#!/bin/sh\nqemu-system-x86_64 -machine q35 -drive file=/srv/a.qcow2,format=qcow2,cache=unsafe,if=virtio\n'
}

incus() {
	printf 'architecture: x86_64\nconfig:\n  security.secureboot: "false"\ndevices:\n  root:\n    path: /\n    pool: default\n    type: disk\n    io.cache: unsafe\ntype: virtual-machine\n'
}

fresh_team() { # three flavours, and a row that is about all of them, from standard input
	fresh
	rm -r sub
	qemu >b.sh
	incus >c.yaml
	cat >.vmend.yaml
}

row() { # what team-cache is, with these lines in it
	printf 'ignore: [disk-cache-unsafe]\nrules:\n  team-cache:\n    field: disk.cache\n    not: unsafe\n    message: our hosts lose power\n'
	printf '    %s\n' "$@"
}

test_team() {
	fresh_team < <(row 'severity: error' 'set: none' 'fix: safe')
	is "a row is about every flavour" "$(severities)" "a.xml:error b.sh:error c.yaml:error 1"
	is "what it says" "$("$vmend" check --format concise a.xml)" \
		"a.xml:13:47: error[team-cache] disk.cache is 'unsafe', expected anything but 'unsafe': our hosts lose power"
	is "where it comes from" "$("$vmend" check a.xml | sed -n 's/^ *= rule: //p')" ".vmend.yaml:3"
	is "explain" "$("$vmend" explain team-cache | sed -n '1p;/^Source/{n;p}')" \
		"error[team-cache]: our hosts lose power
  .vmend.yaml:3"
	is "rules" "$("$vmend" rules | tail -n 1)" "error   safe    team-cache                     our hosts lose power"
	is "no policy, no such rule" "$("$vmend" explain --no-policy team-cache 2>&1 | cut -d';' -f1; echo "${PIPESTATUS[0]}")" \
		"vmend: explain: there is no rule 'team-cache'
2"
	cp a.xml was.xml
	"$vmend" fix -q a.xml b.sh c.yaml
	is "one row mends them all" "$(grep -ho 'cache[=:] *[a-z'\'']*' a.xml b.sh c.yaml | tr '\n' ' ')" "cache='none' cache=none cache: none "
	is "and nothing else" "$(diff was.xml a.xml | grep -c '^[<>]')" "2"
	is "then it is gone" "$(severities a.xml b.sh c.yaml)" "0"
	"$vmend" undo -q a.xml
	silent "undo" "$(cmp was.xml a.xml 2>&1)"
}

test_team_like_others() {
	fresh_team < <(row 'set: none')
	is "a fix is unsafe unless the row says otherwise" "$("$vmend" fix -q a.xml; grep -c unsafe a.xml)" "1"
	is "--select" "$(severities --select team-cache)" "a.xml:warning b.sh:warning c.yaml:warning 1"
	is "--ignore" "$(severities --ignore team-cache)" "0"
	is "--no-policy" "$(severities --no-policy)" "a.xml:warning b.sh:warning c.yaml:warning 1"
	is "fix --rule" "$("$vmend" fix -q --unsafe-fixes --rule team-cache a.xml; grep -c unsafe a.xml)" "0"
	"$vmend" undo -q a.xml
	printf 'paths:\n  - files: b.sh\n    severity: {team-cache: note}\n  - files: c.yaml\n    ignore: [team-cache]\n' >>.vmend.yaml
	is "per path" "$(severities)" "a.xml:warning b.sh:note 1"
	sed -i 's|^    <disk |    <!-- vmend: ignore[team-cache] scratch -->\n&|' a.xml
	is "a suppression" "$(severities)" "b.sh:note 0"
	is "which is nobody's business without the policy" "$(severities --no-policy --ignore disk-cache-unsafe)" "0"
	sed -i 's/team-cache\]/team-cash]/' a.xml
	is "a wrong one" "$("$vmend" check a.xml | grep -o "there is no rule 'team-cash'.*")" \
		"there is no rule 'team-cash', so nothing is suppressed; did you mean 'team-cache'?"
	sed -i 's/team-cash\]/team-cache]/; s/unsafe/none/' a.xml
	is "one that is not needed any more" "$(severities a.xml)" "a.xml:note 0"
	"$vmend" check --write-baseline base.json -q .
	sed -i '2i # a comment' b.sh
	is "a baseline" "$(severities --baseline base.json)" "0"
	printf 'unsuppressable: [team-cache]\n' >>.vmend.yaml
	sed -i 's/cache=.none/cache='\''unsafe/' a.xml
	is "one that cannot be suppressed" "$(severities a.xml)" "a.xml:note a.xml:warning 1"
	if have jq; then
		"$vmend" check -q --output sarif=out.sarif --output json=out.json
		is "SARIF has its row" "$(jq -r '.runs[0].tool.driver.rules[] | select(.id == "team-cache") | .shortDescription.text' out.sarif)" "our hosts lose power"
		is "findings have fingerprints, which are theirs" "$(jq -r '[.findings[] | select(.rule == "team-cache") | .fingerprint] | length, (unique | length)' out.json | tr '\n' ' ')" "2 2 "
	fi
}

node_row() { # NODE LINE...
	printf 'rules:\n  team-x:\n    node: "%s"\n    message: no\n' "$1"
	shift
	printf '    %s\n' "$@"
}

# What a row finds in c.yaml, and what mending makes of it.
found() {
	"$vmend" check --format concise c.yaml | sed -nE 's/^c.yaml:([0-9]*):.*\[team-x\] (.*): no$/\1 \2/p' | tr '\n' ';'
}

test_team_node() {
	fresh_team < <(node_row config/security.secureboot 'not: "false"' 'remove: true' 'fix: safe')
	is "a path" "$(found)" "3 config/security.secureboot is 'false', expected anything but 'false';"
	is "its fix" "$("$vmend" fix -q c.yaml; grep -c secureboot c.yaml)" "0"
	fresh_team < <(node_row config/limits.cpu 'at-least: 2')
	is "what is not there is no number" "$(found)" ""
	fresh_team < <(node_row config/limits.cpu 'not: null' 'set: 2' 'fix: safe')
	is "what has to be there" "$(found)" "2 config/limits.cpu is not set, expected a value;"
	is "is written" "$("$vmend" fix -q c.yaml; grep limits c.yaml)" '  limits.cpu: "2"'
	fresh_team < <(node_row 'devices/*/io.cache' 'is: [none, null]' 'when: {type: disk}')
	is "any one, and what is beside it" "$(found)" "9 devices/*/io.cache is 'unsafe', expected 'none' or nothing;"
	fresh_team < <(node_row 'devices/*/io.cache' 'is: none' 'when: {type: nic}')
	is "what is beside it is another" "$(found)" ""
	fresh_team < <(node_row '**/io.cache' 'matches: "n*"')
	is "at any depth" "$(found)" "9 **/io.cache is 'unsafe', expected to match 'n*';"
	fresh_team < <(node_row '**/io.cache' 'not: unsafe' 'format: [libvirt, script]')
	is "in other formats" "$(found)" ""
	fresh_team < <(node_row domain/devices/disk/driver@cache 'not-matches: uns*' 'set: none' 'fix: safe')
	is "an attribute" "$("$vmend" fix -q a.xml; grep -o "cache='[a-z]*'" a.xml)" "cache='none'"
	fresh_team < <(node_row domain/os/type@machine 'is: pc')
	is "a value of another" "$("$vmend" check --format concise a.xml | grep -c team-x)" "1"
}

# A rule that its reader can refute is none.
test_team_unknown() {
	fresh_team < <(printf 'rules:\n  team-x:\n    field: %s\n    %s\n    message: no\n' vm.firmware 'is: efi')
	is "what is not set in an instance of Incus may be in a profile" "$("$vmend" check --format concise c.yaml | grep -c team-x)" "0"
	is "in libvirt it is not set" "$("$vmend" check --format concise a.xml | grep -c "vm.firmware is not set, expected 'efi'")" "1"
	sed -i 's|<domain .*|<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">|; s|</domain>|<qemu:commandline><qemu:arg value="-nodefaults"/></qemu:commandline></domain>|' a.xml
	is "with words for QEMU it may be there" "$("$vmend" check --format concise a.xml | grep -c team-x)" "0"
	# shellcheck disable=SC2016 # for the shell that is read
	printf '#!/bin/sh\nqemu-system-x86_64 -drive file=/srv/a.raw,format=raw,cache=$MODE\n' >b.sh
	printf 'rules:\n  team-x:\n    field: disk.cache\n    is: none\n    message: no\n' >.vmend.yaml
	is "a variable is unknown" "$("$vmend" check --format concise b.sh | grep -c team-x)" "0"
	printf '#!/bin/sh\nqemu-system-x86_64 -drive file=/srv/a.raw,format=raw\n' >b.sh
	is "an option that is not there" "$("$vmend" check --format concise b.sh | grep -c "disk.cache is not set, expected 'none'")" "1"
	printf 'rules:\n  team-x:\n    field: disk.cache\n    is: none\n    when: {disk.device: cdrom}\n    message: no\n' >.vmend.yaml
	is "only where the rest is so" "$("$vmend" check --format concise b.sh | grep -c team-x)" "0"
}

test_team_extends() {
	fresh_team < <(row 'severity: error')
	mkdir sub
	mv b.sh sub
	printf 'extends: ../.vmend.yaml\nseverity: {team-cache: note}\n' >sub/.vmend.yaml
	is "a row that is extended" "$(severities)" "a.xml:error c.yaml:error sub/b.sh:note 1"
	printf 'extends: ../.vmend.yaml\nrules:\n  team-cache:\n    field: disk.cache\n    is: unsafe\n    message: x\n' >sub/.vmend.yaml
	is "and one that takes its place" "$(severities)" "a.xml:error c.yaml:error 1"
	is "--select has both of a name" "$(severities --select team-cache)" "a.xml:error c.yaml:error 1"
}

wrong_row() { # NAME PATTERN LINE...
	local name=$1 pattern=$2
	shift 2
	fresh
	{
		printf 'rules:\n  team-x:\n'
		printf '    %s\n' "$@"
	} >.vmend.yaml
	complains "$name" "^vmend: .*/\.vmend\.yaml:.*$pattern"
}

test_team_mistakes() {
	wrong_row "no field" "3:5: there is no field 'disk.cash'; did you mean 'disk.cache'\?" 'field: disk.cash' 'is: x' 'message: x'
	wrong_row "neither field nor node" "2:3: a rule has a \`field\` or a \`node\`" 'is: x' 'message: x'
	wrong_row "no test" "2:3: a test is missing" 'field: disk.cache' 'message: x'
	wrong_row "two tests" "a rule has one test" 'field: disk.cache' 'is: x' 'not: y' 'message: x'
	wrong_row "no message" "\`message\` is missing" 'field: disk.cache' 'is: x'
	wrong_row "an unknown key" "6:5: there is no key 'sevrity'; did you mean 'severity'\?" 'field: disk.cache' 'is: x' 'message: x' 'sevrity: note'
	wrong_row "an unknown severity" "6:5: this takes error, warning or note" 'field: disk.cache' 'is: x' 'message: x' 'severity: bad'
	wrong_row "no number" "4:5: this takes a whole number" 'field: disk.cache' 'at-least: many' 'message: x'
	wrong_row "no path" "3:5: 'a//b' is no path of a setting" 'node: a//b' 'is: x' 'message: x'
	wrong_row "no format" "there is no format 'libvrt'; did you mean 'libvirt'\?" 'node: a/b' 'is: x' 'message: x' 'format: libvrt'
	wrong_row "an image" "'qcow2' is no format of a config" 'node: a/b' 'is: x' 'message: x' 'format: qcow2'
	wrong_row "a fix that the rule finds again" "6:5: the rule finds what it makes of it: expected 'x'" 'field: disk.cache' 'is: x' 'message: x' 'set: y'
	wrong_row "a class without a fix" "there is nothing to fix it with" 'field: disk.cache' 'is: x' 'message: x' 'fix: safe'
	wrong_row "both fixes" "a rule sets or removes" 'field: disk.cache' 'is: [x, null]' 'message: x' 'set: x' 'remove: true'
	wrong_row "what is beside something else" "'iommu.model' stands beside other settings than 'disk.cache'" 'field: disk.cache' 'is: x' 'message: x' 'when: {iommu.model: intel}'
	fresh
	printf 'rules:\n  cache:\n    field: disk.cache\n' >.vmend.yaml
	complains "a name" "2:3: a rule of a team is called team-WORD"
}

# ---- the machines that the configs are for ----

test_machine() {
	fresh
	rm -r a.xml sub
	printf "<domain type='kvm'><name>a</name><memory>1048576</memory><os><type>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator><disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/srv/isos/a.iso'/><target dev='sda' bus='sata'/><readonly/></disk></devices></domain>\n" >a.xml
	is "a path of which nothing is known" "$(severities)" "0"
	policy . <<<'network-path: {/srv/isos: nfs vers=3}'
	is "a path that is on a network" "$("$vmend" check --format concise | grep -c "locking-network-medium.*'/srv/isos' (nfs)")" "1"
	policy . <<<'network-path: {/srv/isos: nfs vers=3 nolock}'
	is "with options" "$(severities)" "0"
	policy . <<<'network-path: {srv: nfs}'
	complains "a path that is not absolute" "an absolute path stands here"

	fresh
	rm -r a.xml sub
	printf 'variable "cache" {\n  type    = string\n  default = "none"\n}\nsource "qemu" "a" {\n  iso_url          = "a.iso"\n  iso_checksum     = "none"\n  disk_cache       = var.cache\n}\nbuild {\n  sources = ["source.qemu.a"]\n}\n' >a.pkr.hcl
	local rule=disk-cache-unsafe
	is "a variable's default" "$(severities --select $rule)" "0"
	policy . <<<'var: {cache: unsafe}'
	is "a variable" "$(severities --select $rule)" "a.pkr.hcl:warning 1"
	is "the command line's comes first" "$(severities --select $rule --var cache=none)" "0"
	printf 'cache = "none"\n' >none.hcl
	is "its file too" "$(severities --select $rule --var-file none.hcl)" "0"
	printf 'cache = "unsafe"\n' >unsafe.pkrvars.txt
	policy . <<<'var-file: [unsafe.pkrvars.txt]'
	is "a file of variables" "$(severities --select $rule)" "a.pkr.hcl:warning 1"
	policy . <<<$'var-file: [unsafe.pkrvars.txt]\nvar: {cache: none}'
	is "a variable comes before the policy's files" "$(severities --select $rule)" "0"
	policy . <<<'var-file: [not-there]'
	complains "a file that is not there" "1:12: 'not-there': .*No such file"
	policy . <<<'var: {cache: [a]}'
	complains "a list" "this takes a value"

	fresh
	rm -r a.xml sub
	"$build/tools/mkimg" "$root/corpus/gpt-sector-size/bad-up/in.recipe" a.raw
	is "sectors that are not known" "$(severities)" "0"
	policy . <<<$'paths:\n  - files: a.raw\n    sector-size: 4096'
	is "sectors of some files" "$("$vmend" check --format concise | grep -c gpt-sector-size)" "1"
	is "the command line's come first" "$("$vmend" check --format concise --sector-size 512 | grep -c gpt-sector-size)" "0"
}

test_show_config() {
	fresh
	policy . <<<$'severity:\n  disk-cache-unsafe: error\nfix: {disk-cache-unsafe: never}'
	policy sub <<<$'extends: ../.vmend.yaml\nseverity: {disk-cache-unsafe: note}'
	printf 'a = 1\n' >v.hcl
	policy sub/deep <<-'END'
		require-reason: true
		sector-size: 512
		allow-root: [.]
		path-map: {/srv: .}
		target: {incus: 6.10.0}
		network-path: {/srv/nfs: nfs vers=3}
		var: {a: b}
		var-file: [../../v.hcl]
		rules:
		  team-cache: {field: disk.cache, is: [none, null], message: no}
		paths:
		  - files: c.xml
		    sector-size: 4096
	END
	is "show-config: every key" "$("$vmend" show-config sub/deep/c.xml | sed "s|$tmp/repo/sub/deep|.|g; s|$tmp/repo|.|g; s|\./\.\./\.\.|.|" | sort)" \
		"  allow-root .    ./.vmend.yaml:3
  network-path /srv/nfs: nfs vers=3    ./.vmend.yaml:6
  path-map /srv: .    ./.vmend.yaml:4
  paths.sector-size 4096    ./.vmend.yaml:13
  require-reason true    ./.vmend.yaml:1
  rules team-cache: disk.cache, expected 'none' or nothing    ./.vmend.yaml:10
  target incus: 6.10.0    ./.vmend.yaml:5
  var a: b    ./.vmend.yaml:7
  var-file ./v.hcl    ./.vmend.yaml:8
sub/deep/c.xml: ./.vmend.yaml"
	rm sub/deep/.vmend.yaml
	"$vmend" show-config sub/b.xml a.xml >"$tmp/out"
	is "show-config: what counts, and where it stands" "$(sed -E "s|$tmp/repo|.|g; s|sub/\.\./||" "$tmp/out")" \
		"sub/b.xml: ./sub/.vmend.yaml
  fix disk-cache-unsafe: never    ./.vmend.yaml:3
  severity disk-cache-unsafe: note    ./sub/.vmend.yaml:2
a.xml: ./.vmend.yaml
  severity disk-cache-unsafe: error    ./.vmend.yaml:2
  fix disk-cache-unsafe: never    ./.vmend.yaml:3"
}

keys_of() { # FILTER   of the schema's properties
	jq -r "$1 | keys[]" "$root/docs/vmend.schema.json" | sort | tr '\n' ' '
}

defined() { # MACRO REST   the keys of policy.def whose row goes on so
	sed -nE "s/^$1\\(\"([a-z-]*)\", $2\$/\\1/p" "$root/cli/policy.def" | sort | tr '\n' ' '
}

# The schema for editors names every key, and no other.
test_schema() {
	have jq || { skip "the schema" "no jq" && return; }
	is "the schema has the keys that are read" "$(keys_of .properties)" "$(defined KEY '.*')"
	is "those of some files" "$(keys_of .properties.paths.items.properties)" \
		"$( (echo files; defined KEY '[a-z_]*, true,.*' | tr ' ' '\n') | grep . | sort | tr '\n' ' ')"
	is "those of a row" "$(keys_of .definitions.rule.properties)" \
		"$( (defined ROW_KEY '.*'; defined ROW_TEST '.*') | tr ' ' '\n' | grep . | sort | tr '\n' ' ')"
	is "fields of a row" "$(jq -r '.definitions.field.enum[]' "$root/docs/vmend.schema.json" | sort | tr '\n' ' ')" \
		"$(sed -nE 's/^	FIELD\((.*), (.*)\),/\1.\2/p; s/^	HOSTDEV\((.*)\),/hostdev.\1/p' "$root/rules/team.c" | sort | tr '\n' ' ')"
}

# What the schema takes vmend reads, and what it refuses vmend refuses.
test_schema_agrees() {
	local n=0 wrong=
	if ! python3 -c 'import jsonschema, yaml' 2>/dev/null; then
		skip "the schema judges as vmend does" "no python3-jsonschema or python3-yaml" && return
	fi
	fresh
	mkdir images
	printf 'a = 1\n' >v.hcl
	: >other.yaml
	while IFS= read -r line; do
		n=$((n + 1))
		printf '%b\n' "${line#* }" >.vmend.yaml
		python3 - "$root/docs/vmend.schema.json" <<-'END' && got=ok || got=bad
			import json, sys, yaml, jsonschema
			v = jsonschema.Draft7Validator(json.load(open(sys.argv[1])))
			sys.exit(0 if v.is_valid(yaml.safe_load(open(".vmend.yaml"))) else 1)
		END
		"$vmend" check -q a.xml 2>/dev/null
		[ $? = 2 ] && ours=bad || ours=ok
		[ "$got $ours" = "${line%% *} ${line%% *}" ] || wrong+="$line: schema $got, vmend $ours"$'\n'
	done <<-'END'
		ok # nothing
		ok extends: other.yaml
		ok select: [disk-cache-unsafe]
		bad select: disk-cache-unsafe
		ok severity: {disk-cache-unsafe: note}
		bad severity: {disk-cache-unsafe: notes}
		ok fix: {disk-cache-unsafe: never}
		ok fail-on: never
		bad fail-on: none
		ok require-reason: true
		bad require-reason: maybe
		ok allow-root: [images]
		bad allow-root: images
		ok path-map: {/srv: images}
		bad path-map: {srv: images}
		ok target: {incus: 6.10.0}
		bad target: [incus]
		ok network-path: {/srv: nfs}
		bad network-path: {/srv: [nfs]}
		ok sector-size: 4096
		bad sector-size: 1024
		ok var: {a: b, c: 1, d: true}
		bad var: {a: [b]}
		ok var-file: [v.hcl]
		bad var-file: v.hcl
		ok paths: [{files: "*.xml", ignore: [disk-cache-unsafe], sector-size: 512}]
		bad paths: [{ignore: [disk-cache-unsafe]}]
		bad paths: [{files: a, fail-on: error}]
		ok rules: {team-x: {field: disk.cache, not: unsafe, message: m, set: none, fix: safe, severity: error, why: w, when: {disk.device: [disk, null]}}}
		ok rules: {team-x: {node: config/a, at-least: 2, message: m, format: [incus]}}
		bad rules: {team-x: {node: config/a, at-least: 2, is: x, message: m}}
		bad rules: {team-x: {node: config/a, field: disk.cache, is: x, message: m}}
		bad rules: {team-x: {field: disk.cash, is: x, message: m}}
		bad rules: {team-x: {field: disk.cache, message: m}}
		bad rules: {team-x: {field: disk.cache, is: x}}
		bad rules: {team-X: {field: disk.cache, is: x, message: m}}
		bad rules: {team-x: {field: disk.cache, is: x, message: m, colour: red}}
		bad rools: {}
	END
	silent "the schema judges as vmend does ($n policies)" "$wrong"
}

test_severity
test_which
test_selection
test_fix
test_host
test_suppression
test_mistakes
test_team
test_team_like_others
test_team_node
test_team_unknown
test_team_extends
test_team_mistakes
test_machine
test_show_config
test_schema
test_schema_agrees
tap_end
