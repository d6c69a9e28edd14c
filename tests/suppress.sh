#!/usr/bin/env bash
# Suppressions, each form in each syntax (SPEC.md, 4.1): the finding is gone and counted, one that
# suppresses nothing is a finding, and its fix takes out exactly what was put in.
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

# The line of the one finding that a text has, and its rule.
look() { # FILE
	local out
	out=$("$vmend" check --format concise "$1")
	[ "$(echo "$out" | wc -l)" = 1 ] || not_ok "$1 has one finding" "$out"
	line=$(echo "$out" | cut -d: -f2)
	rule=$(echo "$out" | sed -E 's/^[^[]*\[([a-z0-9-]+)\].*/\1/')
}

findings() { # FILE   their rules, and how many are suppressed
	"$vmend" check --format concise "$1" | sed -E 's/^[^[]*\[([a-z0-9-]+)\].*/\1/' | sort | tr '\n' ' '
	"$vmend" check "$1" | grep -oE '[0-9]+ suppressed'
}

# One form: the text with the words of a suppression in it, from WRITE TEXT WORDS.
form() { # NAME FILE WRITE ARGUMENT...
	local name=$1 file=$2 write=$3 in=in.${2#*.}
	shift 3
	look "$file"
	"$write" "$file" "[$rule] why not" "$@" >"$in"
	is "$name: suppressed" "$(findings "$in")" "1 suppressed"
	"$write" "$file" "[pmbr-size] why not" "$@" >"$in"
	is "$name: unused" "$(findings "$in")" "$(printf '%s\n' "$rule" suppression-unused | sort | tr '\n' ' ')"
	"$vmend" fix -q --rule suppression-unused "$in"
	silent "$name: taken out" "$(diff "$file" "$in")"
	"$write" "$file" "[no-such-rule] why not" "$@" >"$in"
	is "$name: unknown" "$(findings "$in")" "$(printf '%s\n' "$rule" suppression-unknown-rule | sort | tr '\n' ' ')"
	"$write" "$file" "[$rule]" "$@" >"$in"
	printf 'require-reason: true\n' >reasons.yaml
	is "$name: without a reason" "$("$vmend" check --policy reasons.yaml --format concise "$in" | grep -o 'suppression-no-reason')" "suppression-no-reason"
}

# ---- comments ----

own_line() { # FILE WORDS OPEN CLOSE   before the finding, as deep as it; QEMU wants its # in front
	awk -v at="$line" -v c="$3 vmend: ignore$2$4" -v deep="${1%%*.cfg}" \
		'NR == at { match($0, deep ? "^[ \t]*" : "^"); print substr($0, 1, RLENGTH) c } { print }' "$1"
}

behind() { # FILE WORDS OPEN CLOSE
	awk -v at="$line" -v c=" $3 vmend: ignore$2$4" 'NR == at { $0 = $0 c } { print }' "$1"
}

at_top() { # FILE WORDS OPEN CLOSE   for the whole file; behind what has to be its first line
	awk -v c="$3 vmend: ignore-file$2$4" '!done && !/^#!|^<\?xml|^<!DOCTYPE/ { print c; done = 1 } { print }' "$1"
}

comments() { # FILE OPEN CLOSE [no-behind]
	form "${1#*.} $2 $3on a line" "$1" own_line "$2" "$3"
	[ "${4:-}" ] || form "${1#*.} $2 $3behind" "$1" behind "$2" "$3"
	form "${1#*.} $2 $3for the file" "$1" at_top "$2" "$3"
}

cp "$root/corpus/disk-cache-unsafe/bad-main-disk/in.xml" a.xml
cp "$root/corpus/locking-without-file/bad-utm-plist/in.plist" a.plist
cp "$root/corpus/incus-csm-secureboot/bad-instance/in.yaml" a.yaml
cp "$root/corpus/disk-cache-unsafe/bad-packer-killed-hcl/in.pkr.hcl" a.pkr.hcl
cp "$root/corpus/disk-cache-unsafe/bad-packer-killed-legacy/in.json" a.json
cp "$root/corpus/packer-disk-size-unit/bad-pkr-json/in.pkr.json" a.pkr.json
cp "$root/corpus/locking-without-file/bad-quickemu-extra-args/in.conf" a.conf
printf '#!/bin/sh\nset -e\nqemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,cache=unsafe,if=virtio\n' >a.sh
printf '[Unit]\nDescription=a\n\n[Service]\nExecStart=/usr/bin/qemu-system-x86_64 -drive file=/srv/a.qcow2,format=qcow2,cache=unsafe,if=virtio\n' >a.service
printf '[machine]\n  type = "q35"\n\n[drive "d"]\n  file = "/srv/a.qcow2"\n  format = "qcow2"\n  cache = "unsafe"\n  if = "virtio"\n' >a.cfg

comments a.xml '<!--' ' -->'
comments a.plist '<!--' ' -->'
comments a.yaml '#' ''
comments a.pkr.hcl '#' ''
comments a.pkr.hcl '//' ''
comments a.pkr.hcl '/*' ' */'
comments a.conf '#' ''
comments a.sh '#' ''
# What stands behind a value there is part of it.
comments a.service '#' '' no-behind
comments a.service ';' '' no-behind
comments a.cfg '#' '' no-behind

# ---- in the data ----

split() { # [RULE] REASON   as RULE and REASON
	named=${1%%]*} why=${1#*]}
	named=${named#[}
	why=${why# }
}


incus_key() { # FILE WORDS
	split "$2"
	awk -v c="  user.vmend.ignore: \"$named $why\"" '{ print } /^config:/ { print c }' "$1"
}

packer_key() { # FILE WORDS
	awk -v c="  \"_vmend\": \"ignore$2\"," 'NR == 1 { print; print c; next } { print }' "$1"
}

packer_remark() { # FILE WORDS
	awk -v c="  \"//\": \"vmend: ignore$2\"," 'NR == 1 { print; print c; next } { print }' "$1"
}

# Its fix leaves an empty <metadata>.
sed 's|^  <memory.*|&\n  <metadata></metadata>|' a.xml >b.xml
in_metadata() { # FILE WORDS
	split "$2"
	sed "s|<metadata></metadata>|<metadata><vmend:ignore xmlns:vmend=\"urn:vmend\" rule=\"$named\">$why</vmend:ignore></metadata>|" "$1"
}
form "libvirt's metadata" b.xml in_metadata
form "Incus's key" a.yaml incus_key
form "Packer's JSON" a.json packer_key
form "Packer's HCL in JSON" a.pkr.json packer_remark
tap_end
