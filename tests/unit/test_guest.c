/* What the guest of a QCOW2 sees, analyze/image/guest.h: each byte from its place, and what
 * the tables cannot give is an error, not zeros.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_guest.h"

#include "base/banned.h"

/* ---- standard entries ---- */

static void a_cluster_is_where_its_entry_says(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 3, 6 * 512 | GQ_COPIED, 0);
	gq_entry(&b->q, 4, 4 * 512, 0);
	gq_entry(&b->q, 5, 5 * 512 | GQ_COPIED, 0);
	open_it(b);
	is_cluster(b, 3 * 512, 6);
	is_cluster(b, 4 * 512, 4);
	is_cluster(b, 5 * 512, 5);
	/* over borders that are none in the file, and over one that is */
	read_at(b, 3 * 512 + 500, 600);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 6) + 500, 12);
	assert_memory_equal(b->buf + 12, gq_cluster(&b->q, 4), 588);
}

static void neighbours_in_the_file_are_one_run(void **state)
{
	struct bench *b = *state;
	struct guest_run r;

	for (size_t i = 0; i < 4; i++)
		gq_entry(&b->q, i, (4 + i) * 512, 0);
	open_it(b);
	assert_int_equal(guest_map(b->u.guest, 100, 10000, &r, &b->e), 0);
	assert_int_equal(r.kind, GUEST_DATA);
	assert_int_equal(r.off, 100);
	assert_int_equal(r.len, 4 * 512 - 100);
	assert_int_equal(r.host, 4 * 512 + 100);
	assert_int_equal(r.entry, GQ_L2 * 512);
	assert_int_equal(guest_map(b->u.guest, 2048, UINT64_MAX, &r, &b->e), 0);
	assert_int_equal(r.kind, GUEST_ZERO);
	assert_int_equal(r.len, 60 * 512);
}

static void without_a_backing_file_nothing_is_zeros(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	is_zero(b, 0, 32768 + 512);
}

static void a_zero_flag_hides_the_cluster(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, 5 * 512 | GQ_COPIED | 1, 0);
	gq_entry(&b->q, 2, 1, 0);
	open_it(b);
	is_zero(b, 512, 1024);
}

static void version_2_has_no_zero_flag(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 4, 4, 2);
	gq_entry(&b->q, 1, 5 * 512 | 1, 0);
	open_it(b);
	cannot_read(b, 512, "zero flag");
	is_zero(b, 1024, 512);
}

static void reserved_bits_change_nothing(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, 5 * 512 | UINT64_C(0x3f000000000001fe), 0);
	gq_be(&b->q, GQ_L1 * 512, 8, GQ_L2 * 512 | UINT64_C(0x7f000000000001ff));
	open_it(b);
	is_cluster(b, 512, 5);
}

static void half_a_sector_at_the_end_is_none(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 24, 8, 5 * 512 + 100);
	open_it(b);
	assert_int_equal(b->disk.size, 5 * 512);
	assert_int_equal(source_read(&b->disk, 5 * 512 - 1, b->buf, 2, &b->e), -1);
	assert_int_equal(b->e.code, ERR_SHORT);
}

/* ---- damage ---- */

static void an_unaligned_entry_is_not_followed(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	gq_entry(&b->q, 1, 5 * 4096 + 512, 0);
	open_it(b);
	cannot_read(b, 4096 + 7, "an L2 entry that is not aligned to a cluster");
	cannot_read(b, 4096 + 7, "read at 0x1007");
	cannot_read(b, 4096 + 7, "entry at 0x2008 of the file");
	is_zero(b, 0, 4096);
	is_zero(b, 8192, 4096);
}

static void an_unaligned_l2_table_is_not_followed(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	gq_be(&b->q, GQ_L1 * 4096, 8, GQ_L2 * 4096 + 512);
	open_it(b);
	cannot_read(b, 0, "an L1 entry that is not aligned");
	cannot_read(b, 0, "entry at 0x1000 of the file");
	is_zero(b, 2 * MIB, 4096);
}

static void a_cluster_behind_the_end_is_not_zeros(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, GQ_CLUSTERS * 512, 0);
	gq_entry(&b->q, 2, UINT64_C(0x00fffffffffffe00), 0);
	open_it(b);
	cannot_read(b, 512, "behind the end of the file");
	cannot_read(b, 1024, "behind the end of the file");
	is_zero(b, 1536, 512);
}

static void a_file_that_ends_within_a_cluster_goes_on_with_zeros(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, (GQ_CLUSTERS - 1) * 512, 0);
	b->q.size -= 200;
	open_it(b);
	read_at(b, 512, 512);
	assert_memory_equal(b->buf, gq_cluster(&b->q, GQ_CLUSTERS - 1), 312);
	assert_true(view_is_zero((struct view){ b->buf + 312, 200 }));
}

static void an_l2_table_behind_the_end_is_not_empty(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 100 * 512);
	open_it(b);
	is_zero(b, 0, 512);
	cannot_read(b, 32768, "an L2 table behind the end of the file");
}

static void an_l1_table_that_is_too_short_ends(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 36, 4, 1);
	open_it(b);
	is_zero(b, 0, 32768);
	cannot_read(b, 32768, "the L1 table does not reach it");
}

static void an_l1_table_at_no_place_gives_nothing(void **state)
{
	static const uint64_t places[] = { 0, 100, 600 * 512, UINT64_MAX - 511 };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		gq_be(&b->q, 40, 8, places[i]);
		open_it(b);
		cannot_read(b, 0, "the L1 table does not reach it");
		assert_null(b->u.image);
		assert_non_null(b->u.guest_why);
	}
}

static void a_disk_whose_table_cannot_be_read_has_no_facts(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 0, 512 * 512, 0);
	open_it(b);
	assert_null(b->u.image);
	assert_non_null(strstr(b->u.guest_why, "read at 0x0"));
	/* nor where only its end is gone, which may have held a backup */
	gq_entry(&b->q, 0, 0, 0);
	open_it(b);
	assert_non_null(b->u.image);
	gq_be(&b->q, GQ_L2_NEXT * 512 + 63 * 8, 8, 512 * 512);
	open_it(b);
	assert_null(b->u.image);
	assert_non_null(b->u.guest_why);
}

/* ---- what is not looked into ---- */

static void refuses(struct bench *b, const char *why)
{
	open_source(b, gq_source(&b->q));
	assert_null(b->u.guest);
	assert_null(b->u.image);
	assert_non_null(b->u.qcow2);
	if (!strstr(b->u.guest_why, why))
		fail_msg("'%s' has no '%s'", b->u.guest_why, why);
}

static void an_encrypted_disk_is_not_read(void **state)
{
	struct bench *b = *state;

	for (uint64_t method = 1; method <= 3; method++) {
		gq_be(&b->q, 32, 4, method);
		refuses(b, "encrypted");
	}
}

static void features_of_the_future_are_not_guessed(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 72, 8, UINT64_C(1) << 40);
	refuses(b, "does not know");
	/* compatible ones are what they say */
	gq_be(&b->q, 72, 8, 0);
	gq_be(&b->q, 80, 8, UINT64_MAX);
	gq_be(&b->q, 88, 8, UINT64_MAX);
	open_it(b);
}

static void a_disk_of_an_impossible_size_is_not_read(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 24, 8, 511);
	refuses(b, "no sector");
	gq_be(&b->q, 24, 8, UINT64_MAX);
	refuses(b, "larger than the format allows");
	gq_be(&b->q, 24, 8, UINT64_C(1) << 37);
	open_it(b);
	gq_be(&b->q, 24, 8, (UINT64_C(1) << 37) + 512);
	refuses(b, "larger than the format allows");
	make(b, 12, 16);
	refuses(b, "too small for extended");
}

/* ---- as a source ---- */

static void edits_of_the_file_show_in_the_disk(void **state)
{
	struct bench *b = *state;
	uint8_t entry[8] = { 0, 0, 0, 0, 0, 0, 7 * 512 >> 8, 0 };
	struct patch_run run = { GQ_L2 * 512 + 8, { entry, 8 } };
	struct patch patch = { .v = &run, .n = 1, .size = b->q.size };
	struct source over;

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	is_cluster(b, 512, 5);
	over = source_overlay(gq_source(&b->q), &patch);
	open_source(b, &over);
	is_cluster(b, 512, 7);
}

static void edits_of_the_disk_lie_on_top(void **state)
{
	struct bench *b = *state;
	struct patch_run run = { 700, { (const uint8_t *)"new", 3 } };
	struct patch patch = { .v = &run, .n = 1, .size = 65536 + 512 };

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	b->disk = source_overlay(&b->disk, &patch);
	read_at(b, 512, 512);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 5), 188);
	assert_memory_equal(b->buf + 188, "new", 3);
	assert_memory_equal(b->buf + 191, gq_cluster(&b->q, 5) + 191, 321);
	is_zero(b, 65536, 512);
	assert_int_equal(source_next_data(&b->disk, 0), 512);
	assert_int_equal(source_next_data(&b->disk, 1024), 65536 + 512);
}

static void only_holes_are_passed_over(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 9, 5 * 512, 0);
	gq_entry(&b->q, 20, 600 * 512, 0);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	assert_int_equal(source_next_data(&b->disk, 0), 9 * 512);
	assert_int_equal(source_next_data(&b->disk, 9 * 512 + 5), 9 * 512 + 5);
	/* what cannot be read may be data */
	assert_int_equal(source_next_data(&b->disk, 10 * 512), 20 * 512);
	assert_int_equal(source_next_data(&b->disk, 21 * 512), 65536);
}

static void a_view_of_the_disk_is_its_bytes(void **state)
{
	struct bench *b = *state;
	struct view v;

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	assert_int_equal(source_view(&b->disk, &b->u.arena, 512, 512, &v, &b->e), 0);
	assert_memory_equal(v.p, gq_cluster(&b->q, 5), 512);
}

/* ---- rules ---- */

/* A partition sector with one entry that ends behind the disk. */
static void put_mbr(struct bench *b)
{
	uint8_t *s = gq_cluster(&b->q, 5);

	memset(s, 0, b->q.cs);
	s[446 + 4] = 0x83;
	put_le32(s + 446 + 8, 8);
	put_le32(s + 446 + 12, 100);
	s[510] = 0x55;
	s[511] = 0xaa;
}

static void a_table_in_the_disk_is_judged_where_it_is(void **state)
{
	struct bench *b = *state;
	struct findings found = { 0 };
	struct arena a;
	size_t inside = 0;

	put_mbr(b);
	put_le32(gq_cluster(&b->q, 5) + 446 + 12, 100000);
	gq_entry(&b->q, 0, 5 * 512, 0);
	open_it(b);
	assert_non_null(b->u.image);
	assert_non_null(b->u.image->mbr);
	arena_init(&a, ARENA_BUDGET);
	rules_run(&b->u, &a, &found);
	for (size_t i = 0; i < found.v.n; i++) {
		if (!found.v.v[i]->at.src->is_guest)
			continue;
		inside++;
		assert_ptr_equal(found.v.v[i]->at.src, b->u.image->src);
	}
	assert_true(inside > 0);
	arena_free(&a);
}

static void a_partition_that_cannot_be_read_is_not_looked_into(void **state)
{
	struct bench *b = *state;

	put_mbr(b);
	gq_entry(&b->q, 0, 5 * 512, 0);
	gq_entry(&b->q, 8, 600 * 512, 0);
	/* the first 68 KiB of a disk are read at once: the partition is behind them */
	gq_be(&b->q, 24, 8, 200 << 10);
	gq_be(&b->q, 36, 4, 7);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	gq_be(&b->q, GQ_L1 * 512 + 32, 8, GQ_L2_NEXT * 512);
	gq_be(&b->q, GQ_L2_NEXT * 512, 8, 600 * 512);
	gq_entry(&b->q, 8, 0, 0);
	put_le32(gq_cluster(&b->q, 5) + 446 + 8, 4 * 64);
	open_it(b);
	if (!b->u.image)
		fail_msg("%s", b->u.guest_why);
	assert_int_equal(b->u.image->nvolumes, 1);
	assert_false(b->u.image->volumes[0].looked);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_cluster_is_where_its_entry_says),
		TEST(neighbours_in_the_file_are_one_run),
		TEST(without_a_backing_file_nothing_is_zeros),
		TEST(a_zero_flag_hides_the_cluster),
		TEST(version_2_has_no_zero_flag),
		TEST(reserved_bits_change_nothing),
		TEST(half_a_sector_at_the_end_is_none),
		TEST(an_unaligned_entry_is_not_followed),
		TEST(an_unaligned_l2_table_is_not_followed),
		TEST(a_cluster_behind_the_end_is_not_zeros),
		TEST(a_file_that_ends_within_a_cluster_goes_on_with_zeros),
		TEST(an_l2_table_behind_the_end_is_not_empty),
		TEST(an_l1_table_that_is_too_short_ends),
		TEST(an_l1_table_at_no_place_gives_nothing),
		TEST(a_disk_whose_table_cannot_be_read_has_no_facts),
		TEST(an_encrypted_disk_is_not_read),
		TEST(features_of_the_future_are_not_guessed),
		TEST(a_disk_of_an_impossible_size_is_not_read),
		TEST(edits_of_the_file_show_in_the_disk),
		TEST(edits_of_the_disk_lie_on_top),
		TEST(only_holes_are_passed_over),
		TEST(a_view_of_the_disk_is_its_bytes),
		TEST(a_table_in_the_disk_is_judged_where_it_is),
		TEST(a_partition_that_cannot_be_read_is_not_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
