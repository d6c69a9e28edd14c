/* Any bytes: our reading of YAML against libyaml's, what is made of it as a config of Incus,
 * and edits of it: whatever they write is read again, and passes the judge.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"
#include "analyze/config/lens.h"
#include "analyze/host.h"
#include "rewrite/text.h"
#include "tests/lib/yaml_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct object {
	struct fact fact;
};

/* The result of a plan is YAML, and differs only where it may. False: it was refused. */
static bool result_holds(const struct source *src, struct view text, struct plan *p,
			 struct arena *a, struct view *after)
{
	struct yaml_flaws f = { 0 };
	const char *why;

	(void)src;
	*after = plan_text(p, text, a);
	if (!judge_yaml(text, *after, p, a, &why))
		return false;
	if (!yaml_reading_holds(&f, *after))
		BUG("after an edit: %s (%s)", f.what, f.said);
	return true;
}

static void check_set(struct view text, const char *path, const char *value)
{
	const struct lens l = LENS(object, fact, path);
	struct source src = source_of_bytes("text", text);
	const struct syntax_error *bad;
	struct object o, again;
	struct err e = { 0 };
	struct node *root;
	struct view after;
	struct arena a;
	struct plan p;

	arena_init(&a, ARENA_BUDGET);
	if (yaml_read(&src, text, &a, &root, &bad, &e) == 0 && root) {
		lens_read(&l, 1, root, &o);
		p = plan_on(&src, &a);
		if (plan_set(&p, &o.fact, value) &&
		    result_holds(&src, text, &p, &a, &after) &&
		    yaml_read(&src, after, &a, &root, &bad, &e) == 0 && root) {
			lens_read(&l, 1, root, &again);
			BUG_ON(again.fact.state == FACT_KNOWN &&
			       !fact_is(&again.fact, value));
		}
		p = plan_on(&src, &a);
		if (o.fact.state == FACT_KNOWN && plan_remove(&p, &o.fact))
			(void)result_holds(&src, text, &p, &a, &after);
	}
	arena_free(&a);
}

static void check_incus(struct view text)
{
	static const struct host host;
	struct source src = source_of_bytes("text", text);
	struct unit u;

	(void)incus_probe(text);
	unit_read(&u, &src, format_find("incus"), &host);
	for (size_t i = 0; i < u.nvms; i++) {
		const struct incus_override *o = u.incus[i].override;

		BUG_ON(u.vms[i].flavour != FLAVOUR_INCUS);
		for (size_t k = 0; o && k < o->nsections; k++) {
			BUG_ON(!span_in(o->sections[k].at, u.incus[i].node->whole));
			BUG_ON(!range_within(o->sections[k].lines.off,
					     o->sections[k].lines.len, text.n));
		}
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { data, n };
	struct yaml_flaws f = { 0 };

	if (!yaml_reading_holds(&f, text))
		BUG("%s (%s)", f.what, f.said);
	check_set(text, "a", "x: #1");
	check_set(text, "a/b", "false");
	check_incus(text);
	return 0;
}
