/* The rounds of a repair, in a world of its own: this program brings its own rules_run()
 * and rule_fix(), so that the linker leaves the real rules out, and a format whose images
 * are a few letters. A rule finds its bad letter at its place, and its fix writes what the
 * test says.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/image.h"
#include "analyze/unit.h"
#include "rewrite/judge_fdisk.h"
#include "rewrite/prove.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

/* ---- the world ---- */

struct law {
	struct rule rule;
	size_t at;       /* fires when this letter ... */
	char bad;        /* ... is this one */
	size_t put_at;   /* its fix writes there */
	const char *put; /* NULL: refuses */
	enum stage stage;
};

static const struct law *laws;

static bool stands_there(const struct unit *u, const struct law *l)
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

static int read_letters(struct unit *u, struct err *e)
{
	struct image *img = arena_new(&u->arena, struct image);

	(void)e;
	*img = (struct image){ .unit = u, .src = &u->src, .size = u->src.size };
	u->image = img;
	return 0;
}

static int read_text(struct unit *u, struct err *e)
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

static void bench_plan(struct bench *b)
{
	struct err e = { 0 };

	assert_int_equal(mend_plan(&b->mend, &b->unit, &b->policy, &b->arena, &e), 0);
}

/* kind: 'i' an image, 't' a text. l ends with an empty law. */
static void bench_init(struct bench *b, char kind, const char *content,
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

static void bench_mend(struct bench *b, const char *content, const struct law *l)
{
	bench_init(b, 'i', content, l);
	bench_plan(b);
}

static void bench_free(struct bench *b)
{
	mend_free(&b->mend);
	unit_close(&b->unit);
	arena_free(&b->arena);
}

/* The image as its plan would leave it. */
static void assert_becomes(struct bench *b, const char *expected)
{
	struct patch patch = plan_patch(&b->mend.plan, &b->arena);
	struct source over = source_overlay(&b->unit.src, &patch);
	char text[64];
	struct err e;

	assert_int_equal(over.size, strlen(expected));
	assert_int_equal(source_read(&over, 0, text, (size_t)over.size, &e), 0);
	assert_memory_equal(text, expected, (size_t)over.size);
}

static void assert_untouched(struct bench *b)
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

static void assert_outcome(struct bench *b, const char *id, enum outcome outcome)
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

/* ---- tests ---- */

static void a_clean_input_is_left_alone(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "....", l);
	assert_untouched(&b);
	assert_int_equal(b.mend.items.n, 0);
	assert_int_equal(b.mend.remaining.v.n, 0);
	bench_free(&b);
}

static void fixes_of_one_round_go_together(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_NOTE, FIX_SAFE), 2, 'Y', 2, ",", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.Y.", l);
	assert_becomes(&b, "..,.");
	assert_true(b.mend.changed);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_string_equal(item(&b, "b")->title, "write ,");
	assert_int_equal(item(&b, "b")->round, 1);
	assert_int_equal(b.mend.remaining.v.n, 0);
	bench_free(&b);
}

static void edits_know_the_finding_that_they_are_for(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_ptr_equal(b.mend.plan.edits.v[0].because, b.mend.items.v[0].finding);
	assert_ptr_equal(b.mend.plan.edits.v[0].at.src, &b.unit.src);
	assert_ptr_equal(b.mend.items.v[0].finding->at.src, &b.unit.src);
	assert_string_equal(b.mend.items.v[0].finding->message, "letter 0 is X");
	bench_free(&b);
}

static void only_the_allowed_classes_are_fixed(void **state)
{
	const struct law l[] = {
		{ RULE("lossy", SEV_ERROR, FIX_LOSSY), 0, 'X', 0, ".", 0 },
		{ RULE("manual", SEV_ERROR, FIX_MANUAL), 1, 'X', 1, ".", 0 },
		{ RULE("safe", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
		{ RULE("unsafe", SEV_ERROR, FIX_UNSAFE), 3, 'X', 3, ".", 0 },
		END
	};
	static const char *const becomes[] = { "XX.X", "XX..", ".X.." };
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		bench_init(&b, 'i', "XXXX", l);
		b.policy.level = FIX_SAFE + i;
		bench_plan(&b);
		assert_becomes(&b, becomes[i]);
		assert_outcome(&b, "manual", OUTCOME_NO_FIX);
		assert_int_equal(b.mend.items.n, 4);
		bench_free(&b);
	}
}

static bool only_b(const struct rule *r, const void *ctx)
{
	return strcmp(r->id, ctx) == 0;
}

static void only_wanted_rules_are_fixed(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_init(&b, 'i', "XX..", l);
	b.policy.wanted = only_b;
	b.policy.ctx = "b";
	bench_plan(&b);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_NO_FIX);
	bench_free(&b);
}

static void a_fix_that_declines_is_left_with_its_reason(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, NULL, 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XX..", l);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_DECLINED);
	assert_string_equal(item(&b, "a")->reason, "no room for a");
	assert_int_equal(b.mend.remaining.v.n, 1);
	bench_free(&b);
}

static void a_fix_that_does_not_cure_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 1, "!", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_string_equal(item(&b, "a")->reason, "a would still say: letter 0 is X");
	bench_free(&b);
}

static void a_fix_that_brings_an_error_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_WARNING, FIX_SAFE), 0, 'X', 0, ".Z", 0 },
				 { RULE("b", SEV_ERROR, FIX_NONE), 1, 'Z', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason, "it would bring b: letter 1 is Z");
	bench_free(&b);
}

static void one_bad_fix_does_not_spoil_the_others(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 4, "!", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
				 { RULE("d", SEV_ERROR, FIX_SAFE), 3, 'X', 3, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XXXX.", l);
	assert_becomes(&b, ".X...");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	assert_outcome(&b, "c", OUTCOME_FIXED);
	assert_outcome(&b, "d", OUTCOME_FIXED);
	assert_int_equal(b.mend.remaining.v.n, 1);
	bench_free(&b);
}

static void what_the_next_round_fixes_is_a_step_on_the_way(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, "....");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_int_equal(item(&b, "b")->round, 2);
	/* Its place is shown in what the first round made, which still can be read. */
	assert_int_equal(item(&b, "b")->finding->at.off, 0);
	assert_int_equal(item(&b, "b")->finding->at.src->patch->v[0].bytes.p[0], 'Y');
	bench_free(&b);
}

static void a_warning_that_nothing_will_fix_is_a_veto(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_UNSAFE), 0, 'Y', 0, ".",
				   0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	bench_free(&b);
}

static void a_warning_whose_fix_fails_takes_its_cause_back(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, NULL, 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_outcome(&b, "c", OUTCOME_FIXED);
	assert_int_equal(b.mend.items.n, 2);
	bench_free(&b);
}

static void a_new_note_is_no_veto(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_NOTE, FIX_NONE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, "Y...");
	assert_outcome(&b, "b", OUTCOME_NO_FIX);
	assert_int_equal(b.mend.remaining.v.n, 1);
	assert_ptr_equal(b.mend.remaining.v.v[0]->at.src, &b.mend.last->src);
	bench_free(&b);
}

static void fixes_that_undo_each_other_end(void **state)
{
	const struct law l[] = { { RULE("a", SEV_WARNING, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, "X", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_int_equal(b.mend.items.n, 1);
	bench_free(&b);
}

static void fixes_that_collide_wait_for_the_next_round(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "..", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 2, 'X', 1, ",,", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, ".,,.");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_int_equal(b.mend.items.n, 2);
	bench_free(&b);
}

static void rounds_compose_with_the_later_stage(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y..", STAGE_COMMIT },
		{ RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", STAGE_TABLES },
		END
	};
	struct bench b;

	(void)state;
	bench_mend(&b, "X234", l);
	assert_becomes(&b, "...4");
	for (size_t i = 0; i < b.mend.plan.edits.n; i++)
		assert_int_equal(b.mend.plan.edits.v[i].stage, STAGE_COMMIT);
	bench_free(&b);
}

static void bytes_that_are_there_already_are_not_written(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y2", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X234", l);
	assert_becomes(&b, ".234");
	assert_int_equal(b.mend.plan.edits.n, 1);
	assert_int_equal(b.mend.plan.edits.v[0].at.len, 1);
	bench_free(&b);
}

static void what_another_fix_made_go_away_is_fixed_without_a_title(void **state)
{
	/* c does not cure, so that b is first tried with the others and then finds that
	 * it is gone. */
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "..", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 4, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 3, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XXX..", l);
	assert_becomes(&b, "..X..");
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_null(item(&b, "b")->title);
	assert_string_equal(item(&b, "b")->reason, "gone with the fix of a");
	bench_free(&b);
}

static void an_image_may_grow(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".12345", 0 }, END
	};
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, ".12345");
	bench_free(&b);
}

static void too_many_rounds_end_with_what_was_proven(void **state)
{
	enum { STEPS = MEND_ROUNDS + 2 };
	struct law l[STEPS + 1] = { 0 };
	static const char *const ids[] = { "a", "b", "c", "d", "e",
					   "f", "g", "h", "i", "j" };
	static const char *const puts[] = { "B", "C", "D", "E", "F",
					    "G", "H", "I", "J", "." };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < STEPS; i++)
		l[i] = (struct law){ RULE(ids[i], SEV_WARNING, FIX_SAFE),
				     0,
				     (char)('A' + i),
				     0,
				     puts[i],
				     0 };
	bench_mend(&b, "A...", l);
	/* No end in sight: the warnings on the way would remain, so none was allowed. */
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	bench_free(&b);
}

static void a_mended_input_needs_nothing(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 3, "!", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, "..X.");
	bench_free(&b);
	bench_mend(&b, "..X.", l);
	assert_untouched(&b);
	bench_free(&b);
}

static void a_text_is_mended_as_a_whole(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, "-", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_init(&b, 't', "X.X.", l);
	bench_plan(&b);
	assert_true(b.mend.changed);
	assert_int_equal(b.mend.text.n, 4);
	assert_memory_equal(b.mend.text.p, "..-.", 4);
	assert_memory_equal(item(&b, "b")->finding->at.src->mem.p, "Y.-.", 4);
	bench_free(&b);
}

/* ---- on a disk ---- */

/* A real GPT disk, which real readers read. Its partitions are LBA 34 to 1040 and on; a
 * finding is the letter X at byte 40, where boot code would be. */
static void disk_init(struct platter *d)
{
	platter_init(d, 1 << 20, 512);
	platter_put_gpt(d);
	d->p[40] = 'X';
}

static void disk_plan(struct bench *b, struct platter *d, const struct law *l,
		      enum fix_class level)
{
	laws = l;
	*b = (struct bench){ .policy = { .level = level } };
	arena_init(&b->arena, ARENA_BUDGET);
	platter_image(d);
	b->src = d->src;
	unit_read(&b->unit, &b->src, format_find("raw"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	bench_plan(b);
}

static void disk_mend(struct bench *b, struct platter *d, const struct law *l,
		      enum fix_class level)
{
	disk_init(d);
	disk_plan(b, d, l, level);
}

static void disk_free(struct bench *b, struct platter *d)
{
	bench_free(b);
	platter_free(d);
}

static void a_fix_of_a_disk_is_proven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 40, 'X', 40, "Y", 0 },
				 END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_int_equal(b.mend.plan.edits.n, 1);
	disk_free(&b, &d);
}

static void only_a_lossy_fix_may_write_into_a_partition(void **state)
{
	enum { INSIDE = 40 * 512 };
	struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_UNSAFE), INSIDE, 0, INSIDE, "Y", 0 }, END
	};
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_LOSSY);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason, "it would write into partition 1");
	disk_free(&b, &d);

	l[0].rule.fix_class = FIX_LOSSY;
	disk_mend(&b, &d, l, FIX_LOSSY);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	disk_free(&b, &d);
}

/* Alone, a fix leaves the copies in disagreement. Together, they agree, and their sums are
 * right, since plans are sealed. */
static void a_fix_that_moves_a_partition_is_unproven(void **state)
{
	enum { FIRST = GPT_ENT_FIRST, BACKUP = (1 << 20) - 33 * 512 };
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_UNSAFE), 1024 + FIRST, 34,
				   1024 + FIRST, "$", 0 },
				 { RULE("b", SEV_ERROR, FIX_UNSAFE), BACKUP + FIRST, 34,
				   BACKUP + FIRST, "$", 0 },
				 END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_UNSAFE);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	disk_free(&b, &d);
}

static void a_guid_may_change_by_an_unsafe_fix_only(void **state)
{
	enum { GUID = GPT_ENT_GUID, BACKUP = (1 << 20) - 33 * 512 };
	struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 1024 + GUID, 'p',
			     1024 + GUID, "q", 0 },
			   { RULE("b", SEV_ERROR, FIX_SAFE), BACKUP + GUID, 'p',
			     BACKUP + GUID, "q", 0 },
			   END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_untouched(&b);
	disk_free(&b, &d);

	l[0].rule.fix_class = l[1].rule.fix_class = FIX_UNSAFE;
	disk_mend(&b, &d, l, FIX_UNSAFE);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	/* Both GUIDs, and both sums of both headers. */
	assert_int_equal(b.mend.plan.edits.n, 6);
	disk_free(&b, &d);
}

static void the_last_right_copy_must_stay_right(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 512, 'E', 512, ".", 0 }, END
	};
	struct platter d;
	struct bench b;

	(void)state;
	disk_init(&d);
	platter_backup(&d)[0] = '.';
	disk_plan(&b, &d, l, FIX_UNSAFE);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason,
			    "no copy of the table would be right any more");
	disk_free(&b, &d);
}

static void what_libfdisk_objects_to_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 40, 'X', 40, "Y", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 446 + 4, (char)0xee,
				   446 + 4, "\x83", 0 },
				 END };
	struct fdisk_opinion o;
	struct err e = { 0 };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_int_equal(fdisk_ask(b.unit.image, &b.arena, &o, &e), 0);
	if (!o.asked)
		skip();
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	assert_string_equal(item(&b, "b")->reason, "libfdisk: sees no GPT");
	disk_free(&b, &d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_input_is_left_alone),
		cmocka_unit_test(fixes_of_one_round_go_together),
		cmocka_unit_test(edits_know_the_finding_that_they_are_for),
		cmocka_unit_test(only_the_allowed_classes_are_fixed),
		cmocka_unit_test(only_wanted_rules_are_fixed),
		cmocka_unit_test(a_fix_that_declines_is_left_with_its_reason),
		cmocka_unit_test(a_fix_that_does_not_cure_is_unproven),
		cmocka_unit_test(a_fix_that_brings_an_error_is_unproven),
		cmocka_unit_test(one_bad_fix_does_not_spoil_the_others),
		cmocka_unit_test(what_the_next_round_fixes_is_a_step_on_the_way),
		cmocka_unit_test(a_warning_that_nothing_will_fix_is_a_veto),
		cmocka_unit_test(a_warning_whose_fix_fails_takes_its_cause_back),
		cmocka_unit_test(a_new_note_is_no_veto),
		cmocka_unit_test(fixes_that_undo_each_other_end),
		cmocka_unit_test(fixes_that_collide_wait_for_the_next_round),
		cmocka_unit_test(rounds_compose_with_the_later_stage),
		cmocka_unit_test(bytes_that_are_there_already_are_not_written),
		cmocka_unit_test(what_another_fix_made_go_away_is_fixed_without_a_title),
		cmocka_unit_test(an_image_may_grow),
		cmocka_unit_test(too_many_rounds_end_with_what_was_proven),
		cmocka_unit_test(a_mended_input_needs_nothing),
		cmocka_unit_test(a_text_is_mended_as_a_whole),
		cmocka_unit_test(a_fix_of_a_disk_is_proven),
		cmocka_unit_test(only_a_lossy_fix_may_write_into_a_partition),
		cmocka_unit_test(a_fix_that_moves_a_partition_is_unproven),
		cmocka_unit_test(a_guid_may_change_by_an_unsafe_fix_only),
		cmocka_unit_test(the_last_right_copy_must_stay_right),
		cmocka_unit_test(what_libfdisk_objects_to_is_unproven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
