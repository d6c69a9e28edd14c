/* Any bytes as a binary property list: what is read lies within them, the first page has the
 * root's keys, and nothing is ever edited.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/plist.h"
#include "analyze/config/node.h"
#include "analyze/unit.h"
#include "rules/rule.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

static void check_span(struct span at, size_t n)
{
	BUG_ON(at.off > n || at.len > n - at.off);
}

/* As deep as BPLIST_DEPTH_MAX. */
static void check_node(const struct node *n, size_t size)
{
	check_span(n->whole, size);
	check_span(n->open_at, size);
	check_span(n->text_at, size);
	check_span(n->key_at, size);
	BUG_ON(n->kind == NODE_SCALAR && n->first);
	for_each_node (c, n)
		check_node(c, size);
}

static void check_tree(struct view bytes)
{
	struct source src = source_of_bytes("list", bytes);
	const struct syntax_error *bad;
	struct err e = { 0 };
	struct node *root;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	if (plist_read(&src, bytes, &a, &root, &bad, &e) == 0) {
		BUG_ON(!root && !bad);
		if (bad)
			check_span(bad->at, bytes.n);
		if (root)
			check_node(root, bytes.n);
		for (const struct node *c = root ? root->first : NULL; c; c = c->next) {
			/* Not those in UTF-16. */
			if (root->kind == NODE_MAP && c->key_at.len == c->key.n &&
			    c->key.n > 0 && !memchr(c->key.p, '\0', c->key.n) &&
			    view_eq(bytes, (size_t)c->key_at.off, c->key.p, c->key.n))
				BUG_ON(!plist_root_has(bytes, arena_str(&a, c->key)));
		}
	}
	arena_free(&a);
}

static void check_utm(struct view bytes)
{
	struct source src = source_of_bytes("list", bytes);
	struct findings found = { 0 };
	struct unit u;

	unit_read(&u, &src, format_find("utm"), &no_host);
	if (u.state == UNIT_READ)
		rules_run(&u, &u.arena, &found);
	for (size_t i = 0; i < found.v.n; i++) {
		struct plan p = plan_on(&u.src, &u.arena);

		check_span(found.v.v[i]->at, bytes.n);
		BUG_ON(rule_fix(found.v.v[i], &p));
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char magic[] = "bplist00";
	uint8_t *bytes = malloc(sizeof(magic) + n);

	if (!bytes)
		return 0;
	memcpy(bytes, magic, sizeof(magic) - 1);
	if (n)
		memcpy(bytes + sizeof(magic) - 1, data, n);
	check_tree((struct view){ bytes, sizeof(magic) - 1 + n });
	check_utm((struct view){ bytes, sizeof(magic) - 1 + n });
	free(bytes);
	return 0;
}
