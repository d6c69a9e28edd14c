/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/match.h"
#include "base/banned.h"

static const char *place_of(const struct unit *u, struct span at, struct loci *l,
			    struct arena *a)
{
	if (u->format->kind == FORMAT_IMAGE)
		return arena_printf(a, "%s%llu", at.src->is_guest ? "guest " : "",
				    (unsigned long long)at.off);
	/* Text that is broken has no tree, and no findings but that. */
	return u->doc ? node_locus(l, at, a) : "";
}

struct seen_list seen_in(const struct unit *u, const struct findings *found,
			 struct arena *a)
{
	struct seen_list l = { .v = arena_array(a, found->v.n, struct seen),
			       .n = found->v.n };
	struct loci loci = { .root = u->doc };

	for (size_t i = 0; i < l.n; i++)
		l.v[i] = (struct seen){ .finding = found->v.v[i],
					.place = place_of(u, found->v.v[i]->at, &loci,
							  a) };
	return l;
}

static int by_rule(const struct seen *x, const struct seen *y)
{
	return strcmp(x->finding->rule->id, y->finding->rule->id);
}

static int by_message(const void *a, const void *b)
{
	const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;
	int c = by_rule(x, y);

	return c ? c : strcmp(x->finding->message, y->finding->message);
}

static int by_place(const void *a, const void *b)
{
	const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;
	int c = by_rule(x, y);

	return c ? c : strcmp(x->place, y->place);
}

static int by_both(const void *a, const void *b)
{
	int c = by_message(a, b);

	return c ? c : by_place(a, b);
}

/* Those without a match, sorted; among equals, the ones that should be gone come last. */
static struct seen **unmatched(struct seen_list *l, size_t *n, struct arena *a,
			       int (*cmp)(const void *, const void *))
{
	struct seen **v = arena_array(a, l->n, struct seen *);

	*n = 0;
	for (int last = 0; last <= 1; last++) {
		for (size_t i = 0; i < l->n; i++) {
			if (!l->v[i].same && l->v[i].last == (last != 0))
				v[(*n)++] = &l->v[i];
		}
	}
	sort_stable(v, *n, sizeof(struct seen *), cmp);
	return v;
}

static void pass(struct seen_list *before, struct seen_list *after, struct arena *a,
		 int (*cmp)(const void *, const void *))
{
	size_t nb, na, i = 0, j = 0;
	struct seen **b = unmatched(before, &nb, a, cmp);
	struct seen **f = unmatched(after, &na, a, cmp);

	while (i < nb && j < na) {
		int c = cmp(&b[i], &f[j]);

		if (c == 0) {
			b[i]->same = f[j];
			f[j]->same = b[i];
		}
		i += c <= 0;
		j += c >= 0;
	}
}

void seen_match(struct seen_list *before, struct seen_list *after, struct arena *a)
{
	pass(before, after, a, by_both);
	pass(before, after, a, by_message);
	pass(before, after, a, by_place);
}
