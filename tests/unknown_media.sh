#!/usr/bin/env bash
# Unknown is not wrong: takes away each image of each case whose rule is about a config and its
# images, in four ways, and the rule must have nothing to say.
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

options() { # CASE
	opts=(--host-mounts "$root/tests/lib/mountinfo")
	[ ! -f "$1/args" ] || mapfile -t -O 2 opts <"$1/args"
}

check() {
	"$build/vmend" check --format concise "${opts[@]}" "$in" 2>&1
}

# Everything in it but the one image stays.
try() { # NAME IMAGE RULE
	silent "$1" "$(check | grep -F "[$3]")"
	rm -rf "$2"
	cp "$dir/kept" "$2"
}

one() { # CASE
	local rule f image name=${1#corpus/}
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
	for f in "$root/$1"/*.recipe "$root/$1"/*/*.recipe; do
		image=${f#"$root/$1"/} image=${image%.recipe}
		# A file that an image needs, and that is not there, is what it is about.
		[ "$rule" != media-backing-missing ] ||
			grep -qF "${image##*/}" "$in" || continue
		cp "$image" "$dir/kept"
		mv "$image" elsewhere.img
		try "$name without $image" "$image" "$rule"
		rm -rf elsewhere.img "$image" && mkdir "$image"
		try "$name, $image is a folder" "$image" "$rule"
		rm -f "$image" && ln -s "$dir/kept" "$image"
		try "$name, $image leads out of the folder" "$image" "$rule"
		rm -f "$image" && mkfifo "$image"
		try "$name, $image is a pipe" "$image" "$rule"
	done
	cd "$root" || exit 2
}

for case in corpus/{boot,fleet,guest,incus,media,packer,quickemu,utm}-*/bad-* \
	corpus/firmware-{boot-entry,*-content}/bad-* corpus/firmware-pair/bad-*-files; do
	recipes=("$case"/*.recipe "$case"/*/*.recipe)
	[ ${#recipes[@]} -eq 0 ] || [ -e "$case/in.recipe" ] || one "$case"
done
tap_end
