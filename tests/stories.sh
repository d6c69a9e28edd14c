#!/usr/bin/env bash
# The stories of docs/stories.md, and the picture in docs/run.svg, are what the program says
# today.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib/tap.sh
build=${VMEND_BUILD:-build/release}
build=${build#"$PWD"/}
silent "docs/stories.md is what make docs writes" \
	"$(tools/stories "$build" 2>&1 | diff docs/stories.md - 2>&1)"
name="docs/run.svg is what make docs writes"
if is_portable; then
	skip "$name" "a portable build repairs no images"
else
	silent "$name" "$(tools/picture "$build" 2>&1 | diff docs/run.svg - 2>&1)"
fi
tap_end
