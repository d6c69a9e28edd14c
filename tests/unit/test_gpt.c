/* What analyze/image/gpt.h promises: both copies described, whatever they look like.
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

/* ---- healthy tables ---- */

static void both_copies_are_described_at_every_sector_size(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint64_t last = MIB / sizes[i] - 1;
		const struct gpt *g;
		struct platter d;

		platter_init(&d, MIB, sizes[i]);
		platter_put_gpt(&d);
		g = read_gpt(&d);
		assert_non_null(g);
		assert_int_equal(g->sector_size, sizes[i]);
		assert_int_equal(g->sectors, MIB / sizes[i]);
		assert_true(gpt_table_ok(&g->primary));
		assert_true(gpt_table_ok(&g->backup));
		assert_int_equal(g->primary.which, GPT_PRIMARY);
		assert_int_equal(g->backup.which, GPT_BACKUP);
		assert_ptr_equal(g->good, &g->primary);
		assert_true(g->backup_at_end);
		assert_int_equal(g->backup.lba, last);
		assert_int_equal(g->primary.alternate_lba.v, last);
		assert_int_equal(g->backup.nentries, 2);
		assert_null(g->other);
		assert_null(g->stray);
		assert_null(g->pieced);
		platter_free(&d);
	}
}

static void check_field(struct field f, uint64_t off, uint64_t len, uint64_t v)
{
	assert_int_equal(f.at.off, off);
	assert_int_equal(f.at.len, len);
	assert_int_equal(f.v, v);
}

static void every_header_field_has_its_value_and_place(void **state)
{
	const struct gpt_table *t;
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	put_le32(platter_primary(&d) + 20, 0xabcdef01);
	platter_seal(&d, platter_primary(&d));
	g = read_gpt(&d);
	t = &g->primary;
	check_field(t->revision, 520, 4, 0x10000);
	check_field(t->header_size, 524, 4, 92);
	check_field(t->header_crc, 528, 4, t->crc_actual);
	check_field(t->reserved, 532, 4, 0xabcdef01);
	check_field(t->my_lba, 536, 8, 1);
	check_field(t->alternate_lba, 544, 8, 2047);
	check_field(t->first_usable, 552, 8, 34);
	check_field(t->last_usable, 560, 8, 2014);
	check_field(t->entries_lba, 584, 8, 2);
	check_field(t->entry_count, 592, 4, 128);
	check_field(t->entry_size, 596, 4, 128);
	check_field(t->entries_crc, 600, 4, t->entries_crc_actual);
	assert_int_equal(t->disk_guid_at.off, 568);
	assert_int_equal(t->disk_guid_at.len, 16);
	assert_memory_equal(t->disk_guid.b, "disk-guid-000001", 16);
	assert_int_equal(t->at.off, 512);
	assert_int_equal(t->raw.n, 512);
	assert_int_equal(t->entries_at.off, 1024);
	assert_int_equal(t->entries_at.len, 16384);
	assert_ptr_equal(t->at.src, &d.src);
	platter_free(&d);
}

static void every_entry_field_has_its_value_and_place(void **state)
{
	const struct gpt_entry *ent;
	const struct gpt *g;
	struct platter d;
	uint8_t *p;

	(void)state;
	init_gpt(&d);
	platter_put_partition(&d, 2, 7, 100, 200, "seven");
	p = platter_lba(&d, 2) + 6 * 128;
	put_le64(p + 48, 0x8000000000000004);
	platter_seal(&d, platter_primary(&d));
	g = read_gpt(&d);
	assert_int_equal(g->primary.nentries, 3);
	assert_int_equal(g->backup.nentries, 2);
	ent = &g->primary.entry[2];
	assert_int_equal(ent->number, 7);
	assert_int_equal(ent->at.off, 1024 + 6 * 128);
	assert_int_equal(ent->at.len, 128);
	check_field(ent->first, 1024 + 6 * 128 + 32, 8, 100);
	check_field(ent->last, 1024 + 6 * 128 + 40, 8, 200);
	check_field(ent->attributes, 1024 + 6 * 128 + 48, 8, 0x8000000000000004);
	assert_memory_equal(ent->guid.b, "part-guid-00000\x07", 16);
	assert_string_equal(gpt_type_name(ent->type), "Linux filesystem");
	assert_true(str_is(ent->name, "seven"));
	platter_free(&d);
}

static void names_become_utf8(void **state)
{
	static const uint16_t name[] = { 'a', 0xe4,   0x20ac, 0xd83d, 0xdcbe, 0xd800,
					 'b', 0xdc00, 0xdc01, 'c',    0xd801 };
	const struct gpt *g;
	struct platter d;
	uint8_t *p;

	(void)state;
	init_gpt(&d);
	p = platter_lba(&d, 2) + 56;
	memset(p, 0, 72);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		put_le16(p + 2 * i, name[i]);
	/* All 36 units, without a NUL, and a high surrogate as the last of them. */
	p += 128;
	for (size_t i = 0; i < 35; i++)
		put_le16(p + 2 * i, 0x20ac);
	put_le16(p + 70, 0xdbff);
	platter_seal(&d, platter_primary(&d));
	g = read_gpt(&d);
	assert_true(str_is(g->primary.entry[0].name,
			   "a\u00e4\u20ac\U0001f4be\ufffdb\ufffd\ufffdc\ufffd"));
	assert_int_equal(g->primary.entry[1].name.n, 36 * 3);
	assert_true(str_ends(g->primary.entry[1].name, "\u20ac\ufffd"));
	platter_free(&d);
}

/* ---- damage to one copy ---- */

static void any_flipped_bit_of_the_header_is_seen(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	for (size_t bit = 0; bit < 92 * 8; bit++) {
		uint8_t *h = platter_primary(&d);
		const struct gpt *g;

		h[bit / 8] ^= (uint8_t)(1u << bit % 8);
		g = read_gpt(&d);
		assert_false(g->primary.header_ok);
		assert_int_equal(g->primary.present, bit >= 64);
		assert_true(gpt_table_ok(&g->backup));
		assert_ptr_equal(g->good, &g->backup);
		h[bit / 8] ^= (uint8_t)(1u << bit % 8);
		platter_reset(&d);
	}
	platter_free(&d);
}

static void what_stands_behind_the_header_is_not_summed(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_primary(&d)[92] = 1;
	platter_primary(&d)[511] = 1;
	g = read_gpt(&d);
	assert_true(g->primary.header_ok);
	platter_free(&d);
}

static void a_header_may_be_as_long_as_its_sector(void **state)
{
	static const struct {
		uint32_t size;
		bool ok;
	} cases[] = { { 91, false },  { 92, true }, { 93, true },         { 512, true },
		      { 513, false }, { 0, false }, { UINT32_MAX, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct gpt *g;
		struct platter d;
		uint8_t *h;

		init_gpt(&d);
		h = platter_primary(&d);
		put_le32(h + 12, cases[i].size);
		put_le32(h + 16, 0);
		if (cases[i].size <= 512)
			put_le32(h + 16, platter_crc(h, cases[i].size));
		g = read_gpt(&d);
		assert_true(g->primary.present);
		assert_int_equal(g->primary.size_ok, cases[i].ok);
		assert_int_equal(g->primary.header_ok, cases[i].ok);
		platter_free(&d);
	}
}

static void a_header_that_says_it_stands_elsewhere_is_not_right(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	put_le64(platter_primary(&d) + 24, 2047);
	platter_seal(&d, platter_primary(&d));
	g = read_gpt(&d);
	assert_int_equal(g->primary.crc_actual, g->primary.header_crc.v);
	assert_false(g->primary.header_ok);
	assert_true(g->primary.entries_ok);
	assert_ptr_equal(g->good, &g->backup);
	platter_free(&d);
}

static void a_flipped_bit_in_the_array_is_seen(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_lba(&d, 33)[511] ^= 1;
	g = read_gpt(&d);
	assert_true(g->primary.header_ok);
	assert_true(g->primary.entries_read);
	assert_false(g->primary.entries_ok);
	assert_int_not_equal(g->primary.entries_crc_actual, g->primary.entries_crc.v);
	assert_ptr_equal(g->good, &g->backup);
	/* It is described nevertheless. */
	assert_int_equal(g->primary.nentries, 2);
	platter_free(&d);
}

static void a_missing_primary_leaves_the_backup_to_believe(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_primary(&d), 0, 33 * 512);
	g = read_gpt(&d);
	assert_false(g->primary.present);
	assert_int_equal(g->primary.at.off, 512);
	assert_int_equal(g->primary.array, GPT_ARRAY_NO_HEADER);
	assert_ptr_equal(g->good, &g->backup);
	platter_free(&d);
}

static void a_missing_backup_is_looked_for_at_the_end(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_backup(&d), 0, 512);
	g = read_gpt(&d);
	assert_false(g->backup.present);
	assert_int_equal(g->backup.lba, 2047);
	assert_int_equal(g->backup.at.off, MIB - 512);
	assert_int_equal(g->backup.raw.n, 512);
	assert_ptr_equal(g->good, &g->primary);
	platter_free(&d);
}

static void without_a_trace_there_is_no_gpt(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	assert_null(read_gpt(&d));
	platter_put_entry(d.p, 0, 0x83, 2048, 2048);
	assert_null(read_gpt(&d));
	platter_free(&d);
}

static void a_protective_entry_alone_is_a_trace(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 4096);
	platter_put_protective(&d);
	g = read_gpt(&d);
	assert_non_null(g);
	assert_int_equal(g->sector_size, 4096);
	assert_false(g->primary.present);
	assert_false(g->backup.present);
	assert_null(g->good);
	/* One that fits no sector size: the common one. */
	put_le32(d.p + 446 + 12, 77);
	g = read_gpt(&d);
	assert_int_equal(g->sector_size, 512);
	platter_free(&d);
}

/* ---- arrays that cannot be ---- */

/* Sets count and size in the primary, with a right header CRC. */
static const struct gpt_table *with_array(struct platter *d, uint64_t lba, uint32_t count,
					  uint32_t size)
{
	uint8_t *h = platter_primary(d);

	platter_reset(d);
	put_le64(h + 72, lba);
	put_le32(h + 80, count);
	put_le32(h + 84, size);
	platter_seal(d, h);
	return &read_gpt(d)->primary;
}

static void a_huge_array_is_not_read(void **state)
{
	const struct gpt_table *t;
	struct platter d;

	(void)state;
	init_gpt(&d);
	t = with_array(&d, 2, 1u << 28, 128);
	assert_true(t->header_ok);
	assert_int_equal(t->array, GPT_ARRAY_TOO_LARGE);
	assert_false(t->entries_ok);
	assert_int_equal(t->entries_at.len, (uint64_t)128 << 28);
	assert_true(d.arena.used < 256 << 10);
	t = with_array(&d, 2, UINT32_MAX, UINT32_MAX);
	assert_int_equal(t->array, GPT_ARRAY_TOO_LARGE);
	t = with_array(&d, 2, 8193, 128);
	assert_int_equal(t->array, GPT_ARRAY_TOO_LARGE);
	platter_free(&d);
}

static void the_largest_array_is_read(void **state)
{
	const struct gpt_table *t;
	struct platter d;

	(void)state;
	platter_init(&d, 3 * MIB, 512);
	platter_put_gpt(&d);
	memset(platter_lba(&d, 2), 0xee, MIB);
	t = with_array(&d, 2, 8192, 128);
	assert_true(t->entries_ok);
	assert_int_equal(t->nentries, 8192);
	assert_true(d.arena.used < 8 * MIB);
	platter_free(&d);
}

static void entries_too_small_to_be_ones_are_not_read(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	assert_int_equal(with_array(&d, 2, 128, 0)->array, GPT_ARRAY_SIZE);
	assert_int_equal(with_array(&d, 2, 128, 127)->array, GPT_ARRAY_SIZE);
	assert_int_equal(with_array(&d, 2, 0, 128)->array, GPT_ARRAY_SIZE);
	assert_int_equal(with_array(&d, 2, 0, 0)->array, GPT_ARRAY_SIZE);
	assert_int_equal(with_array(&d, 2, 1, 128)->array, GPT_ARRAY_READ);
	platter_free(&d);
}

static void an_array_past_the_end_is_not_read(void **state)
{
	const struct gpt_table *t;
	struct platter d;

	(void)state;
	init_gpt(&d);
	t = with_array(&d, 2048 - 31, 128, 128);
	assert_int_equal(t->array, GPT_ARRAY_OUTSIDE);
	assert_int_equal(t->entries_at.off, (2048 - 31) * 512);
	assert_int_equal(with_array(&d, 2048 - 32, 128, 128)->array, GPT_ARRAY_READ);
	assert_int_equal(with_array(&d, 1ull << 40, 128, 128)->array, GPT_ARRAY_OUTSIDE);
	/* No offset can say where: 2^64 bytes and more. */
	t = with_array(&d, 1ull << 55, 128, 128);
	assert_int_equal(t->array, GPT_ARRAY_OUTSIDE);
	assert_int_equal(t->entries_at.len, 0);
	t = with_array(&d, UINT64_MAX, 128, 128);
	assert_int_equal(t->array, GPT_ARRAY_OUTSIDE);
	assert_int_equal(t->entries_at.len, 0);
	platter_free(&d);
}

static void entries_may_be_a_power_of_two_long(void **state)
{
	const struct gpt_table *t;
	struct platter d;

	(void)state;
	init_gpt(&d);
	memcpy(platter_lba(&d, 2) + 256, platter_lba(&d, 2) + 128, 128);
	t = with_array(&d, 2, 64, 256);
	assert_true(t->entries_ok);
	assert_int_equal(t->nentries, 2);
	assert_int_equal(t->entry[1].number, 2);
	assert_int_equal(t->entry[1].at.off, 1024 + 256);
	assert_int_equal(t->entry[1].at.len, 128);
	assert_true(str_is(t->entry[1].name, "root"));
	/* Anything else is read, for what it may tell, but never right. */
	t = with_array(&d, 2, 10, 192);
	assert_true(t->entries_read);
	assert_int_equal(t->entries_crc_actual, t->entries_crc.v);
	assert_false(t->entries_ok);
	platter_free(&d);
}

/* ---- writing ---- */

static void written_headers_are_what_others_build(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };
	uint8_t sector[4096];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct gpt_header h = { .my_lba = 1, .entries_lba = 2 };
		struct platter d;

		platter_init(&d, MIB, sizes[i]);
		platter_put_gpt(&d);
		h.alternate_lba = MIB / sizes[i] - 1;
		h.first_usable = 2 + platter_array_sectors(&d);
		h.last_usable = MIB / sizes[i] - 2 - platter_array_sectors(&d);
		memcpy(h.disk_guid.b, "disk-guid-000001", 16);
		h.entry_count = h.entry_size = 128;
		memset(sector, 0xff, sizeof(sector));
		gpt_header_bytes(&h, (struct view){ platter_lba(&d, 2), 16384 }, sector,
				 sizes[i]);
		assert_memory_equal(sector, platter_primary(&d), sizes[i]);
		assert_true(gpt_header_intact((struct view){ sector, sizes[i] }, 1));
		assert_false(gpt_header_intact((struct view){ sector, sizes[i] }, 2));
		platter_free(&d);
	}
}

static void arrays_take_whole_sectors(void **state)
{
	(void)state;
	assert_int_equal(gpt_entries_sectors(128, 128, 512), 32);
	assert_int_equal(gpt_entries_sectors(128, 128, 4096), 4);
	assert_int_equal(gpt_entries_sectors(129, 128, 512), 33);
	assert_int_equal(gpt_entries_sectors(4, 128, 4096), 1);
	assert_true(gpt_entries_sectors(UINT64_MAX, UINT64_MAX, 512) > 1ull << 50);
}

/* ---- GUIDs ---- */

static void guids_are_written_as_people_write_them(void **state)
{
	static const struct guid esp = { { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9,
					   0x3b } };
	struct guid back;
	char text[37];

	(void)state;
	guid_text(esp, text);
	assert_string_equal(text, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
	assert_true(guid_parse(str_of(text), &back));
	assert_true(guid_eq(esp, back));
	assert_true(guid_parse(STR("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), &back));
	assert_true(guid_eq(esp, back));
	assert_false(guid_is_zero(esp));
	assert_true(guid_is_zero((struct guid){ { 0 } }));
	assert_string_equal(gpt_type_name(esp), "EFI System");
	assert_null(gpt_type_name((struct guid){ { 0 } }));
}

static void what_is_no_guid_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"C12A7328",
		"C12A7328-F81F-11D2-BA4B-00A0C93EC93",
		"C12A7328-F81F-11D2-BA4B-00A0C93EC93BB",
		"C12A7328-F81F-11D2-BA4B-00A0C93EC93G",
		"C12A7328+F81F-11D2-BA4B-00A0C93EC93B",
		"{12A7328-F81F-11D2-BA4B-00A0C93EC93}",
		"C12A7328F81F-11D2-BA4B-00A0C93EC93B-",
	};
	struct guid g;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(guid_parse(str_of(bad[i]), &g));
}

static void each_known_type_is_named_once(void **state)
{
	static const char *const guids[] = {
#define GPT_TYPE(guid, name) guid,
#include "analyze/image/gpt_types.def"
#undef GPT_TYPE
	};
	static const char *const names[] = {
#define GPT_TYPE(guid, name) name,
#include "analyze/image/gpt_types.def"
#undef GPT_TYPE
	};
	struct guid g;

	(void)state;
	for (size_t i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
		assert_true(guid_parse(str_of(guids[i]), &g));
		assert_string_equal(gpt_type_name(g), names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_copies_are_described_at_every_sector_size),
		cmocka_unit_test(every_header_field_has_its_value_and_place),
		cmocka_unit_test(every_entry_field_has_its_value_and_place),
		cmocka_unit_test(names_become_utf8),
		cmocka_unit_test(any_flipped_bit_of_the_header_is_seen),
		cmocka_unit_test(what_stands_behind_the_header_is_not_summed),
		cmocka_unit_test(a_header_may_be_as_long_as_its_sector),
		cmocka_unit_test(a_header_that_says_it_stands_elsewhere_is_not_right),
		cmocka_unit_test(a_flipped_bit_in_the_array_is_seen),
		cmocka_unit_test(a_missing_primary_leaves_the_backup_to_believe),
		cmocka_unit_test(a_missing_backup_is_looked_for_at_the_end),
		cmocka_unit_test(without_a_trace_there_is_no_gpt),
		cmocka_unit_test(a_protective_entry_alone_is_a_trace),
		cmocka_unit_test(a_huge_array_is_not_read),
		cmocka_unit_test(the_largest_array_is_read),
		cmocka_unit_test(entries_too_small_to_be_ones_are_not_read),
		cmocka_unit_test(an_array_past_the_end_is_not_read),
		cmocka_unit_test(entries_may_be_a_power_of_two_long),
		cmocka_unit_test(written_headers_are_what_others_build),
		cmocka_unit_test(arrays_take_whole_sectors),
		cmocka_unit_test(guids_are_written_as_people_write_them),
		cmocka_unit_test(what_is_no_guid_is_refused),
		cmocka_unit_test(each_known_type_is_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
