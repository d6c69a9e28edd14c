/* Which copies of a GPT are the disk's: grown, truncated and overwritten disks, foreign
 * sector sizes, and what is left when both copies are broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/platter.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

static const struct gpt *read_gpt(struct platter *d)
{
	const struct gpt *g;
	struct err e = { 0 };

	platter_image(d);
	assert_int_equal(gpt_read(&g, &d->img, &d->arena, &e), 0);
	return g;
}

/* 1 MiB, sectors of 512 bytes, a right GPT. */
static void init_gpt(struct platter *d)
{
	platter_init(d, MIB, 512);
	platter_put_gpt(d);
}

/* ---- where the backup is ---- */

static void a_grown_disk_keeps_its_backup_where_the_primary_says(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	g = read_gpt(&d);
	assert_true(g->backup.present);
	assert_true(gpt_table_ok(&g->backup));
	assert_int_equal(g->backup.lba, 2047);
	assert_false(g->backup_at_end);
	assert_int_equal(g->sectors, 4096);
	platter_free(&d);
}

static void without_primary_the_protective_mbr_says_where_it_is(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	memset(platter_primary(&d), 0, 512);
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 2047);
	assert_false(g->backup_at_end);
	assert_ptr_equal(g->good, &g->backup);
	/* An entry at LBA 1 counts even when the 55 AA went, too. */
	d.p[510] = 0;
	assert_int_equal(read_gpt(&d)->backup.lba, 2047);
	platter_free(&d);
}

static void the_old_backup_of_an_overwritten_disk_is_a_stray(void **state)
{
	const struct gpt *g;
	struct platter d, old;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	platter_init(&old, 2 * MIB, 512);
	platter_put_gpt(&old);
	memcpy(platter_backup(&old) + 56, "another-disk-001", 16);
	platter_seal(&old, platter_backup(&old));
	memcpy(d.p + MIB, old.p + MIB, MIB);
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 2047);
	assert_false(g->backup_at_end);
	assert_non_null(g->stray);
	assert_int_equal(g->stray->lba, 4095);
	assert_true(gpt_table_ok(g->stray));
	assert_int_equal(g->stray->nentries, 2);
	platter_free(&old);
	/* Even when its own backup is the worse one of the two. */
	platter_lba(&d, 2047 - 32)[0] ^= 1;
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 2047);
	assert_false(g->backup.entries_ok);
	platter_free(&d);
}

static void without_primary_the_protective_mbr_tells_which_one_is_the_stray(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	platter_put_header(&d, 4095, 1, 4095 - 32);
	memcpy(platter_backup(&d) + 56, "another-disk-001", 16);
	platter_seal(&d, platter_backup(&d));
	memset(platter_primary(&d), 0, 512);
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 2047);
	assert_ptr_equal(g->good, &g->backup);
	assert_int_equal(g->stray->lba, 4095);
	assert_true(gpt_table_ok(g->stray));
	/* When it does not tell, the end is where a backup belongs. */
	put_le32(d.p + 458, UINT32_MAX);
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 4095);
	assert_null(g->stray);
	platter_free(&d);
}

static void a_backup_of_the_same_disk_at_the_end_wins(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	/* Moved to the end, but the primary still names the old place, where it still is. */
	platter_put_header(&d, 4095, 1, 4095 - 32);
	memcpy(platter_lba(&d, 4095 - 32), platter_lba(&d, 2), 32 * 512);
	platter_seal(&d, platter_backup(&d));
	g = read_gpt(&d);
	assert_int_equal(g->backup.lba, 4095);
	assert_true(g->backup_at_end);
	assert_int_equal(g->stray->lba, 2047);
	platter_free(&d);
}

static void a_truncated_disk_has_a_primary_that_points_past_the_end(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, MIB / 2);
	g = read_gpt(&d);
	assert_true(gpt_table_ok(&g->primary));
	assert_false(g->backup.present);
	assert_int_equal(g->backup.lba, 1023);
	assert_true(g->primary.alternate_lba.v >= g->sectors);
	assert_true(g->primary.last_usable.v >= g->sectors);
	platter_free(&d);
}

static void a_pointer_back_to_the_primary_is_no_backup(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_backup(&d), 0, 512);
	for (uint64_t lba = 0; lba < 2; lba++) {
		put_le64(platter_primary(&d) + 32, lba);
		platter_seal(&d, platter_primary(&d));
		g = read_gpt(&d);
		assert_true(g->primary.header_ok);
		assert_false(g->backup.present);
		assert_int_equal(g->backup.lba, 2047);
	}
	platter_free(&d);
}

static void bytes_behind_the_last_whole_sector_do_not_count(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, MIB + 100);
	g = read_gpt(&d);
	assert_int_equal(g->sectors, 2048);
	assert_true(g->backup_at_end);
	assert_true(gpt_table_ok(&g->backup));
	platter_free(&d);
}

/* ---- which sector size ---- */

static void a_stale_header_of_another_size_is_noted(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	/* A disk of 4096-byte sectors whose first sector still holds an old LBA 1. */
	platter_init(&d, MIB, 4096);
	platter_put_gpt(&d);
	d.ss = 512;
	platter_put_header(&d, 1, 2047, 2);
	platter_seal(&d, platter_primary(&d));
	memset(d.p + 1024, 0xcc, 3072);
	d.ss = 4096;
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 4096);
	assert_ptr_equal(g->good, &g->primary);
	assert_non_null(g->other);
	assert_int_equal(g->other->sector_size, 512);
	assert_true(g->other->primary.header_ok);
	assert_false(g->other->primary.entries_ok);
	assert_null(g->other->good);
	assert_null(g->other->other);
	platter_free(&d);
}

/* Puts a right GPT for sectors of 512 and one for sectors of 4096 on one disk: the entries
 * of the first stand at LBA 48, behind the second's. */
static void init_dual(struct platter *d)
{
	platter_init(d, MIB, 4096);
	platter_put_gpt(d);
	d->ss = 512;
	platter_put_header(d, 1, 2047, 48);
	platter_put_partition(d, 48, 1, 80, 90, "one");
	platter_seal(d, platter_primary(d));
}

static void of_two_right_primaries_the_one_with_a_backup_is_taken(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_dual(&d);
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 4096);
	assert_int_equal(g->other->sector_size, 512);
	assert_ptr_equal(g->other->good, &g->other->primary);
	platter_free(&d);
}

static void of_two_equal_tables_the_one_that_fits_is_taken(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_dual(&d);
	d.ss = 4096;
	memset(platter_backup(&d), 0, 4096);
	/* Neither has a backup; the protective MBR is for 4096. */
	put_le64(platter_primary(&d) + 32, 200);
	platter_seal(&d, platter_primary(&d));
	d.ss = 512;
	put_le64(platter_primary(&d) + 32, 200);
	platter_seal(&d, platter_primary(&d));
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 4096);
	/* And now it is for 512. */
	platter_put_protective(&d);
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 512);
	assert_int_equal(g->other->sector_size, 4096);
	platter_free(&d);
}

static void a_backup_of_another_size_does_not_outweigh_a_primary(void **state)
{
	const struct gpt *g;
	struct platter d, old;

	(void)state;
	platter_init(&d, MIB, 4096);
	platter_put_gpt(&d);
	memset(platter_backup(&d), 0, 4096);
	memset(platter_lba(&d, 255 - 4), 0, 4 * 4096);
	platter_init(&old, MIB, 512);
	platter_put_gpt(&old);
	memcpy(d.p + MIB - 33 * 512, old.p + MIB - 33 * 512, 33 * 512);
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 4096);
	assert_ptr_equal(g->good, &g->primary);
	assert_int_equal(g->other->sector_size, 512);
	assert_ptr_equal(g->other->good, &g->other->backup);
	platter_free(&old);
	platter_free(&d);
}

/* ---- what a repair needs ---- */

static void two_half_copies_make_a_whole(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	/* The primary lost its array, the backup its header. */
	memset(platter_lba(&d, 2), 0, 512);
	memset(platter_backup(&d), 0xff, 512);
	g = read_gpt(&d);
	assert_null(g->good);
	assert_non_null(g->pieced);
	assert_int_equal(g->pieced->lba, 1);
	assert_int_equal(g->pieced->entries_at.off, (2047 - 32) * 512);
	assert_true(gpt_table_ok(g->pieced));
	assert_int_equal(g->pieced->nentries, 2);
	platter_free(&d);
}

static void the_other_two_halves_do_so_too(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_primary(&d), 0, 512);
	platter_lba(&d, 2047 - 32)[0] ^= 1;
	g = read_gpt(&d);
	assert_null(g->good);
	assert_int_equal(g->pieced->lba, 2047);
	assert_int_equal(g->pieced->entries_at.off, 1024);
	platter_free(&d);
}

static void wiped_signatures_are_read_as_if_they_were_there(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_primary(&d), 0, 8);
	memset(platter_backup(&d), 0, 8);
	memset(platter_lba(&d, 2), 0, 512);
	g = read_gpt(&d);
	assert_false(g->primary.present);
	assert_null(g->good);
	assert_non_null(g->pieced);
	assert_true(gpt_table_ok(g->pieced));
	assert_int_equal(g->pieced->nentries, 2);
	/* One more bit, and it is no header. */
	platter_primary(&d)[60] ^= 1;
	platter_backup(&d)[60] ^= 1;
	assert_null(read_gpt(&d)->pieced);
	platter_free(&d);
}

static void a_damaged_header_still_vouches_for_its_entries(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_primary(&d)[60] ^= 1;
	memset(platter_backup(&d), 0, 512);
	g = read_gpt(&d);
	assert_null(g->good);
	assert_ptr_equal(g->pieced, &g->primary);
	platter_lba(&d, 2)[40] ^= 1;
	assert_null(read_gpt(&d)->pieced);
	platter_free(&d);
}

static void halves_that_do_not_fit_make_nothing(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_lba(&d, 2)[0] ^= 1;
	platter_lba(&d, 2047 - 32)[0] ^= 1;
	g = read_gpt(&d);
	assert_true(g->primary.header_ok && g->backup.header_ok);
	assert_null(g->good);
	assert_null(g->pieced);
	platter_free(&d);
}

static void the_places_of_both_copies_are_there_to_look_at(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	g = read_gpt(&d);
	assert_int_equal(g->head.n, 33 * 512);
	assert_int_equal(g->tail.n, 33 * 512);
	assert_memory_equal(g->head.p, d.p + 512, g->head.n);
	assert_memory_equal(g->tail.p, d.p + MIB - 33 * 512, g->tail.n);
	platter_free(&d);
}

static void a_tiny_disk_is_no_trouble(void **state)
{
	(void)state;
	for (uint64_t size = 1; size < 40 * 512; size += 171) {
		const struct gpt *g;
		struct platter d;

		platter_init(&d, size, 512);
		if (size >= 1024) {
			platter_put_header(&d, 1, 1, 2);
			platter_seal(&d, platter_primary(&d));
		}
		g = read_gpt(&d);
		assert_int_equal(g != NULL, size >= 1024);
		if (g && size < 34 * 512) {
			assert_int_equal(g->head.n, 0);
			assert_int_equal(g->tail.n, 0);
		}
		platter_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grown_disk_keeps_its_backup_where_the_primary_says),
		cmocka_unit_test(without_primary_the_protective_mbr_says_where_it_is),
		cmocka_unit_test(the_old_backup_of_an_overwritten_disk_is_a_stray),
		cmocka_unit_test(
			without_primary_the_protective_mbr_tells_which_one_is_the_stray),
		cmocka_unit_test(a_backup_of_the_same_disk_at_the_end_wins),
		cmocka_unit_test(a_truncated_disk_has_a_primary_that_points_past_the_end),
		cmocka_unit_test(a_pointer_back_to_the_primary_is_no_backup),
		cmocka_unit_test(bytes_behind_the_last_whole_sector_do_not_count),
		cmocka_unit_test(a_stale_header_of_another_size_is_noted),
		cmocka_unit_test(of_two_right_primaries_the_one_with_a_backup_is_taken),
		cmocka_unit_test(of_two_equal_tables_the_one_that_fits_is_taken),
		cmocka_unit_test(a_backup_of_another_size_does_not_outweigh_a_primary),
		cmocka_unit_test(two_half_copies_make_a_whole),
		cmocka_unit_test(the_other_two_halves_do_so_too),
		cmocka_unit_test(halves_that_do_not_fit_make_nothing),
		cmocka_unit_test(the_places_of_both_copies_are_there_to_look_at),
		cmocka_unit_test(a_tiny_disk_is_no_trouble),
		cmocka_unit_test(wiped_signatures_are_read_as_if_they_were_there),
		cmocka_unit_test(a_damaged_header_still_vouches_for_its_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
