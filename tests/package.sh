#!/usr/bin/env bash
# Packages: what install puts where, that another folder and another hour build the same program,
# that the sources which dist packs build, and the Debian package.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
build=${VMEND_BUILD:-$root/build/release}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL DESTDIR PREFIX

if [ "${build##*/}" != release ]; then
	skip "packages" "only of the release"
	tap_end
	exit
fi
if git rev-parse HEAD >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
else
	mapfile -t files < <(find . -path ./build -prune -o -type f -print)
fi
other="$tmp/another folder"
mkdir "$other"
printf '%s\0' "${files[@]}" | tar --null -T - -cf - | tar -C "$other" -xf -

# ---- the same program ----

make -s -j"$(nproc)" -C "$other" all shared >"$tmp/log" 2>&1 || not_ok "it builds elsewhere" "$(tail -20 "$tmp/log")"
silent "another folder builds the same program" "$(cmp "$build/vmend" "$other/build/release/vmend" 2>&1)"
silent "no folder is in it" "$(grep -aoF -e "$other" "$other/build/release/vmend" | sort -u)"

# ---- install ----

make -s -C "$other" install DESTDIR="$tmp/installed" PREFIX=/usr >"$tmp/log" 2>&1 || not_ok "make install" "$(tail "$tmp/log")"
is "what is installed" "$(cd "$tmp/installed" && find . -type f | sort | tr '\n' ' ')" \
	"./usr/bin/vmend ./usr/share/bash-completion/completions/vmend ./usr/share/fish/vendor_completions.d/vmend.fish ./usr/share/man/man1/vmend.1 ./usr/share/man/man5/vmend-policy.5 ./usr/share/man/man7/vmend-rules.7 ./usr/share/vmend/vmend-matcher.json ./usr/share/vmend/vmend.schema.json ./usr/share/zsh/site-functions/_vmend "
is "it runs" "$("$tmp/installed/usr/bin/vmend" version | head -n 1)" "vmend $(cat VERSION)"

# ---- sources ----

if git rev-parse HEAD >/dev/null 2>&1; then
	make -s dist >/dev/null 2>&1
	cp "build/vmend-$(cat VERSION).tar.gz" "$tmp/first.tar.gz"
	sleep 1
	make -s dist >/dev/null 2>&1
	silent "dist packs the same twice" "$(cmp "$tmp/first.tar.gz" "build/vmend-$(cat VERSION).tar.gz" 2>&1)"
	is "it has all that is committed" "$(tar -tzf "$tmp/first.tar.gz" | grep -vc '/$')" "$(git ls-tree -r HEAD | wc -l)"
else
	skip "dist" "this is no clone"
fi

# ---- Debian ----

is "debian/changelog has this version" "$(sed -nE '1s/^vmend \((.*)\) .*/\1/p' debian/changelog)" "$(cat VERSION)"
deb() {
	local missing
	have dpkg-buildpackage dh lintian || { skip "the Debian package" "no dpkg-dev, debhelper or lintian" && return; }
	missing=$(cd "$other" && dpkg-checkbuilddeps 2>&1) || { skip "the Debian package" "$missing" && return; }
	rm -rf "$other/build"
	(cd "$other" && dpkg-buildpackage -us -uc -b) >"$tmp/log" 2>&1 || not_ok "it builds" "$(tail -20 "$tmp/log")"
	silent "lintian has nothing against it" "$(lintian --allow-root --info --pedantic --suppress-tags bad-distribution-in-changes-file "$tmp"/vmend_*.changes 2>&1 | grep -v '^N:')"
	is "it has the same files" "$(dpkg-deb -c "$tmp"/vmend_*.deb | awk '$1 ~ /^-/ { print $6 }' | grep -v '^./usr/share/doc/' | sed 's/\.gz$//; s/vendor-completions/site-functions/' | sort | tr '\n' ' ')" \
		"$(cd "$tmp/installed" && find . -type f | sort | tr '\n' ' ')"
	is "and needs libraries, and no program" "$(dpkg-deb -f "$tmp"/vmend_*.deb Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | sort | tr '\n' ' ')" \
		"libc6 libfdisk1 libjansson4 libmd0 libxml2 libyaml-0-2 libzstd1 zlib1g "
}
deb
tap_end
