#!/usr/bin/env bash
# The hooks, run by pre-commit from a clone, in a home that has no vmend: a commit with a defect
# is stopped, the fix hook mends it and fails once, what is no VM file is passed over.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
root=$PWD
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export HOME=$tmp/home LC_ALL=C.UTF-8 PRE_COMMIT_HOME=$tmp/home/pre-commit
unset XDG_CACHE_HOME XDG_STATE_HOME
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
mkdir "$HOME"

if ! have pre-commit git; then
	skip "hooks" "no pre-commit"
	tap_end
	exit
fi
if ! git -C "$root" rev-parse HEAD >/dev/null 2>&1; then
	skip "hooks" "this is no clone"
	tap_end
	exit
fi

use() { # HOOK
	cat >.pre-commit-config.yaml <<-END
		repos:
		  - repo: file://$root
		    rev: $(git -C "$root" rev-parse HEAD)
		    hooks:
		      - id: $1
	END
	git add .pre-commit-config.yaml
}

run() { # [OPTION...]
	pre-commit run "$@" >"$tmp/out" 2>&1
	code=$?
}

git config --global init.defaultBranch main
git config --global --add safe.directory '*'
git init -q "$tmp/repo"
cd "$tmp/repo" || exit 2
bad=("$root"/corpus/iommu-vfio-needs-caching-mode/bad-*/in.xml)
cp "${bad[0]}" vm.xml
printf 'a: [1, 2]\n' >other.yaml
use vmend
git add vm.xml other.yaml
run
is "the first run builds vmend, and finds the defect" "$code $(grep -c 'error\[iommu-vfio-needs-caching-mode\]' "$tmp/out")" "1 1"
[ "$code" = 1 ] || sed 's/^/# /' "$tmp/out"
begin=$(date +%s%N)
run
silent "the second one does not build" "$(grep building "$tmp/out")"
echo "# the second run took $((($(date +%s%N) - begin) / 1000000)) ms"
is "it is in the user's cache, one for the commit" "$(ls "$HOME/.cache/vmend")" "$(git -C "$root" rev-parse HEAD)"
use vmend-fix
run
is "the fix hook mends it, and fails once" "$code $(grep -c "files were modified by this hook" "$tmp/out")" "1 1"
is "what it wrote has the fix" "$(grep -c 'caching[-_]mode=.\?on' vm.xml)" "1"
git add vm.xml
run
is "then it passes" "$code" "0"
is "and leaves nothing in the repository" "$(git status --porcelain | grep -v '^A')" ""
use vmend
run
is "so does the check" "$code" "0"
use vmend-images
run --hook-stage manual
is "images have a hook of their own" "$code $(grep -c 'no files to check' "$tmp/out")" "0 1"
PATH=$HOME/.cache/vmend/$(git -C "$root" rev-parse HEAD):$PATH
use vmend-system
run
is "the one in PATH" "$code" "0"
tap_end
