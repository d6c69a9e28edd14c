/* A repair in a world of its own, for tests of its rounds: who includes this brings their own
 * rules_run() and rule_fix(), so that the linker leaves the real rules out, and a format whose
 * images are a few letters. A rule finds its bad letter at its place, and its fix writes what
 * the test says.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_LAWS_H
#define TESTS_LIB_LAWS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/image.h"
#include "analyze/unit.h"
#include "rewrite/prove.h"

struct law {
	struct rule rule;
	size_t at;       /* fires when this letter ... */
	char bad;        /* ... is this one */
	size_t put_at;   /* its fix writes there */
	const char *put; /* NULL: refuses */
	enum stage stage;
};

static const struct law *laws;

static inline bool stands_there(const struct unit *u, const struct law *l)
{
	struct err e;
	char c;

	return source_read(&u->src, l->at, &c, 1, &e) == 0 && c == l->bad;
}

void rules_run(const struct unit *u, struct arena *a, struct findings *out)
{
	for (const struct law *l = laws; l->rule.id; l++) {
		struct finding *f, **slot;

		if (!stands_there(u, l))
			continue;
		f = arena_new(a, struct finding);
		f->rule = &l->rule;
		f->severity = l->rule.severity;
		f->at = (struct span){ .src = &u->src, .off = l->at, .len = 1 };
		f->message = arena_printf(a, "letter %zu is %c", l->at, l->bad);
		slot = vec_add(&out->v, a);
		*slot = f;
	}
}

bool rule_fix(const struct finding *f, struct plan *p)
{
	/* rule is the first member of its law */
	const struct law *l = (const void *)f->rule;
	bool image = strcmp(f->at.src->path, "text") != 0;

	p->title = p->refused = NULL;
	if (!l->put)
		return plan_refuse(p, "no room for %s", l->rule.id);
	plan_title(p, "write %s", l->put);
	if (!image)
		return plan_replace(p,
				    (struct span){ .src = p->src,
						   .off = l->put_at,
						   .len = strlen(l->put) },
				    str_of(l->put));
	plan_grow(p, l->put_at + strlen(l->put));
	return plan_bytes(p, l->stage, l->put_at, str_bytes(str_of(l->put)));
}

static inline int read_letters(struct unit *u, struct err *e)
{
	struct image *img = arena_new(&u->arena, struct image);

	(void)e;
	*img = (struct image){ .unit = u, .src = &u->src, .size = u->src.size };
	u->image = img;
	return 0;
}

static inline int read_text(struct unit *u, struct err *e)
{
	return source_view(&u->src, &u->arena, 0, u->src.size, &u->text, e);
}

static const struct format letters = {
	.name = "letters", .title = "letters", .kind = FORMAT_IMAGE, .read = read_letters
};
static const struct format prose = {
	.name = "prose", .title = "prose", .kind = FORMAT_TEXT, .read = read_text
};

/* ---- one repair ---- */

struct bench {
	struct arena arena;
	struct host host;
	struct source src;
	struct unit unit;
	struct mend_policy policy;
	struct mend mend;
};

static inline void bench_plan(struct bench *b)
{
	struct err e = { 0 };

	assert_int_equal(mend_plan(&b->mend, &b->unit, &b->policy, &b->arena, &e), 0);
}

/* kind: 'i' an image, 't' a text. l ends with an empty law. */
static inline void bench_init(struct bench *b, char kind, const char *content,
			      const struct law *l)
{
	laws = l;
	*b = (struct bench){ .policy = { .level = FIX_SAFE } };
	arena_init(&b->arena, ARENA_BUDGET);
	b->src = source_of_bytes(kind == 'i' ? "image" : "text",
				 str_bytes(str_of(content)));
	unit_read(&b->unit, &b->src, kind == 'i' ? &letters : &prose, &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
}

static inline void bench_mend(struct bench *b, const char *content, const struct law *l)
{
	bench_init(b, 'i', content, l);
	bench_plan(b);
}

static inline void bench_free(struct bench *b)
{
	mend_free(&b->mend);
	unit_close(&b->unit);
	arena_free(&b->arena);
}

/* The image as its plan would leave it. */
static inline void assert_becomes(struct bench *b, const char *expected)
{
	struct patch patch = plan_patch(&b->mend.plan, &b->arena);
	struct source over = source_overlay(&b->unit.src, &patch);
	char text[64];
	struct err e;

	assert_int_equal(over.size, strlen(expected));
	assert_int_equal(source_read(&over, 0, text, (size_t)over.size, &e), 0);
	assert_memory_equal(text, expected, (size_t)over.size);
}

static inline void assert_untouched(struct bench *b)
{
	assert_false(b->mend.changed);
	assert_int_equal(b->mend.plan.edits.n, 0);
	assert_int_equal(b->mend.plan.size, b->unit.src.size);
}

static const struct mend_item *item(struct bench *b, const char *id)
{
	for (size_t i = 0; i < b->mend.items.n; i++) {
		if (strcmp(b->mend.items.v[i].rule->id, id) == 0)
			return &b->mend.items.v[i];
	}
	fail_msg("no item of %s", id);
	return NULL;
}

static inline void assert_outcome(struct bench *b, const char *id, enum outcome outcome)
{
	assert_int_equal(item(b, id)->outcome, outcome);
}

#define RULE(name, sev, class)                                                           \
	{                                                                                \
		.id = (name), .severity = (sev), .fix_class = (class)                    \
	}
#define END                                                                              \
	{                                                                                \
		.at = 0                                                                  \
	}

#endif
