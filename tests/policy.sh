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

test_show_config() {
	fresh
	policy . <<<$'severity:\n  disk-cache-unsafe: error\nfix: {disk-cache-unsafe: never}'
	policy sub <<<$'extends: ../.vmend.yaml\nseverity: {disk-cache-unsafe: note}'
	"$vmend" show-config sub/b.xml a.xml >"$tmp/out"
	is "show-config: what counts, and where it stands" "$(sed -E "s|$tmp/repo|.|g; s|sub/\.\./||" "$tmp/out")" \
		"sub/b.xml: ./sub/.vmend.yaml
  fix disk-cache-unsafe: never    ./.vmend.yaml:3
  severity disk-cache-unsafe: note    ./sub/.vmend.yaml:2
a.xml: ./.vmend.yaml
  severity disk-cache-unsafe: error    ./.vmend.yaml:2
  fix disk-cache-unsafe: never    ./.vmend.yaml:3"
}

# The schema for editors names every key, and no other.
test_schema() {
	local schema=$root/docs/vmend.schema.json
	have jq || { skip "the schema" "no jq" && return; }
	is "the schema has the keys that are read" \
		"$(jq -r '.properties | keys[]' "$schema" | sort | tr '\n' ' ')" \
		"$(sed -n 's/^	{ "\([a-z-]*\)", read_.*/\1/p' "$root/cli/policy_read.c" | sort | tr '\n' ' ')"
}

test_severity
test_which
test_selection
test_fix
test_host
test_suppression
test_mistakes
test_show_config
test_schema
tap_end
