/* Where the ranges of a map are drawn: nothing is lost, nothing overlaps within a lane, what
 * is not to scale says so.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/map_layout.h"

#include "base/banned.h"

struct bench {
	struct arena a;
	struct map m;
	struct map_layout l;
};

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define TIB(n) ((uint64_t)(n) << 40)

static const struct map_grid grid_80 = { .cols = 80, .min = 2, .per_char = 1, .past = 6 };

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	arena_init(&b->a, 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	map_free(&b->m);
	arena_free(&b->a);
	free(b);
	return 0;
}

static struct map_range *put(struct bench *b, uint64_t off, uint64_t len)
{
	struct map_range *r = map_add(&b->m, &b->a, off, len);

	r->kind = MAP_PART;
	return r;
}

static void free_range(void *ctx, uint64_t off, uint64_t end)
{
	struct bench *b = ctx;

	map_add(&b->m, &b->a, off, end - off)->kind = MAP_FREE;
}

static void fill(struct bench *b)
{
	map_gaps(&b->m, &b->a, 0, b->m.size, true, free_range, b);
	map_sort(&b->m);
}

/* What is true of every layout. */
static void is_sound(const struct bench *b, const struct map_grid *g)
{
	const struct map_layout *l = &b->l;
	const struct map *m = &b->m;

	assert_true(l->cols <= g->cols);
	assert_true(l->end <= l->cols);
	assert_true(l->lanes <= MAP_LANES_MAX);
	for (size_t i = 0; i < m->v.n; i++) {
		const struct map_box *x = &l->box[i];

		if (x->cols == 0)
			continue;
		assert_true(x->cols >= g->min);
		assert_true(x->lane < l->lanes);
		assert_true(x->col < l->cols && x->cols <= l->cols - x->col);
		for (size_t k = 0; k < i; k++) {
			const struct map_box *y = &l->box[k];

			if (y->cols && x->lane == y->lane)
				assert_true(x->col + x->cols <= y->col ||
					    y->col + y->cols <= x->col);
			/* Order on the disk is order in the drawing. */
			if (y->cols && m->v.v[k].end <= m->v.v[i].off)
				assert_true(y->col + y->cols <= x->col);
		}
	}
	for (size_t c = 0; c < l->crowds.n; c++) {
		const struct map_crowd *y = &l->crowds.v[c];

		assert_true(y->n > 0 && y->cols >= g->min && y->lane < l->lanes);
		for (size_t i = 0; i < m->v.n; i++) {
			const struct map_box *x = &l->box[i];

			if (x->cols && x->lane == y->lane)
				assert_true(x->col + x->cols <= y->col ||
					    y->col + y->cols <= x->col);
		}
	}
}

static void lay(struct bench *b, const struct map_grid *g)
{
	map_lay(&b->l, &b->m, g, &b->a);
	is_sound(b, g);
}

/* ---- widths ---- */

static void halves_are_halves(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(64);
	put(b, 0, MIB(32));
	put(b, MIB(32), MIB(32));
	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.box[0].cols, 40);
	assert_int_equal(b->l.box[1].col, 40);
	assert_int_equal(b->l.box[1].cols, 40);
	assert_int_equal(b->l.lanes, 1);
	assert_int_equal(b->l.end, 80);
	assert_true(b->l.to_scale && b->l.box[0].to_scale);
	assert_true(b->l.per_col == MIB(64) / 80);
}

static void sixteen_kib_of_sixteen_tib_are_seen(void **state)
{
	struct bench *b = *state;

	b->m.size = TIB(16);
	put(b, 0, 512);
	put(b, 512, 512);
	put(b, 1024, KIB(16));
	put(b, MIB(1), TIB(16) - MIB(2));
	put(b, TIB(16) - 512, 512);
	fill(b);
	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 80);
	for (size_t i = 0; i < b->m.v.n; i++) {
		bool large = b->m.v.v[i].off == MIB(1);

		assert_int_equal(b->l.box[i].cols, large ? 80 - 2 * (b->m.v.n - 1) : 2);
		assert_true(b->l.box[i].to_scale == large);
	}
	assert_false(b->l.to_scale);
}

static void what_is_left_is_to_scale(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(1024);
	put(b, 0, 512);
	put(b, 512, MIB(256) - 512);
	put(b, MIB(256), MIB(512));
	put(b, MIB(768), MIB(256));
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].cols, 2);
	assert_in_range(b->l.box[1].cols, 19, 20);
	assert_in_range(b->l.box[2].cols, 38, 40);
	assert_in_range(b->l.box[3].cols, 19, 20);
	assert_in_range(b->l.per_col, MIB(1024) / 79, MIB(1024) / 77);
}

static void a_long_key_gets_room_where_there_is_some(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(1024);
	put(b, 0, KIB(4))->key = "128";
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].cols, 4);
	for (unsigned i = 1; i < 30; i++)
		put(b, KIB(4) * i, KIB(4))->key = "128";
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].cols, 2);
}

static void a_disk_of_sixteen_eib_is_drawn(void **state)
{
	struct bench *b = *state;

	b->m.size = UINT64_MAX;
	put(b, 0, 1);
	put(b, UINT64_MAX / 2, UINT64_MAX);
	fill(b);
	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.box[0].cols, 2);
	assert_in_range(b->l.box[1].cols, 38, 40);
	assert_in_range(b->l.box[2].cols, 38, 40);
	assert_int_equal(b->l.end, 80);
}

static void nothing_has_no_columns(void **state)
{
	struct bench *b = *state;

	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 0);
	b->m.size = 512;
	put(b, 100, 0);
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].cols, 0);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.lanes, 0);
}

static void a_disk_of_a_few_bytes_fills_the_drawing(void **state)
{
	struct bench *b = *state;

	b->m.size = 3;
	for (unsigned i = 0; i < 3; i++)
		put(b, i, 1);
	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.box[2].col + b->l.box[2].cols, 80);
}

/* ---- lanes ---- */

static void overlaps_go_below(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	put(b, 0, MIB(50));
	put(b, MIB(25), MIB(50));
	put(b, MIB(75), MIB(25));
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].lane, 0);
	assert_int_equal(b->l.box[1].lane, 1);
	assert_int_equal(b->l.box[2].lane, 0);
	assert_int_equal(b->l.lanes, 2);
	/* The same byte is the same column. */
	assert_int_equal(b->l.box[1].col, 20);
	assert_int_equal(b->l.box[1].col + b->l.box[1].cols, b->l.box[2].col);
}

static void a_lower_rank_is_above(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	put(b, 0, MIB(100))->rank = 1;
	put(b, MIB(10), MIB(1));
	lay(b, &grid_80);
	assert_int_equal(b->l.box[0].lane, 1);
	assert_int_equal(b->l.box[1].lane, 0);
}

static void the_container_is_above_what_it_holds(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	put(b, MIB(50), 512);
	put(b, MIB(50), MIB(50))->kind = MAP_CONTAINER;
	put(b, MIB(51), MIB(20));
	lay(b, &grid_80);
	assert_int_equal(b->l.box[1].lane, 0);
	assert_int_equal(b->l.box[0].lane, 1);
	assert_int_equal(b->l.box[2].lane, 1);
}

static void more_lanes_than_there_are_are_not_drawn(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	for (unsigned i = 0; i < 10; i++)
		put(b, MIB(1), MIB(50));
	lay(b, &grid_80);
	assert_int_equal(b->l.lanes, MAP_LANES_MAX);
	assert_int_not_equal(b->l.box[MAP_LANES_MAX - 1].cols, 0);
	assert_int_equal(b->l.box[MAP_LANES_MAX].cols, 0);
}

/* ---- past the end ---- */

static void what_lies_past_the_end_is_seen_and_is_not_to_scale(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	put(b, 0, MIB(50));
	put(b, MIB(50), TIB(900));
	lay(b, &grid_80);
	assert_int_equal(b->l.end, 74);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.box[0].cols, 37);
	assert_true(b->l.box[0].to_scale);
	assert_int_equal(b->l.box[1].cols, 43);
	assert_false(b->l.box[1].to_scale);
}

static void many_past_the_end_leave_room_for_the_disk(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(100);
	put(b, 0, MIB(100));
	for (unsigned i = 0; i < 1000; i++)
		put(b, MIB(200 + i), MIB(1));
	lay(b, &grid_80);
	assert_int_equal(b->l.end, 74);
	assert_int_equal(b->l.box[0].cols, 74);
	assert_int_equal(b->l.crowds.n, 1);
	assert_int_equal(b->l.crowds.v[0].n, 1000);
}

/* ---- crowds ---- */

static void four_thousand_partitions_are_a_crowd(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(8192);
	for (unsigned i = 0; i < 4096; i++)
		put(b, MIB(1 + i), KIB(512));
	fill(b);
	lay(b, &grid_80);
	assert_int_equal(b->l.cols, 80);
	assert_int_equal(b->l.crowds.n, 1);
	assert_in_range(b->l.crowds.v[0].cols, 38, 41);
	assert_in_range(b->l.crowds.v[0].n, 8000, 8193);
}

static void large_ones_stay_out_of_a_crowd(void **state)
{
	struct bench *b = *state;
	size_t large;

	b->m.size = MIB(4096);
	for (unsigned i = 0; i < 200; i++)
		put(b, KIB(64) * i, KIB(64));
	large = b->m.v.n;
	put(b, MIB(1024), MIB(2048));
	fill(b);
	lay(b, &grid_80);
	for (size_t i = 0; i < b->m.v.n; i++) {
		if (b->m.v.v[i].off == MIB(1024))
			large = i;
	}
	assert_in_range(b->l.box[large].cols, 38, 40);
	assert_int_equal(b->l.crowds.n, 1);
	assert_int_equal(b->l.crowds.v[0].n, 200);
}

static void a_container_of_a_crowd_is_drawn(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(1024);
	put(b, 0, MIB(512))->kind = MAP_CONTAINER;
	for (unsigned i = 1; i < 400; i++)
		put(b, MIB(i), KIB(900));
	lay(b, &grid_80);
	assert_true(b->l.box[0].cols > 0);
	assert_int_equal(b->l.box[0].lane, 0);
	assert_int_equal(b->l.crowds.v[0].lane, 1);
}

/* ---- gaps ---- */

static void gaps_and_ranges_are_the_whole(void **state)
{
	struct bench *b = *state;
	uint64_t at = 0;

	b->m.size = MIB(100);
	put(b, MIB(10), MIB(10));
	put(b, MIB(30), 0);
	put(b, MIB(90), MIB(20));
	put(b, MIB(40), MIB(10));
	fill(b);
	for (size_t i = 0; i < b->m.v.n; i++) {
		if (b->m.v.v[i].off == b->m.v.v[i].end)
			continue;
		assert_true(b->m.v.v[i].off == at);
		at = b->m.v.v[i].end;
	}
	assert_true(at == MIB(110));
	assert_int_equal(b->m.v.n, 4 + 3);
}

static void a_container_hides_gaps_or_does_not(void **state)
{
	struct bench *b = *state;

	b->m.size = MIB(10);
	put(b, 0, MIB(10))->kind = MAP_CONTAINER;
	put(b, MIB(1), MIB(2));
	map_gaps(&b->m, &b->a, 0, b->m.size, true, free_range, b);
	assert_int_equal(b->m.v.n, 2);
	map_gaps(&b->m, &b->a, 0, b->m.size, false, free_range, b);
	assert_int_equal(b->m.v.n, 4);
}

static void alignment_is_the_power_of_two_that_divides(void **state)
{
	(void)state;
	assert_int_equal(map_alignment(0), MIB(1));
	assert_int_equal(map_alignment(MIB(3)), MIB(1));
	assert_int_equal(map_alignment(63 * 512), 512);
	assert_int_equal(map_alignment(KIB(12)), KIB(4));
	assert_int_equal(map_alignment(UINT64_MAX), 1);
}

static void about(uint64_t bytes, const char *expected)
{
	struct buf out = { 0 };

	buf_extent(&out, bytes);
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void sizes_are_exact_without_a_point(void **state)
{
	(void)state;
	about(0, "0 B");
	about(1023, "1023 B");
	about(1024, "1 KiB");
	about(16896, "16.5 KiB");
	about(MIB(1) - 1, "1023.9 KiB");
	about(MIB(1) + 1, "1.0 MiB");
	about(UINT64_MAX, "15.9 EiB");
	about((uint64_t)1 << 63, "8 EiB");
}

/* ---- anything ---- */

/* xorshift: the same numbers on every machine. */
static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void anything(struct bench *b, uint64_t *x)
{
	unsigned n = (unsigned)(next(x) % 70), bits = (unsigned)(next(x) % 64);
	struct map_grid g = { .min = 1 + (unsigned)(next(x) % 8),
			      .per_char = (unsigned)(next(x) % 8),
			      .past = (unsigned)(next(x) % 16) };

	g.cols = 2 * (unsigned)u64_max(g.min, g.past) + (unsigned)(next(x) % 300);
	b->m.size = next(x) >> bits;
	for (unsigned i = 0; i < n; i++) {
		struct map_range *r = put(b, next(x) >> next(x) % 64,
					  next(x) % 4 ? next(x) >> next(x) % 64 : 512);

		r->rank = (unsigned)(next(x) % 3);
		r->key = next(x) % 2 ? "7" : "4096";
		if (next(x) % 5 == 0)
			r->kind = MAP_CONTAINER;
	}
	fill(b);
	map_lay(&b->l, &b->m, &g, &b->a);
	is_sound(b, &g);
	if (b->m.size || b->m.v.n)
		assert_true(b->l.cols == g.cols || b->l.cols == 0);
}

static void any_ranges_are_laid_out_soundly(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct bench b = { 0 };

		arena_init(&b.a, 0);
		anything(&b, &x);
		arena_free(&b.a);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(halves_are_halves),
		TEST(sixteen_kib_of_sixteen_tib_are_seen),
		TEST(what_is_left_is_to_scale),
		TEST(a_long_key_gets_room_where_there_is_some),
		TEST(a_disk_of_sixteen_eib_is_drawn),
		TEST(nothing_has_no_columns),
		TEST(a_disk_of_a_few_bytes_fills_the_drawing),
		TEST(overlaps_go_below),
		TEST(a_lower_rank_is_above),
		TEST(the_container_is_above_what_it_holds),
		TEST(more_lanes_than_there_are_are_not_drawn),
		TEST(what_lies_past_the_end_is_seen_and_is_not_to_scale),
		TEST(many_past_the_end_leave_room_for_the_disk),
		TEST(four_thousand_partitions_are_a_crowd),
		TEST(large_ones_stay_out_of_a_crowd),
		TEST(a_container_of_a_crowd_is_drawn),
		TEST(gaps_and_ranges_are_the_whole),
		TEST(a_container_hides_gaps_or_does_not),
		TEST(alignment_is_the_power_of_two_that_divides),
		TEST(sizes_are_exact_without_a_point),
		TEST(any_ranges_are_laid_out_soundly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
