/* Entries of a GPT without a header: where they are found, what is none, and that something
 * begins where they say.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/disk.h"
#include "analyze/image/gpt_bare.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

enum { MIB = 1 << 20, SECTOR = 512 };

/* A disk of 4 MiB whose GPT has lost both headers; sector 0 is empty. */
static void init_bare(struct platter *d, uint32_t ss)
{
	platter_init(d, 4 * (uint64_t)MIB, ss);
	platter_put_gpt(d);
	memset(d->p, 0, 2 * (size_t)ss);
	memset(platter_backup(d), 0, ss);
}

static void forget_primary(struct platter *d)
{
	memset(d->p, 0, (size_t)(2 + platter_array_sectors(d)) * d->ss);
}

static void forget_backup(struct platter *d)
{
	size_t n = (size_t)(1 + platter_array_sectors(d)) * d->ss;

	memset(d->p + d->size - n, 0, n);
}

static bool find(struct platter *d, struct gpt_bare *b)
{
	struct view all = { d->p, d->size };

	platter_image(d);
	return gpt_bare_find(b, view_cut(all, 0, GPT_BARE_EDGE),
			     view_cut(all, d->size - GPT_BARE_EDGE, GPT_BARE_EDGE),
			     d->size);
}

static uint8_t *backup_slot(struct platter *d, unsigned n)
{
	return platter_lba(d, platter_sectors(d) - 1 - platter_array_sectors(d)) +
	       (n - 1) * 128;
}

/* ---- where ---- */

static void entries_at_either_end_are_found_for_each_sector_size(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct gpt_bare b;
		struct platter d;

		init_bare(&d, sizes[i]);
		forget_backup(&d);
		assert_true(find(&d, &b));
		assert_int_equal(b.which, GPT_PRIMARY);
		assert_int_equal(b.sector_size, sizes[i]);
		assert_int_equal(b.lba, 2);
		platter_free(&d);

		init_bare(&d, sizes[i]);
		forget_primary(&d);
		assert_true(find(&d, &b));
		assert_int_equal(b.which, GPT_BACKUP);
		assert_int_equal(b.sector_size, sizes[i]);
		assert_int_equal(b.lba,
				 platter_sectors(&d) - 1 - platter_array_sectors(&d));
		assert_int_equal(b.array.n, 16384);
		platter_free(&d);
	}
}

static void a_cut_backup_begins_with_its_first_entry(void **state)
{
	struct gpt_bare b;
	struct platter d;

	(void)state;
	init_bare(&d, SECTOR);
	forget_primary(&d);
	put_le64(backup_slot(&d, 2) + 40, 8000); /* and leave the end free */
	platter_resize(&d, d.size - 20 * SECTOR);
	assert_true(find(&d, &b));
	assert_int_equal(b.lba, 8192 - 33);
	assert_int_equal(b.array.n, 12 * SECTOR);
	platter_free(&d);
}

static void a_short_array_is_found_where_it_begins(void **state)
{
	uint64_t last;
	struct gpt_bare b;
	struct platter d;

	(void)state;
	platter_init(&d, 4 * (uint64_t)MIB, SECTOR);
	last = platter_sectors(&d) - 1;
	platter_put_partition(&d, last - 2, 1, 64, 4095, "a");
	platter_put_partition(&d, last - 2, 7, 4096, last - 3, "b");
	assert_true(find(&d, &b));
	assert_int_equal(b.lba, last - 2);
	assert_int_equal(b.array.n, 2 * SECTOR);
	/* What is before it is a partition's, and no slot. */
	memset(platter_lba(&d, last - 3), 'x', SECTOR);
	assert_true(find(&d, &b));
	assert_int_equal(b.lba, last - 2);
	platter_free(&d);
}

/* ---- what is none ---- */

static void what_no_tool_writes_is_no_entry(void **state)
{
	static const struct {
		size_t off;
		uint8_t byte;
	} wrong[] = {
		{ 7, 0x00 },  /* no type that is known, nor of the form of one */
		{ 39, 0x80 }, /* begins behind the disk */
		{ 41, 0x00 }, /* ends before it begins */
		{ 49, 0x01 }, /* a reserved attribute */
		{ 56, 0x07 }, /* a bell in the name */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct gpt_bare b;
		struct platter d;

		init_bare(&d, SECTOR);
		forget_primary(&d);
		assert_true(find(&d, &b));
		backup_slot(&d, 2)[wrong[i].off] = wrong[i].byte;
		if (wrong[i].off == 7)
			backup_slot(&d, 2)[0] = 0;
		assert_false(find(&d, &b));
		platter_free(&d);
	}
}

static void entries_that_overlap_or_are_twins_are_none(void **state)
{
	struct gpt_bare b;
	struct platter d;

	(void)state;
	init_bare(&d, SECTOR);
	forget_primary(&d);
	put_le64(backup_slot(&d, 2) + 32, 4000);
	assert_false(find(&d, &b));
	platter_free(&d);

	init_bare(&d, SECTOR);
	forget_primary(&d);
	memcpy(backup_slot(&d, 2) + 16, backup_slot(&d, 1) + 16, 16);
	assert_false(find(&d, &b));
	platter_free(&d);
}

static void an_empty_disk_and_one_full_of_text_have_none(void **state)
{
	struct gpt_bare b;
	struct platter d;

	(void)state;
	platter_init(&d, 4 * (uint64_t)MIB, SECTOR);
	assert_false(find(&d, &b));
	for (size_t i = 0; i < d.size; i++)
		d.p[i] = (uint8_t) "a line of text\n"[i % 15];
	assert_false(find(&d, &b));
	platter_free(&d);
}

static void a_file_of_another_kind_is_no_disk(void **state)
{
	struct platter d;

	(void)state;
	init_bare(&d, SECTOR);
	forget_primary(&d);
	memcpy(d.p, "a log\n", 6);
	platter_image(&d);
	assert_true(disk_probe((struct view){ d.p, 69632 }, &d.src));
	/* The last sectors of a fixed VDI are those of its disk. */
	memcpy(d.p + 64, "\x7f\x10\xda\xbe", 4);
	assert_false(disk_probe((struct view){ d.p, 69632 }, &d.src));
	memset(d.p + 64, 0, 4);
	memcpy(d.p + 512, "LABELONE", 8);
	assert_false(disk_probe((struct view){ d.p, 69632 }, &d.src));
	platter_free(&d);
}

/* ---- what begins there ---- */

static void something_behind_zeros_begins(void **state)
{
	struct gpt_bare b;
	struct platter d;
	uint8_t *middle;

	(void)state;
	init_bare(&d, SECTOR);
	forget_primary(&d);
	assert_true(find(&d, &b));
	assert_false(gpt_bare_begins(&b, &d.src));
	middle = platter_lba(&d, platter_le64(backup_slot(&d, 2) + 32));
	middle[7] = 1;
	assert_true(gpt_bare_begins(&b, &d.src));
	/* Encrypted, it would not begin there. */
	middle[-9] = 1;
	assert_false(gpt_bare_begins(&b, &d.src));
	platter_free(&d);
}

/* ---- read as a disk ---- */

static void a_disk_with_bare_entries_has_a_gpt(void **state)
{
	const struct gpt *g;
	struct err e = { 0 };
	struct platter d;

	(void)state;
	init_bare(&d, SECTOR);
	forget_primary(&d);
	platter_image(&d);
	assert_int_equal(gpt_read(&g, &d.img, &d.arena, &e), 0);
	assert_non_null(g);
	assert_non_null(g->bare);
	assert_null(g->good);
	assert_int_equal(g->tail.n % SECTOR, 0);
	/* With a DOS label they are a left-over. */
	platter_reset(&d);
	platter_put_entry(d.p, 0, 0x83, 2048, 4096);
	platter_image(&d);
	assert_int_equal(gpt_read(&g, &d.img, &d.arena, &e), 0);
	assert_null(g);
	platter_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_at_either_end_are_found_for_each_sector_size),
		cmocka_unit_test(a_cut_backup_begins_with_its_first_entry),
		cmocka_unit_test(a_short_array_is_found_where_it_begins),
		cmocka_unit_test(what_no_tool_writes_is_no_entry),
		cmocka_unit_test(entries_that_overlap_or_are_twins_are_none),
		cmocka_unit_test(an_empty_disk_and_one_full_of_text_have_none),
		cmocka_unit_test(a_file_of_another_kind_is_no_disk),
		cmocka_unit_test(something_behind_zeros_begins),
		cmocka_unit_test(a_disk_with_bare_entries_has_a_gpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
