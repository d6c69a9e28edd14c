#!/usr/bin/env bash
# Unknown is not wrong: takes away each image of each case that is a config and its images, in
# four ways, and the rule must have nothing to say.
# SPDX-License-Identifier: Apache-2.0
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
export LC_ALL=C.UTF-8
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

# RULE/CASE IMAGE|why the rule speaks without the image. That it does is tested as well.
exceptions() {
	cat <<'END'
disk-block-size/bad-script-boots disk.img|about two options of one device; the disk is there to be started
firmware-code-as-bios/bad-script disk.img|about the option -bios; the disk is there to be started
firmware-pair/bad-script disk.img|about code and variables; the disk is there to be started
firmware-secure-machine/bad-script disk.img|about code and machine; the disk is there to be started
END
}

options() { # CASE
	opts=(--host-mounts "$root/tests/lib/mountinfo")
	[ ! -f "$1/args" ] || mapfile -t -O 2 opts <"$1/args"
}

check() { # what is said, and how it ended when that is neither well nor with findings
	local rc
	timeout 60 "$build/vmend" check --format concise "${opts[@]}" "$in" 2>&1
	rc=$?
	[ $rc -le 1 ] || [ $rc -eq 3 ] || echo "exit $rc [$rule]"
}

# Everything in it but the one image stays.
try() { # NAME IMAGE RULE
	silent "$1" "$(check | grep -F "[$3]")"
	rm -rf "$2"
	cp "$dir/kept" "$2"
}

one() { # CASE
	local rule f image why name=${1#corpus/}
	rule=$(basename "$(dirname "$1")")
	rm -rf "$dir/work" && mkdir "$dir/work" && cd "$dir/work" || exit 2
	for f in "$root/$1"/*; do
		case ${f##*/} in
		args | fix-args | expect.* | fixed.*) ;;
		*.recipe) "$build/tools/mkimg" "$f" "$(basename "$f" .recipe)" ;;
		in.*) in=${f##*/} && cp "$f" . ;;
		*) cp -r "$f" . ;;
		esac
	done
	for f in */*.recipe; do
		"$build/tools/mkimg" "$f" "${f%.recipe}" && rm "$f"
	done
	options "$root/$1"
	check | grep -qF "[$rule]" || not_ok "$name: the rule speaks of what is there"
	for f in "$root/$1"/*.recipe "$root/$1"/*.img "$root/$1"/*/*.recipe; do
		image=${f#"$root/$1"/} image=${image%.recipe}
		# A file that an image needs, and that is not there, is what it is about.
		[ "$rule" != media-backing-missing ] ||
			grep -qF "${image##*/}" "$in" || continue
		mv "$image" "$dir/kept"
		why=$(exceptions | sed -n "s,^$name $image|,,p")
		if [ -n "$why" ]; then
			excepted=$((excepted + 1))
			is "$name without $image: $why" "$(check | grep -cF "[$rule]")" 1
			cp "$dir/kept" "$image"
			continue
		fi
		cp "$dir/kept" elsewhere.img
		try "$name without $image" "$image" "$rule"
		rm -rf elsewhere.img "$image" && mkdir "$image"
		try "$name, $image is a folder" "$image" "$rule"
		rm -f "$image" && ln -s "$dir/kept" "$image"
		try "$name, $image leads out of the folder" "$image" "$rule"
		rm -f "$image" && mkfifo "$image"
		try "$name, $image is a pipe" "$image" "$rule"
		tried=$((tried + 1))
	done
	cd "$root" || exit 2
}

tried=0 excepted=0
for case in corpus/*/bad-*; do
	recipes=("$case"/*.recipe "$case"/*.img "$case"/*/*.recipe)
	[ ${#recipes[@]} -eq 0 ] || [ -e "$case/in.recipe" ] || [ -e "$case/in.img" ] || one "$case"
done
is "each exception is of an image that is there" $excepted "$(exceptions | wc -l)"
if [ $tried -ge 200 ]; then ok "$tried images"; else not_ok "only $tried images"; fi
tap_end
