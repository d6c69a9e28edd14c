/* Options in one word that are a JSON object: -blockdev '{"driver": "qcow2", ...}', -device.
 * QEMU: qapi/block-core.json, BlockdevOptions; since 2.9 and 6.2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_JSON_H
#define ANALYZE_CONFIG_QEMU_JSON_H

#include "analyze/config/node.h"
#include "analyze/config/word.h"

/* A map of SYNTAX_QEMU_JSON, last child of up, if there is one. Places are those in the file;
 * what is decided elsewhere is NODE_OPAQUE. NULL: it is no JSON, or memory is gone. */
struct node *qemu_json(const struct word *w, struct node *up, struct arena *a);

/* The same text as a tree of SYNTAX_JSON, with places in the text: for edits. *src is its
 * source. NULL likewise. */
struct node *qemu_json_inner(const struct word *w, struct source *src, struct arena *a);

#endif
