#!/usr/bin/env bash
# What runs vmend for others: GitHub's action and problem matcher, GitLab's template, Packer's
# post-processor. The action's step and the template's last line are run as they stand.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
vmend=$build/vmend
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C.UTF-8 HOME=$tmp/home XDG_STATE_HOME=$tmp/state
unset XDG_CACHE_HOME
mkdir "$HOME" "$tmp/repo"
cd "$tmp/repo" || exit 2
cp "$root/corpus/disk-cache-unsafe/bad-main-disk/in.xml" vm.xml
"$build/tools/mkimg" "$root/corpus/mbr-no-signature/$(cd "$root/corpus/mbr-no-signature" && printf '%s\n' bad-* | head -n 1)/in.recipe" disk.raw

# tools/hook would build it, which tests/hooks.sh does: here it is there already.
commit=$(git -C "$root" rev-parse HEAD 2>/dev/null) || commit=$(cat "$root/VERSION")
installed() { # CACHE
	mkdir -p "$1/vmend/$commit" "$1/vmend/$commit-changed"
	cp "$vmend" "$1/vmend/$commit/vmend"
}
installed "$HOME/.cache"
[ -z "$(git -C "$root" status --porcelain --untracked-files=no 2>/dev/null)" ] && clean=1 || clean=

# ---- GitHub ----

if [ "$clean" ]; then
	export GITHUB_STEP_SUMMARY=$tmp/summary
	VMEND_PATHS=$'vm.xml\n\ndisk.raw' VMEND_OPTIONS='--fail-on error --ignore gpt-align-1m' VMEND_SARIF=out.sarif \
		"$root/tools/ci/github" >"$tmp/out" 2>"$tmp/err"
	is "the action's step exits as vmend does" "$?" "1"
	is "it annotates" "$(grep -c '^::warning file=vm.xml,line=13,' "$tmp/out")" "1"
	is "it writes a summary" "$(grep -c 'disk-cache-unsafe' "$GITHUB_STEP_SUMMARY")" "1"
	is "and SARIF" "$(grep -c '"ruleId":"mbr-no-signature"\|"ruleId": *"mbr-no-signature"' out.sarif)" "1"
	VMEND_PATHS=vm.xml VMEND_ANNOTATE=false "$root/tools/ci/github" >"$tmp/out" 2>"$tmp/err"
	is "or does not annotate" "$(cut -c1-20 "$tmp/out" | head -n 1)" "vm.xml:13:47: warnin"
else
	skip "the action's step" "the checkout has changes: tools/hook would build it"
fi

if python3 -c 'import yaml' 2>/dev/null; then
	is "action.yml has what GitHub wants" "$(python3 - "$root/action.yml" <<-'END'
		import os, sys, yaml
		a = yaml.safe_load(open(sys.argv[1]))
		step = a["runs"]["steps"][-1]
		used = {v.split("inputs.")[1].split(" ")[0] for v in step["env"].values()}
		print(a["runs"]["using"], step["shell"], sorted(a["inputs"]) == sorted(used),
		      all("description" in i and "default" in i for i in a["inputs"].values()),
		      os.access(os.path.join(os.path.dirname(sys.argv[1]), "tools/ci/github"), os.X_OK))
	END
	)" "composite bash True True True"
	is "gitlab.yml writes what it hands in" "$(python3 - "$root/tools/ci/gitlab.yml" <<-'END'
		import sys, yaml
		j = yaml.safe_load(open(sys.argv[1]))["vmend"]
		line = j["script"][-1]
		r = j["artifacts"]["reports"]
		print("gitlab=" + r["codequality"] in line, "junit=" + r["junit"] in line, j["artifacts"]["when"])
	END
	)" "True True always"
	if [ "$clean" ]; then
		line=$(python3 -c 'import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))["vmend"]["script"][-1])' "$root/tools/ci/gitlab.yml")
		VMEND_PATHS="vm.xml disk.raw" VMEND_OPTIONS="--fail-on error" bash -c "${line//\/vmend\/tools/$root\/tools}" >"$tmp/out" 2>"$tmp/err"
		is "its last line exits as vmend does" "$? $(ls vmend-*)" "1 vmend-junit.xml
vmend-quality.json"
	else
		skip "its last line" "the checkout has changes"
	fi
	silent "the problem matcher takes each line, and what it is of" "$("$vmend" check --format concise vm.xml disk.raw | python3 -c '
import json, re, sys
matchers = json.load(open(sys.argv[1]))["problemMatcher"]
seen = set()
for line in sys.stdin:
    hits = [m for m in matchers if re.match(m["pattern"][0]["regexp"], line.rstrip("\n"))]
    if len(hits) != 1:
        print(len(hits), "matchers for", line)
        continue
    p = hits[0]["pattern"][0]
    g = re.match(p["regexp"], line.rstrip("\n")).groups()
    seen.add(hits[0]["owner"])
    if g[p["file"] - 1] not in ("vm.xml", "disk.raw") or not g[p["message"] - 1]:
        print("wrong:", g)
print("") if seen >= {"vmend", "vmend-image"} else print("not all were asked:", seen)
' "$root/tools/ci/vmend-matcher.json")"
else
	skip "action.yml, gitlab.yml, the problem matcher" "no python3-yaml"
fi

# ---- Packer ----

is "vmend has nothing against the template" "$("$vmend" check --format concise "$root/tools/ci/image.pkr.hcl"; echo $?)" "0"
if have packer; then
	silent "nor has packer" "$(packer validate -syntax-only "$root/tools/ci/image.pkr.hcl" 2>&1 | grep -v 'syntax is correct\|Syntax-only check passed')"
	silent "it is formatted" "$(packer fmt -check "$root/tools/ci/image.pkr.hcl" 2>&1)"
else
	skip "the template in packer" "no packer"
fi
mkdir output
cp disk.raw output/debian.qcow2
command=$(sed -nE 's/.*inline = \["(.*)"\].*/\1/p' "$root/tools/ci/image.pkr.hcl")
PATH=$build:$PATH bash -c "${command/vmend check/vmend check --as raw}" >"$tmp/out" 2>&1
is "its command fails where there is an error" "$? $(grep -c '<testsuite ' output/vmend.xml)" "1 1"
tap_end
