/* Any bytes: our reading of HCL, held against a tokenizer that shares nothing with it, and
 * edits of what was read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/hcl.h"
#include "analyze/config/lens.h"
#include "analyze/unit.h"
#include "rewrite/text.h"
#include "rules/rule.h"
#include "tests/lib/tree_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct facts {
	struct fact a, deep;
};

static const struct lens lenses[] = {
	LENS(facts, a, "a"),
	LENS(facts, deep, "b/create_grace_time"),
};

static bool anything(const struct hcl_glance *g, void *data)
{
	size_t *left = data;

	BUG_ON(g->name.n == 0);
	return --*left == 0;
}

/* An edit that is planned is one that the judge accepts, and does what it says. */
static void edit(const struct source *src, const struct node *owner, struct view text,
		 struct arena *a, const char *value)
{
	struct plan p = plan_on(src, a);
	const struct syntax_error *bad;
	const char *why = NULL;
	struct err e = { 0 };
	struct view after;
	struct facts f;
	struct node *root;

	lens_read(lenses, 2, owner, &f);
	for (size_t i = 0; i < 2; i++) {
		const struct fact *fact = i ? &f.deep : &f.a;

		if (value ? !plan_set(&p, fact, value) : !plan_remove(&p, fact))
			return;
	}
	after = plan_text(&p, text, a);
	if (!judge_hcl(text, after, &p, a, &why))
		BUG("%s", why);
	BUG_ON(hcl_read(src, after, a, &root, &bad, &e) != 0 || !root);
}

static void edit_blocks(const struct source *src, const struct node *root,
			struct view text, struct arena *a)
{
	unsigned left = 4;

	for_each_node (c, root) {
		if (!c->is_block)
			continue;
		if (left-- == 0)
			break; /* each reads the text again, into one arena */
		edit(src, c, text, a, "v\"\\\n${x}");
		edit(src, c, text, a, NULL);
	}
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
	const char *flaw, *why = NULL;
	const struct node *where;
	struct err e = { 0 };
	size_t left = 1000;
	struct node *root;
	struct arena a;
	struct plan none;

	arena_init(&a, ARENA_BUDGET);
	hcl_skim(text, anything, &left);
	if (hcl_read(&src, text, &a, &root, &bad, &e) == 0) {
		BUG_ON(!root == !bad);
		BUG_ON(bad && span_end(bad->at) > n);
		if (root) {
			flaw = tree_flaw(root, &where);
			if (flaw)
				BUG("%s", flaw);
			none = plan_on(&src, &a);
			if (!judge_hcl(text, text, &none, &a, &why))
				BUG("%s", why);
			edit_blocks(&src, root, text, &a);
		}
	}
	arena_free(&a);
	judge_template(text);
	return 0;
}
