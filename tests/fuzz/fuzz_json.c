/* Any bytes: our reading of JSON against jansson's, and edits of what was read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/json.h"
#include "analyze/config/lens.h"
#include "analyze/unit.h"
#include "rewrite/text.h"
#include "rules/rule.h"
#include "tests/lib/tree_flaws.h"

#include <jansson.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool jansson_accepts(struct view text)
{
	json_t *j = json_loadb((const char *)text.p, text.n,
			       JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
			       NULL);

	json_decref(j);
	return j != NULL;
}

struct facts {
	struct fact a, deep;
};

static const struct lens lenses[] = {
	LENS(facts, a, "a"),
	LENS(facts, deep, "b/c"),
};

/* Of two members of one name jansson sees the last only. */
static bool has_double(const struct node *n, struct arena *a)
{
	const struct node *later = NULL, *earlier;

	if (n->kind == NODE_MAP && (!node_double(n, a, &later, &earlier) || later))
		return true;
	for_each_node (c, n) {
		if (has_double(c, a))
			return true;
	}
	return false;
}

/* An edit that is planned is one that the judge accepts, unless a name comes twice. */
static void edit(const struct source *src, const struct node *owner, struct view text,
		 struct arena *a, bool remove)
{
	struct plan p = plan_on(src, a);
	const char *why = NULL;
	struct view after;
	struct facts f;
	bool ok;

	lens_read(lenses, 2, owner, &f);
	for (size_t i = 0; i < 2; i++) {
		const struct fact *fact = i ? &f.deep : &f.a;

		ok = remove ? plan_remove(&p, fact) : plan_set(&p, fact, "v\"\\\n");
		if (!ok)
			return;
	}
	after = plan_text(&p, text, a);
	if (!judge_json(text, after, &p, a, &why) && !has_double(owner, a))
		BUG("%s", why);
}

static bool anything(const struct json_glance *g, void *data)
{
	size_t *left = data;

	BUG_ON(g->depth == 0);
	return --*left == 0;
}

/* What is made of it, if it is a template. */
static void judge_template(struct view text)
{
	static const struct host host;
	struct source src = source_of_bytes("text", text);
	struct findings found = { 0 };
	struct unit u;

	unit_read(&u, &src, NULL, &host);
	if (u.state == UNIT_READ && strcmp(u.format->name, "packer") == 0) {
		rules_run(&u, &u.arena, &found);
		for (size_t i = 0; i < found.v.n; i++) {
			struct plan p = plan_on(&u.src, &u.arena);

			BUG_ON(found.v.v[i]->at.src != &u.src ||
			       span_end(found.v.v[i]->at) > text.n);
			(void)rule_fix(found.v.v[i], &p);
		}
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { data, n };
	struct source src = source_of_bytes("text", text);
	const struct syntax_error *bad;
	const struct node *where;
	size_t left = 1000;
	struct err e = { 0 };
	struct node *root;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	json_skim(text, 4, anything, &left);
	if (json_read(&src, text, &a, JSON_DOUBLES_ALLOWED, &root, &bad, &e) == 0) {
		BUG_ON(!root == !bad);
		if (bad && strstr(bad->what, "read differently"))
			BUG("%s at %llu", bad->what, (unsigned long long)bad->at.off);
		BUG_ON(root && !jansson_accepts(text));
		/* A number beyond a double is jansson's own limit; the rest is the same. */
		BUG_ON(bad && strstr(bad->what, "jansson") &&
		       !strstr(bad->what, "overflow"));
		/* It passes over a NUL between two tokens. */
		BUG_ON(bad && !(n && memchr(data, 0, n)) && jansson_accepts(text));
		if (root) {
			const char *flaw = tree_flaw(root, &where);

			if (flaw)
				BUG("%s", flaw);
			edit(&src, root, text, &a, false);
			edit(&src, root, text, &a, true);
		}
	}
	arena_free(&a);
	judge_template(text);
	return 0;
}
