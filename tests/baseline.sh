#!/usr/bin/env bash
# Baselines: what is known is not reported, new findings are, and a baseline only gets shorter.
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
cd "$tmp" || exit 2

check() { # OPTION...   prints the exit code and the last line without its time
	"$vmend" check "$@" a.xml b.xml >out 2>err
	echo "$? $(tail -n 1 out err | grep -a checked | sed 's/^[^:]*: //; s/ ([^)]*)$//')"
}

if ! have jq; then
	skip "baselines" "no jq"
	tap_end
	exit
fi
cp "$root/corpus/disk-cache-unsafe/bad-main-disk/in.xml" a.xml
cp a.xml b.xml

is "without one" "$(check)" "1 2 warnings, both fixable with \`vmend fix --unsafe-fixes\`"
is "writing it exits with 0" "$(check --write-baseline base.json)" "0 2 warnings, both fixable with \`vmend fix --unsafe-fixes\`"
is "it is JSON, a finding a line" "$(jq -r '."vmend-baseline", (.findings | length)' base.json | tr '\n' ' ')$(wc -l <base.json)" "1 2 4"
is "what it has is known" "$(check --baseline base.json)" "0 no findings, 2 in the baseline"
is "writing it again gives the same" "$(cp base.json again.json; check --write-baseline again.json; cmp base.json again.json)" \
	"0 2 warnings, both fixable with \`vmend fix --unsafe-fixes\`"

sed -i '1i <!-- a comment -->\n<!-- another one -->' a.xml
sed -i 's/<name>/\n\n  <name>/' b.xml
is "lines that are inserted above change nothing" "$(check --baseline base.json)" "0 no findings, 2 in the baseline"

sed -i "s|^    <disk |    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2' cache='unsafe'/>\n      <source file='/srv/new.qcow2'/>\n      <target dev='vdb' bus='virtio'/>\n    </disk>\n&|" b.xml
is "a new finding is reported" "$(check --baseline base.json | cut -d, -f1)" "1 1 warning"
is "known ones of the same kind stay known" "$(check --baseline base.json | grep -o '[0-9] in the baseline')" "2 in the baseline"

check --baseline base.json --write-baseline next.json >/dev/null
is "a baseline never grows" "$(jq '.findings | length' next.json)" "2"
sed -i "s/ cache='unsafe'//" a.xml
check --baseline base.json --write-baseline base.json >/dev/null
is "but gets shorter" "$(jq -r '.findings[].path' base.json)" "b.xml"

check --baseline base.json --format sarif --output jsonl=out.jsonl >/dev/null
is "SARIF has both, and says which is new" "$(jq -r '.runs[0].results[].baselineState' out | sort | tr '\n' ' ')" "new unchanged "
is "lines have the new one" "$(jq -r 'select(.type == "finding") | .path' out.jsonl)" "b.xml"

check --baseline none.json >/dev/null
is "one that is not there" "$(cat err)" "vmend: none.json: cannot open it: No such file or directory"
echo '{"findings":[]}' >other.json
is "something else is not read" "$(check --baseline other.json; cat err)" "2 
vmend: other.json: it is no baseline: \"vmend-baseline\": 1 is missing"
cp other.json keep.json
is "nor written over" "$(check --write-baseline other.json | cut -c1; cmp other.json keep.json)" "2"
is "nor is an image" "$(head -c 1M /dev/zero >disk.raw; cp disk.raw keep.raw; check --write-baseline disk.raw | cut -c1; cmp disk.raw keep.raw)" "2"
tap_end
