/* Plans of edits.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rewrite/edit.h"

#include "base/banned.h"

/* A text or image in memory, and a plan on it. */
struct bench {
	struct arena arena;
	struct source src;
	struct plan plan;
};

static void bench_init(struct bench *b, const char *text)
{
	arena_init(&b->arena, ARENA_BUDGET);
	b->src = source_of_bytes("x", str_bytes(str_of(text)));
	b->plan = plan_on(&b->src, &b->arena);
}

static void bench_free(struct bench *b)
{
	arena_free(&b->arena);
}

static struct span at(const struct bench *b, uint64_t off, uint64_t len)
{
	return (struct span){ .src = &b->src, .off = off, .len = len };
}

static bool replace(struct bench *b, uint64_t off, uint64_t len, const char *text)
{
	return plan_replace(&b->plan, at(b, off, len), str_of(text));
}

static bool bytes(struct plan *p, enum stage stage, uint64_t off, const char *text)
{
	return plan_bytes(p, stage, off, str_bytes(str_of(text)));
}

static void assert_text(struct bench *b, const char *expected)
{
	struct view v = plan_text(&b->plan, b->src.mem, &b->arena);

	assert_int_equal(v.n, strlen(expected));
	assert_memory_equal(v.p, expected, v.n);
}

static void overlap_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 2, 4, "abc"));
	assert_false(replace(&b, 5, 1, "x"));
	assert_false(replace(&b, 1, 2, "x"));
	assert_false(replace(&b, 0, 10, "x"));
	assert_false(replace(&b, 3, 0, "x"));
	assert_int_equal(b.plan.edits.n, 1);
	bench_free(&b);
}

static void neighbours_do_not_overlap(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 2, 4, "abc"));
	assert_true(replace(&b, 0, 2, "<"));
	assert_true(replace(&b, 6, 4, ">"));
	assert_text(&b, "<abc>");
	bench_free(&b);
}

static void the_same_edit_twice_is_one_edit(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 2, 4, "abc"));
	assert_true(replace(&b, 2, 4, "abc"));
	assert_int_equal(b.plan.edits.n, 1);
	assert_false(replace(&b, 2, 4, "abd"));
	bench_free(&b);
}

static void two_insertions_at_one_place_collide(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 3, 0, "a"));
	assert_false(replace(&b, 3, 0, "b"));
	assert_text(&b, "012a3456789");
	bench_free(&b);
}

static void an_insertion_comes_before_what_it_stands_in_front_of(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 3, 2, "DEL"));
	assert_true(replace(&b, 3, 0, "new"));
	assert_true(replace(&b, 5, 0, "more"));
	assert_text(&b, "012newDELmore56789");
	bench_free(&b);
}

static void edits_outside_the_input_are_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_false(replace(&b, 8, 3, "x"));
	assert_false(replace(&b, 11, 0, "x"));
	assert_true(replace(&b, 10, 0, "x"));
	assert_false(bytes(&b.plan, STAGE_TABLES, 9, "xy"));
	assert_false(bytes(&b.plan, STAGE_TABLES, UINT64_MAX, "xy"));
	bench_free(&b);
}

static void a_grown_image_can_be_written_past_its_old_end(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_false(bytes(&b.plan, STAGE_TABLES, 10, "xy"));
	plan_grow(&b.plan, 12);
	assert_true(bytes(&b.plan, STAGE_TABLES, 10, "xy"));
	plan_grow(&b.plan, 5);
	assert_int_equal(plan_patch(&b.plan, &b.arena).size, 12);
	bench_free(&b);
}

static void numbers_are_little_endian_and_fit_their_field(void **state)
{
	struct bench b;
	struct patch p;

	(void)state;
	bench_init(&b, "0123456789abcdef");
	assert_true(plan_u8(&b.plan, STAGE_TABLES, at(&b, 0, 1), 1));
	assert_true(plan_le16(&b.plan, STAGE_TABLES, at(&b, 1, 2), 0x0203));
	assert_true(plan_le32(&b.plan, STAGE_TABLES, at(&b, 3, 4), 0x04050607));
	assert_true(plan_le64(&b.plan, STAGE_TABLES, at(&b, 7, 8), 0x08090a0b0c0d0e0f));
	assert_false(plan_le32(&b.plan, STAGE_TABLES, at(&b, 15, 1), 0));
	p = plan_patch(&b.plan, &b.arena);
	assert_int_equal(p.n, 4);
	assert_memory_equal(p.v[1].bytes.p, "\x03\x02", 2);
	assert_memory_equal(p.v[2].bytes.p, "\x07\x06\x05\x04", 4);
	assert_memory_equal(p.v[3].bytes.p, "\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08", 8);
	bench_free(&b);
}

static void numbers_are_big_endian_where_a_format_is(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789abcdef");
	assert_true(plan_be32(&b.plan, STAGE_TABLES, at(&b, 3, 4), 0x04050607));
	assert_true(plan_be64(&b.plan, STAGE_TABLES, at(&b, 7, 8), 0x08090a0b0c0d0e0f));
	assert_false(plan_be32(&b.plan, STAGE_TABLES, at(&b, 0, 3), 0));
	assert_false(plan_be64(&b.plan, STAGE_TABLES, at(&b, 9, 8), 0));
	assert_int_equal(b.plan.edits.n, 2);
	assert_memory_equal(b.plan.edits.v[0].bytes.p, "\x04\x05\x06\x07", 4);
	assert_memory_equal(b.plan.edits.v[1].bytes.p, "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
			    8);
	bench_free(&b);
}

static void zeroing_is_bounded(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(plan_zero(&b.plan, STAGE_TABLES, 2, 3));
	assert_memory_equal(b.plan.edits.v[0].bytes.p, "\0\0\0", 3);
	plan_grow(&b.plan, UINT64_MAX);
	assert_false(plan_zero(&b.plan, STAGE_TABLES, 16, PLAN_ZERO_MAX + 1));
	assert_false(plan_zero(&b.plan, STAGE_TABLES, 16, UINT64_MAX));
	bench_free(&b);
}

static void an_empty_write_is_no_edit(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(bytes(&b.plan, STAGE_TABLES, 4, ""));
	assert_true(plan_zero(&b.plan, STAGE_TABLES, 4, 0));
	assert_int_equal(b.plan.edits.n, 0);
	bench_free(&b);
}

static void a_patch_is_sorted_and_reads_as_if_written(void **state)
{
	struct bench b;
	struct source over;
	struct patch p;
	struct err e = { 0 };
	char buf[13];

	(void)state;
	bench_init(&b, "0123456789");
	plan_grow(&b.plan, 13);
	assert_true(bytes(&b.plan, STAGE_COMMIT, 11, "Z"));
	assert_true(bytes(&b.plan, STAGE_TABLES, 7, "xyz"));
	assert_true(bytes(&b.plan, STAGE_HEADERS, 0, "A"));
	p = plan_patch(&b.plan, &b.arena);
	assert_int_equal(p.v[0].off, 0);
	assert_int_equal(p.v[1].off, 7);
	assert_int_equal(p.v[2].off, 11);
	over = source_overlay(&b.src, &p);
	assert_int_equal(source_read(&over, 0, buf, sizeof(buf), &e), 0);
	assert_memory_equal(buf, "A123456xyz\0Z\0", 13);
	bench_free(&b);
}

static void cutting_drops_the_latest_edits(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(replace(&b, 0, 1, "a"));
	assert_true(replace(&b, 5, 1, "b"));
	plan_cut(&b.plan, (struct plan_mark){ 1, 0, b.plan.size });
	assert_text(&b, "a123456789");
	bench_free(&b);
}

static void a_refusal_has_its_reason(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_false(plan_refuse(&b.plan, "partition %d is in the way", 3));
	assert_string_equal(b.plan.refused, "partition 3 is in the way");
	bench_free(&b);
}

/* ---- one plan over another ---- */

/* What the source reads as under a plan. */
static void assert_image(struct bench *b, const struct plan *p, const char *expected)
{
	struct patch patch = plan_patch(p, &b->arena);
	struct source over = source_overlay(&b->src, &patch);
	struct err e = { 0 };
	char buf[64];

	assert_int_equal(over.size, strlen(expected));
	assert_int_equal(source_read(&over, 0, buf, (size_t)over.size, &e), 0);
	assert_memory_equal(buf, expected, (size_t)over.size);
}

static struct plan second_plan(struct bench *b)
{
	struct plan p = plan_on(&b->src, &b->arena);

	p.size = b->plan.size;
	return p;
}

static void the_later_plan_wins_byte_for_byte(void **state)
{
	struct bench b;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(bytes(&b.plan, STAGE_TABLES, 2, "abcdef"));
	then = second_plan(&b);
	assert_true(bytes(&then, STAGE_TABLES, 4, "XY"));
	both = plan_over(&b.plan, &then, &b.arena);
	assert_image(&b, &both, "01abXYef89");
	assert_int_equal(both.edits.n, 3);
	bench_free(&b);
}

static void one_later_edit_may_cover_several(void **state)
{
	struct bench b;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(bytes(&b.plan, STAGE_TABLES, 7, "ef"));
	assert_true(bytes(&b.plan, STAGE_TABLES, 1, "ab"));
	assert_true(bytes(&b.plan, STAGE_TABLES, 4, "cd"));
	then = second_plan(&b);
	assert_true(bytes(&then, STAGE_TABLES, 9, "!"));
	assert_true(bytes(&then, STAGE_TABLES, 2, "UVWXYZ"));
	both = plan_over(&b.plan, &then, &b.arena);
	assert_image(&b, &both, "0aUVWXYZf!");
	bench_free(&b);
}

static void a_byte_written_twice_keeps_the_later_stage(void **state)
{
	struct bench b;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(bytes(&b.plan, STAGE_COMMIT, 4, "ab"));
	then = second_plan(&b);
	assert_true(bytes(&then, STAGE_TABLES, 2, "UVWXYZ"));
	both = plan_over(&b.plan, &then, &b.arena);
	assert_image(&b, &both, "01UVWXYZ89");
	assert_int_equal(both.edits.n, 3);
	assert_int_equal(both.edits.v[0].stage, STAGE_TABLES);
	assert_int_equal(both.edits.v[1].stage, STAGE_COMMIT);
	assert_int_equal(both.edits.v[1].at.off, 4);
	assert_int_equal(both.edits.v[1].at.len, 2);
	assert_int_equal(both.edits.v[2].stage, STAGE_TABLES);
	bench_free(&b);
}

static void a_composed_plan_keeps_both_sizes(void **state)
{
	struct bench b;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	plan_grow(&b.plan, 12);
	then = second_plan(&b);
	plan_grow(&then, 11);
	both = plan_over(&b.plan, &then, &b.arena);
	assert_int_equal(both.size, 12);
	bench_free(&b);
}

/* ---- moves ---- */

static void a_move_reads_as_the_old_bytes_of_its_source(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	plan_grow(&b.plan, 13);
	assert_true(plan_move(&b.plan, 5, 8, 5));
	assert_true(plan_move(&b.plan, 1, 2, 4));
	assert_true(bytes(&b.plan, STAGE_TABLES, 9, "A"));
	assert_image(&b, &b.plan, "011234675A789");
	bench_free(&b);
}

static void moves_go_up_and_write_no_byte_twice(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, "0123456789");
	assert_false(plan_move(&b.plan, 5, 4, 2));
	assert_false(plan_move(&b.plan, 5, 5, 2));
	assert_false(plan_move(&b.plan, 5, 8, 3));
	assert_false(plan_move(&b.plan, 9, 1, 2));
	assert_true(plan_move(&b.plan, 2, 5, 3));
	assert_true(plan_move(&b.plan, 2, 5, 3));
	assert_false(plan_move(&b.plan, 0, 7, 2));
	assert_int_equal(b.plan.moves.n, 1);
	bench_free(&b);
}

/* In the bytes that go, in those that stay, and where others come to stand. */
static void a_later_move_takes_earlier_edits_along(void **state)
{
	struct bench b;
	struct patch patch;
	struct source over;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(bytes(&b.plan, STAGE_TABLES, 1, "AB"));
	assert_true(bytes(&b.plan, STAGE_COMMIT, 6, "C"));
	patch = plan_patch(&b.plan, &b.arena);
	over = source_overlay(&b.src, &patch);
	then = plan_on(&over, &b.arena);
	assert_true(plan_move(&then, 2, 5, 4));
	assert_true(bytes(&then, STAGE_TABLES, 8, "X"));
	both = plan_over(&b.plan, &then, &b.arena);
	assert_image(&b, &both, "0AB34B34X9");
	bench_free(&b);
}

static void one_repair_moves_once(void **state)
{
	struct bench b;
	struct patch patch;
	struct source over;
	struct plan then, both;

	(void)state;
	bench_init(&b, "0123456789");
	assert_true(plan_move(&b.plan, 2, 5, 4));
	patch = plan_patch(&b.plan, &b.arena);
	over = source_overlay(&b.src, &patch);
	then = plan_on(&over, &b.arena);
	assert_false(plan_move(&then, 0, 1, 1));
	assert_true(bytes(&then, STAGE_TABLES, 6, "X"));
	both = plan_over(&b.plan, &then, &b.arena);
	assert_image(&b, &both, "012342X459");
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlap_is_refused),
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(the_same_edit_twice_is_one_edit),
		cmocka_unit_test(two_insertions_at_one_place_collide),
		cmocka_unit_test(an_insertion_comes_before_what_it_stands_in_front_of),
		cmocka_unit_test(edits_outside_the_input_are_refused),
		cmocka_unit_test(a_grown_image_can_be_written_past_its_old_end),
		cmocka_unit_test(numbers_are_little_endian_and_fit_their_field),
		cmocka_unit_test(numbers_are_big_endian_where_a_format_is),
		cmocka_unit_test(zeroing_is_bounded),
		cmocka_unit_test(an_empty_write_is_no_edit),
		cmocka_unit_test(a_patch_is_sorted_and_reads_as_if_written),
		cmocka_unit_test(cutting_drops_the_latest_edits),
		cmocka_unit_test(a_refusal_has_its_reason),
		cmocka_unit_test(the_later_plan_wins_byte_for_byte),
		cmocka_unit_test(one_later_edit_may_cover_several),
		cmocka_unit_test(a_byte_written_twice_keeps_the_later_stage),
		cmocka_unit_test(a_composed_plan_keeps_both_sizes),
		cmocka_unit_test(a_move_reads_as_the_old_bytes_of_its_source),
		cmocka_unit_test(moves_go_up_and_write_no_byte_twice),
		cmocka_unit_test(a_later_move_takes_earlier_edits_along),
		cmocka_unit_test(one_repair_moves_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
