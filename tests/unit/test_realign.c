/* Where partitions go: rules/realign.c, without any disk.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rules/realign.h"

#include "base/banned.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

struct want {
	uint64_t off, len;
	uint64_t to; /* 0 ends the list */
};

struct scene {
	const char *name;
	uint64_t need, end, grow;
	struct want part[5]; /* sorted by place */
};

static struct realign plan_of(const struct scene *s, bool backwards)
{
	struct realign r = { .need = s->need, .end = s->end };
	size_t n = 0;

	while (s->part[n].to)
		n++;
	for (size_t i = 0; i < n; i++) {
		size_t k = backwards ? n - 1 - i : i;

		assert_true(realign_add(&r, (unsigned)k + 1, s->part[k].off,
					s->part[k].len, false));
	}
	return r;
}

/* All that the header promises, whatever the scene. */
static void assert_promises(const struct realign *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct realign_part *p = &r->part[i];
		uint64_t end = i ? p[-1].to + p[-1].len : 0;

		assert_true(p->to >= p->off);
		assert_true(p->to >= end);
		assert_true(p->to == p->off || p->to % MIB == 0);
		assert_true(p->anywhere || p->to % r->need == 0);
		assert_true(p->to + p->len <= r->end + r->grow);
	}
	assert_int_equal(r->grow % MIB, 0);
}

static void partitions_go_where_the_table_says(void **state)
{
	const struct scene scenes[] = {
		{ "it fits", 4096, 64 * MIB, 0, { { 63 * 512, MIB, MIB } } },
		{ "to the last byte", 4096, 2 * MIB, 0, { { 63 * 512, MIB, MIB } } },
		{ "one byte too long",
		  4096,
		  2 * MIB - 1,
		  MIB,
		  { { 63 * 512, MIB, MIB } } },
		{ "the last one has no room",
		  4096,
		  16 * MIB - 17 * KIB,
		  MIB,
		  { { MIB, MIB, MIB },
		    { 2 * MIB + 512, 14 * MIB - 18 * KIB, 3 * MIB } } },
		{ "an aligned one stays where there is room before it",
		  4096,
		  64 * MIB,
		  0,
		  { { 63 * 512, MIB, MIB }, { 2 * MIB, MIB, 2 * MIB } } },
		{ "an aligned one makes room",
		  4096,
		  64 * MIB,
		  0,
		  { { 512, 2 * MIB - 512, MIB }, { 2 * MIB, MIB, 3 * MIB } } },
		{ "it is pushed to a whole MiB, though it was at one of 4 KiB",
		  4096,
		  64 * MIB,
		  0,
		  { { 512, MIB, MIB }, { MIB + 4096, MIB, 2 * MIB } } },
		{ "nothing is moved for the sake of a MiB",
		  4096,
		  64 * MIB,
		  0,
		  { { 40 * 512, MIB, 40 * 512 }, { 8 * MIB + 512, MIB, 9 * MIB } } },
		{ "unless that is asked for",
		  MIB,
		  64 * MIB,
		  0,
		  { { 40 * 512, MIB, MIB }, { 8 * MIB + 512, MIB, 9 * MIB } } },
		{ "a chain ends at the first gap",
		  4096,
		  64 * MIB,
		  0,
		  { { 512, MIB, MIB },
		    { MIB + 512, MIB, 2 * MIB },
		    { 2 * MIB + 512, MIB, 3 * MIB },
		    { 5 * MIB, MIB, 5 * MIB } } },
		{ "sectors of 4096 bytes",
		  MIB,
		  64 * MIB,
		  0,
		  { { 6 * 4096, MIB, MIB }, { 3 * MIB, 4096, 3 * MIB } } },
		{ "where numbers are large",
		  4096,
		  UINT64_C(1) << 63,
		  0,
		  { { (UINT64_C(1) << 62) + 512, MIB, (UINT64_C(1) << 62) + MIB } } },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(scenes) / sizeof(scenes[0]); i++) {
		const struct scene *s = &scenes[i / 2];
		struct realign r = plan_of(s, i % 2 == 1);

		if (realign_plan(&r) != REALIGN_OK)
			fail_msg("%s: no plan", s->name);
		assert_promises(&r);
		if (r.grow != s->grow)
			fail_msg("%s: grows by %llu", s->name,
				 (unsigned long long)r.grow);
		for (size_t k = 0; k < r.n; k++) {
			if (r.part[k].to != s->part[k].to || r.part[k].number != k + 1)
				fail_msg("%s: partition %zu goes to %llu", s->name, k + 1,
					 (unsigned long long)r.part[k].to);
		}
	}
}

static void nothing_to_do_is_said(void **state)
{
	struct realign r = { .need = 4096, .end = 8 * MIB }, none = r;
	uint64_t bytes;

	(void)state;
	assert_true(realign_add(&r, 1, MIB, MIB, false));
	assert_true(realign_add(&r, 2, 2 * MIB + 4096, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_IDLE);
	assert_int_equal(realign_plan(&none), REALIGN_IDLE);
	assert_int_equal(realign_moves(&r, &bytes), 0);
	assert_int_equal(bytes, 0);
}

static void what_may_begin_anywhere_stays_if_it_can(void **state)
{
	struct realign r = { .need = 4096, .end = 8 * MIB };

	(void)state;
	assert_true(realign_add(&r, 1, 34 * 512, MIB - 34 * 512, true));
	assert_true(realign_add(&r, 2, MIB + 512, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_OK);
	assert_int_equal(r.part[0].to, 34 * 512);
	assert_int_equal(r.part[1].to, 2 * MIB);
	r.part[0].anywhere = false;
	assert_int_equal(realign_plan(&r), REALIGN_OK);
	assert_int_equal(r.part[0].to, MIB);
}

static void overlaps_are_refused(void **state)
{
	struct realign r = { .need = 4096, .end = 8 * MIB }, empty = r;

	(void)state;
	assert_true(realign_add(&r, 1, 512, MIB, false));
	assert_true(realign_add(&r, 2, MIB, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_OVERLAP);
	assert_int_equal(r.culprit, 2);
	assert_true(realign_add(&empty, 7, 512, 0, false));
	assert_int_equal(realign_plan(&empty), REALIGN_OVERLAP);
	assert_int_equal(empty.culprit, 7);
}

static void what_reaches_out_of_the_room_is_refused(void **state)
{
	struct realign r = { .need = 4096, .end = 8 * MIB }, far = r;

	(void)state;
	assert_true(realign_add(&r, 3, 7 * MIB + 512, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_OUTSIDE);
	assert_int_equal(r.culprit, 3);
	assert_true(realign_add(&far, 4, UINT64_MAX - 511, 512, false));
	assert_int_equal(realign_plan(&far), REALIGN_OUTSIDE);
}

static void what_would_end_beyond_all_numbers_is_refused(void **state)
{
	struct realign r = { .need = 4096, .end = UINT64_MAX }, last = r, none = r;

	(void)state;
	/* no whole MiB above it */
	assert_true(realign_add(&r, 1, UINT64_MAX - 2047, 1024, false));
	assert_int_equal(realign_plan(&r), REALIGN_TOO_FAR);
	assert_int_equal(r.culprit, 1);
	/* its end */
	assert_true(
		realign_add(&last, 2, UINT64_MAX - 3 * MIB + 512, 2 * MIB + 511, false));
	assert_int_equal(realign_plan(&last), REALIGN_TOO_FAR);
	/* the end of the one that it pushes */
	assert_true(realign_add(&none, 1, 512, MIB, false));
	assert_true(
		realign_add(&none, 2, 2 * MIB - 4096, UINT64_MAX - 2 * MIB + 1, false));
	assert_int_equal(realign_plan(&none), REALIGN_TOO_FAR);
	assert_int_equal(none.culprit, 2);
}

static void there_are_as_many_as_can_be(void **state)
{
	struct realign r = { .need = 4096, .end = 1024 * MIB };
	uint64_t bytes;

	(void)state;
	for (unsigned i = 0; i < REALIGN_MAX; i++)
		assert_true(realign_add(&r, i + 1, (i + 1) * MIB + 512, MIB, false));
	assert_false(realign_add(&r, 99, 512 * MIB, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_OK);
	assert_promises(&r);
	assert_int_equal(realign_moves(&r, &bytes), REALIGN_MAX);
	assert_int_equal(bytes, REALIGN_MAX * MIB);
}

static void what_moves_touches_its_old_and_its_new_place(void **state)
{
	struct realign r = { .need = 4096, .end = 8 * MIB };

	(void)state;
	assert_true(realign_add(&r, 1, 63 * 512, 64 * KIB, false));
	assert_true(realign_add(&r, 2, 4 * MIB, MIB, false));
	assert_int_equal(realign_plan(&r), REALIGN_OK);
	assert_false(realign_touches(&r, 62 * 512, 512));
	assert_true(realign_touches(&r, 62 * 512, 513));
	assert_true(realign_touches(&r, 63 * 512 + 64 * KIB - 1, 512));
	assert_false(realign_touches(&r, 63 * 512 + 64 * KIB, 512));
	assert_true(realign_touches(&r, MIB, 1));
	assert_false(realign_covers(&r, 63 * 512, 512));
	assert_true(realign_covers(&r, MIB + 64 * KIB - 1, 1));
	assert_false(realign_covers(&r, MIB + 64 * KIB, 1));
	assert_false(realign_touches(&r, 4 * MIB, MIB));
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Any table: the promises hold, a second plan has nothing to do. */
static void a_thousand_tables_keep_the_promises(void **state)
{
	uint64_t seed = 1, bytes;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct realign r = { .need = round % 2 ? MIB : 4096 }, again;
		uint64_t at = 34 * 512;
		enum realign_verdict v;

		for (unsigned i = 0; i < 1 + (unsigned)round % REALIGN_MAX; i++) {
			uint64_t len = 512 * (1 + next(&seed) % 9000);

			at += next(&seed) % 3 ? 0 : 512 * (next(&seed) % 5000);
			assert_true(realign_add(&r, i, at, len, false));
			at += len;
		}
		r.end = at + 512 * (next(&seed) % 3000);
		v = realign_plan(&r);
		assert_true(v == REALIGN_OK || v == REALIGN_IDLE);
		assert_promises(&r);
		again = (struct realign){ .need = r.need, .end = r.end + r.grow };
		for (size_t i = 0; i < r.n; i++)
			assert_true(realign_add(&again, r.part[i].number, r.part[i].to,
						r.part[i].len, false));
		assert_int_equal(realign_plan(&again), REALIGN_IDLE);
		assert_int_equal(realign_moves(&again, &bytes), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partitions_go_where_the_table_says),
		cmocka_unit_test(nothing_to_do_is_said),
		cmocka_unit_test(what_may_begin_anywhere_stays_if_it_can),
		cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(what_reaches_out_of_the_room_is_refused),
		cmocka_unit_test(what_would_end_beyond_all_numbers_is_refused),
		cmocka_unit_test(there_are_as_many_as_can_be),
		cmocka_unit_test(what_moves_touches_its_old_and_its_new_place),
		cmocka_unit_test(a_thousand_tables_keep_the_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
