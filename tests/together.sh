#!/usr/bin/env bash
# The inputs of a run together: the report is the same for any number of threads, what a text
# suppresses is, an image is opened once however many configs name it, and what was mended counts
# as it is now.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$PWD/build/release}
vmend=$build/vmend
CONFIGS=2000 IMAGES=200
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export XDG_STATE_HOME=$tmp/state

check() { # OPTION...
	"$vmend" check --host-mounts "$root/tests/lib/mountinfo" "$@" 2>&1
}

domain() { # NAME IMAGE [DEVICE...]   from this folder
	printf '%s\n' "<domain type='kvm'>" "  <name>$1</name>" "  <memory>1048576</memory>" \
		"  <os><type arch='x86_64' machine='q35'>hvm</type></os>" "  <devices>" \
		"    <disk type='file' device='disk'>" "      <driver name='qemu' type='raw'/>" \
		"      <source file='$PWD/$2'/>" "      <target dev='vda' bus='virtio'/>" "    </disk>" \
		"${@:3}" "  </devices>" "</domain>"
}

mkdir "$tmp/many" && cd "$tmp/many" || exit 2
"$build/tools/mkimg" /dev/stdin 0.img <<'END' || exit 2
size 4M
entry 0 type=0x83 start=1M size=2M boot=0x80
bios 1
END
for ((i = 1; i < IMAGES; i++)); do cp --sparse=always 0.img $i.img; done
for ((i = 0; i < CONFIGS; i++)); do domain "vm$i" $((i % IMAGES)).img >"vm$i.xml"; done

# ---- each image once ----
name="$CONFIGS configs that name $IMAGES images: each image is opened for reading once"
case ${build##*/} in release* | debug*)
	if is_portable; then
		skip "$name" "POSIX alone cannot look at a file without opening it"
	elif have strace && strace -o /dev/null true 2>/dev/null; then
		strace -f -qq -e trace=open,openat,openat2 -o "$tmp/trace" "$vmend" check . >/dev/null 2>&1
		grep -oE '"[^"]*[0-9]+\.img", .*' "$tmp/trace" | grep -v O_PATH |
			sed 's/^"\(.*\/\)\{0,1\}\([0-9]*\.img\)".*/\2/' | sort | uniq -c >"$tmp/opened"
		silent "$name" "$(awk '$1 != 1' "$tmp/opened" | head -5)"
		is "and that is all of them" "$(wc -l <"$tmp/opened")" $IMAGES
		is "of ten configs in each other's way one is read again" \
			"$(grep -cE '"[^"]*vm[0-9]+\.xml", .*' "$tmp/trace")" $((CONFIGS + IMAGES))
	else
		skip "$name" "strace cannot run here"
	fi
	;;
*) skip "$name" "strace and a sanitizer do not go together" ;;
esac

# ---- the order of things ----
check --format concise -j1 . >"$tmp/one"
is "of ten that write to an image one finding speaks" "$(grep -c 'fleet-two-writers' "$tmp/one")" $IMAGES
is "and counts the others" "$(grep -c 'fleet-two-writers.* and 8 more' "$tmp/one")" $IMAGES
for j in 2 7 16; do
	check --format concise -j$j . >"$tmp/other"
	silent "the report of $j threads is that of one" "$(diff "$tmp/one" "$tmp/other" | head -10)"
done
check --format json -j8 . >"$tmp/json"
if have jq; then
	is "each tells where the others stand" "$(jq '[.findings[] | select(.rule == "fleet-two-writers") |
		select(.related[0].line == 8)] | length' "$tmp/json")" $IMAGES
	is "and each input is counted once" "$(jq .summary.checked "$tmp/json")" $((CONFIGS + IMAGES))
else
	skip "JSON tells where the others stand" "jq is not installed"
fi

# ---- what a text suppresses ----
mkdir "$tmp/few" && cd "$tmp/few" || exit 2
mac="    <interface type='network'><mac address='52:54:00:6b:3c:58'/><source network='n'/></interface>"
domain a a.img "$mac" >a.xml
domain b b.img "    <!-- vmend: ignore[fleet-same-mac] they never meet -->" "$mac" >b.xml
is "a comment elsewhere suppresses nothing" "$(check --format concise . | grep -c fleet-same-mac)" 1
domain a a.img "    <!-- vmend: ignore[fleet-same-mac] they never meet -->" "$mac" >a.xml
is "a comment there does" "$(check --format concise .)" ""
domain b b.img >b.xml
is "and is not called unused: that is for all inputs to say" "$(check --format concise .)" ""
is "nor by itself" "$(check --format concise a.xml)" ""

# ---- baselines and exit codes ----
domain a a.img "$mac" >a.xml
domain b b.img "$mac" >b.xml
check --quiet .
is "it fails the run" $? 1
check --quiet --write-baseline "$tmp/known" .
check --baseline "$tmp/known" --format concise . >"$tmp/out"
is "what a baseline knows does not" "$? $(grep -c fleet "$tmp/out")" "0 0"
is "one of them alone is right" "$(check --format concise a.xml)" ""

# ---- what was mended ----
"$build/tools/mkimg" /dev/stdin disk.img <<'END' || exit 2
size 4M
entry 0 type=0x83 start=1M size=2M boot=0x80
bios 1
END
domain a disk.img >a.xml
domain b disk.img | sed "s/type='raw'/type='qcow2'/" >b.xml
"$vmend" fix --format concise --host-mounts "$root/tests/lib/mountinfo" . >"$tmp/out" 2>&1
is "what is left after a repair is judged as it is then" \
	"$(grep -c 'fleet-two-writers' "$tmp/out") $(check --format concise . | grep -c fleet-two-writers)" "1 1"
tap_end
