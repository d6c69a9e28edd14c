/* Plans that move partitions, true ones and lies: whatever a rule asks for, only whole
 * partitions go, over nothing that stays, with the table and nothing else changed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "rewrite/prove.h"
#include "rewrite/trial.h"
#include "rules/rule.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

enum {
	MIB = 1 << 20,
	DISK = 8 * MIB,
	FIRST = 63, /* of partition 1, which ends with LBA 4095 */
	SIZE = 4096 - FIRST,
	SECOND = 8192, /* of partition 2 */
	THIRD = 12296, /* of partition 3: aligned, but not to a MiB */
	PART = 2048,   /* sectors of partitions 2 and 3 */
};

struct bench {
	struct platter d;
	struct host host;
	struct unit unit;
	struct draft input, next;
	struct trial t;
	struct mend_policy policy;
	char kind;
};

/* 'g': a GPT. 'm': a DOS label. */
static void bench_table(struct bench *b)
{
	static const uint64_t at[][2] = { { FIRST, SIZE },
					  { SECOND, PART },
					  { THIRD, PART } };
	struct platter *d = &b->d;

	if (b->kind == 'g')
		platter_put_gpt(d);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t last = at[i][0] + at[i][1] - 1;

		if (b->kind == 'm') {
			platter_put_entry(d->p, i, 0x83, (uint32_t)at[i][0],
					  (uint32_t)at[i][1]);
			continue;
		}
		platter_put_partition(d, 2, i + 1, at[i][0], last, "p");
		platter_put_partition(d,
				      platter_sectors(d) - 1 - platter_array_sectors(d),
				      i + 1, at[i][0], last, "p");
	}
	if (b->kind == 'g') {
		platter_seal(d, platter_primary(d));
		platter_seal(d, platter_backup(d));
	}
}

/* FAT16 in partition 1 that knows where it begins. */
static void bench_fat(struct bench *b)
{
	uint8_t *p = platter_lba(&b->d, FIRST);

	memcpy(p, "\xeb\x3c\x90mkfs.fat", 11);
	put_le16(p + 11, 512);
	p[13] = 4;
	put_le16(p + 14, 1);
	p[16] = 2;
	put_le16(p + 19, SIZE);
	p[21] = 0xf8;
	put_le16(p + 22, 8);
	put_le32(p + 28, FIRST);
	p[510] = 0x55;
	p[511] = 0xaa;
}

static void bench_init(struct bench *b, char kind)
{
	*b = (struct bench){ .kind = kind, .policy = { .level = FIX_UNSAFE } };
	platter_init(&b->d, DISK, 512);
	bench_table(b);
	bench_fat(b);
	memset(platter_lba(&b->d, SECOND), 'b', MIB);
	memset(platter_lba(&b->d, THIRD), 'c', MIB);
	platter_image(&b->d);
	unit_read(&b->unit, &b->d.src, format_find("raw"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	draft_init(&b->input, &b->unit);
	b->t = (struct trial){ .input = &b->unit,
			       .policy = &b->policy,
			       .now = &b->input };
	trial_begin(&b->t, &b->next);
}

/* The rule's own plan, to be spoilt by the test. */
static void bench_plan(struct bench *b)
{
	for (size_t i = 0; i < b->input.found.v.n; i++) {
		const struct finding *f = b->input.found.v.v[i];

		if (!strstr(f->rule->id, "-align-4k"))
			continue;
		if (!rule_fix(f, &b->t.plan))
			fail_msg("declined: %s", b->t.plan.refused);
		b->t.fixes[i] = true;
		b->t.nfixes++;
	}
	assert_int_equal(b->t.nfixes, 1);
	assert_int_equal(b->t.plan.moves.n, 1);
}

static void bench_end(struct bench *b)
{
	trial_drop(&b->t);
	draft_free(&b->input);
	unit_close(&b->unit);
	platter_free(&b->d);
}

/* expected: NULL, or what the refusal begins with. */
static void bench_try(struct bench *b, const char *expected)
{
	struct err e = { 0 };

	assert_int_equal(trial_run(&b->t, &e), 0);
	if (!expected && b->t.why)
		fail_msg("refuted: %s", b->t.why);
	if (expected && !b->t.why)
		fail_msg("believed, not: %s", expected);
	if (expected && strncmp(b->t.why, expected, strlen(expected)) != 0)
		fail_msg("\"%s\", not: %s", b->t.why, expected);
	bench_end(b);
}

static struct edit *edit_at(struct bench *b, uint64_t off)
{
	size_t i = 0;

	while (i < b->t.plan.edits.n && b->t.plan.edits.v[i].at.off != off)
		i++;
	assert_true(i < b->t.plan.edits.n);
	return &b->t.plan.edits.v[i];
}

static void drop_edit(struct bench *b, uint64_t off)
{
	struct edit *e = edit_at(b, off);

	*e = b->t.plan.edits.v[--b->t.plan.edits.n];
}

static void set_le32(struct bench *b, uint64_t off, uint32_t v)
{
	struct edit *e = edit_at(b, off);
	uint8_t *bytes = arena_array(b->t.plan.arena, 4, uint8_t);

	put_le32(bytes, v);
	e->bytes = (struct view){ bytes, 4 };
}

enum { HIDDEN = MIB + 28 }; /* of the FAT, where the rule moves it */

/* ---- true ones ---- */

static void the_rules_own_plan_is_believed(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		assert_int_equal(b.t.plan.moves.v[0].to, MIB);
		assert_int_equal(edit_at(&b, HIDDEN)->at.len, 4);
		bench_try(&b, NULL);
	}
}

/* ---- lies ---- */

static void an_entry_without_its_data_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.n = 0;
		drop_edit(&b, HIDDEN);
		bench_try(&b, "partition 1 would change");
	}
}

static void data_without_its_entry_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.edits.n = 0;
		bench_try(&b, "partition 1 would change");
	}
}

static void a_move_over_a_partition_that_stays_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		/* its last sector on the first of partition 2 */
		b.t.plan.moves.v[0].to = (SECOND - SIZE + 1) * UINT64_C(512);
		bench_try(&b, "it would move partition 1 over partition 2");
	}
}

static void a_move_over_one_that_moves_too_little_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.v[0].to = (SECOND - SIZE + 2) * UINT64_C(512);
		assert_true(plan_move(&b.t.plan, SECOND * UINT64_C(512),
				      (SECOND + PART) * UINT64_C(512), MIB));
		b.t.plan.moves.v[1].to = (SECOND + 1) * UINT64_C(512);
		bench_try(&b, "it would move partition 1 over partition 2");
	}
}

static void a_part_of_a_partition_does_not_move(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.v[0].len -= 512;
		bench_try(&b, "it would move bytes");
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.v[0].from += 512;
		b.t.plan.moves.v[0].len -= 512;
		bench_try(&b, "it would move bytes");
	}
}

static void what_is_no_partition_does_not_move(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		assert_true(plan_move(&b.t.plan, 512, 6 * MIB + MIB / 2, 1024));
		bench_try(&b, "it would move bytes");
	}
}

static void a_move_to_another_place_than_the_entry_says_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.v[0].to += 512;
		bench_try(&b, "partition 1 would change");
		bench_init(&b, *k);
		bench_plan(&b);
		b.t.plan.moves.v[0].to += 512;
		drop_edit(&b, HIDDEN);
		bench_try(&b, "partition 1 would change");
	}
}

static void an_edit_within_a_moved_partition_is_refuted(void **state)
{
	static const uint64_t places[] = { 0, 24, 32, 512, (SIZE - 1) * UINT64_C(512) };
	static const uint8_t byte[] = { 1 };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(places) / sizeof(places[0]); i++) {
		bench_init(&b, "gm"[i % 2]);
		bench_plan(&b);
		assert_true(plan_bytes(&b.t.plan, STAGE_TABLES, MIB + places[i / 2],
				       (struct view){ byte, 1 }));
		bench_try(&b, "it would write into partition 1");
	}
}

static void an_edit_within_a_partition_that_stays_is_refuted(void **state)
{
	static const uint8_t byte[] = { 1 };
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		assert_true(plan_bytes(&b.t.plan, STAGE_TABLES, SECOND * UINT64_C(512),
				       (struct view){ byte, 1 }));
		bench_try(&b, "it would write into partition 2");
	}
}

static void hidden_sectors_that_follow_elsewhere_are_refuted(void **state)
{
	struct bench b;

	(void)state;
	for (const char *k = "gm"; *k; k++) {
		bench_init(&b, *k);
		bench_plan(&b);
		set_le32(&b, HIDDEN, MIB / 512 + 1);
		bench_try(&b, "it would write into partition 1");
	}
}

static void hidden_sectors_that_said_something_else_stay(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 'g');
	bench_end(&b);
	/* The same disk, with a FAT that was made for another place. */
	b = (struct bench){ .kind = 'g', .policy = { .level = FIX_UNSAFE } };
	platter_init(&b.d, DISK, 512);
	bench_table(&b);
	bench_fat(&b);
	put_le32(platter_lba(&b.d, FIRST) + 28, 2048);
	platter_image(&b.d);
	unit_read(&b.unit, &b.d.src, format_find("raw"), &b.host);
	draft_init(&b.input, &b.unit);
	b.t = (struct trial){ .input = &b.unit, .policy = &b.policy, .now = &b.input };
	trial_begin(&b.t, &b.next);
	bench_plan(&b);
	for (size_t i = 0; i < b.t.plan.edits.n; i++)
		assert_true(b.t.plan.edits.v[i].at.off != HIDDEN);
	assert_true(plan_le32(&b.t.plan, STAGE_TABLES,
			      (struct span){ b.t.plan.src, HIDDEN, 4 }, MIB / 512));
	bench_try(&b, "it would write into partition 1");
}

static void a_partition_that_changes_in_size_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 'm');
	bench_plan(&b);
	assert_true(plan_le32(&b.t.plan, STAGE_COMMIT,
			      b.unit.image->mbr->entry[0].sectors.at, SIZE - 1));
	bench_try(&b, "it would write into partition 1");
	bench_init(&b, 'm');
	bench_plan(&b);
	assert_true(plan_le32(&b.t.plan, STAGE_COMMIT,
			      b.unit.image->mbr->entry[1].sectors.at, PART - 1));
	bench_try(&b, "partition 2 would change");
}

static void a_table_that_is_moved_upon_is_refuted(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 'g');
	assert_true(plan_move(&b.t.plan, THIRD * UINT64_C(512), DISK - MIB, MIB));
	b.t.fixes[0] = true;
	b.t.nfixes = 1;
	bench_try(&b, "the two copies of the table would no longer agree");
}

static void nothing_moves_by_a_table_that_was_only_just_found(void **state)
{
	struct bench b;
	struct platter blank;
	struct unit input;

	(void)state;
	bench_init(&b, 'g');
	bench_plan(&b);
	/* As if an earlier round had laid partition 1 upon this. */
	platter_init(&blank, DISK, 512);
	platter_put_gpt(&blank);
	platter_put_partition(&blank, 2, 1, FIRST, 4096, "one sector longer");
	platter_seal(&blank, platter_primary(&blank));
	platter_image(&blank);
	unit_read(&input, &blank.src, format_find("raw"), &b.host);
	b.t.input = &input;
	bench_try(&b, "the table that has partition 1 is not on the disk yet");
	unit_close(&input);
	platter_free(&blank);
}

static void nothing_moves_whose_end_was_cut_off(void **state)
{
	struct bench b;
	struct unit input;
	struct source cut;

	(void)state;
	bench_init(&b, 'g');
	bench_plan(&b);
	/* As if an earlier round had made this as long as it was. */
	cut = source_of_bytes("disk", (struct view){ b.d.p, 2 * MIB - 512 });
	unit_read(&input, &cut, format_find("raw"), &b.host);
	b.t.input = &input;
	bench_try(&b, "the end of partition 1 is not on the disk yet");
	unit_close(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rules_own_plan_is_believed),
		cmocka_unit_test(an_entry_without_its_data_is_refuted),
		cmocka_unit_test(data_without_its_entry_is_refuted),
		cmocka_unit_test(a_move_over_a_partition_that_stays_is_refuted),
		cmocka_unit_test(a_move_over_one_that_moves_too_little_is_refuted),
		cmocka_unit_test(a_part_of_a_partition_does_not_move),
		cmocka_unit_test(what_is_no_partition_does_not_move),
		cmocka_unit_test(a_move_to_another_place_than_the_entry_says_is_refuted),
		cmocka_unit_test(an_edit_within_a_moved_partition_is_refuted),
		cmocka_unit_test(an_edit_within_a_partition_that_stays_is_refuted),
		cmocka_unit_test(hidden_sectors_that_follow_elsewhere_are_refuted),
		cmocka_unit_test(hidden_sectors_that_said_something_else_stay),
		cmocka_unit_test(a_partition_that_changes_in_size_is_refuted),
		cmocka_unit_test(a_table_that_is_moved_upon_is_refuted),
		cmocka_unit_test(nothing_moves_by_a_table_that_was_only_just_found),
		cmocka_unit_test(nothing_moves_whose_end_was_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
