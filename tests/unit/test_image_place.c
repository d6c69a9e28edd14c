/* Names of places, analyze/image/image.h, and what every reader of images promises of any
 * bytes whatever.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/touch_image.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

static const struct host no_host;

/* The facts of a disk, as a unit has them. */
static const struct image *read_disk(struct unit *u, struct platter *d)
{
	platter_image(d);
	unit_read(u, &d->src, format_find("raw"), &no_host);
	assert_int_equal(u->state, UNIT_READ);
	return u->image;
}

/* Checks the name of one place, its record and its summary. */
static void check(struct platter *d, uint64_t off, uint64_t len, const char *locus,
		  uint64_t record, uint64_t record_len, const char *summary)
{
	struct place p = { 0 };
	struct unit u;

	assert_true(image_place(read_disk(&u, d), (struct span){ &d->src, off, len },
				&d->arena, &p));
	assert_string_equal(p.locus, locus);
	assert_int_equal(p.record.off, record);
	assert_int_equal(p.record.len, record_len);
	assert_string_equal(p.summary, summary);
	unit_close(&u);
}

static void init_gpt(struct platter *d)
{
	platter_init(d, MIB, 512);
	platter_put_gpt(d);
}

/* ---- MBR ---- */

static void fields_of_the_partition_sector_have_names(void **state)
{
	static const char *const protective = "protective MBR at LBA 0";
	struct platter d;

	(void)state;
	init_gpt(&d);
	check(&d, 0, 512, "mbr", 0, 512, protective);
	check(&d, 17, 4, "mbr/boot-code", 0, 512, protective);
	check(&d, 439, 1, "mbr/boot-code", 0, 512, protective);
	check(&d, 440, 4, "mbr/disk-signature", 0, 512, protective);
	check(&d, 444, 2, "mbr/reserved", 0, 512, protective);
	check(&d, 510, 2, "mbr/magic", 0, 512, protective);
	/* Two fields at once, and all entries. */
	check(&d, 438, 4, "mbr", 0, 512, protective);
	check(&d, 446, 64, "mbr", 0, 512, protective);
	memset(d.p + 446, 0, 16);
	check(&d, 510, 2, "mbr/magic", 0, 512, "MBR at LBA 0");
	platter_free(&d);
}

static void fields_of_its_entries_have_names(void **state)
{
	static const char *const first = "entry 0: type EE, first LBA 1, 2047 sectors";
	static const char *const fourth =
		"entry 3: type 0C, first LBA 5, 7 sectors, active";
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_put_entry(d.p, 3, 0x0c, 5, 7);
	d.p[446 + 48] = 0x80;
	check(&d, 446, 16, "mbr/entry[0]", 446, 16, first);
	check(&d, 446, 1, "mbr/entry[0]/boot", 446, 16, first);
	check(&d, 447, 3, "mbr/entry[0]/chs-first", 446, 16, first);
	check(&d, 450, 1, "mbr/entry[0]/type", 446, 16, first);
	check(&d, 451, 3, "mbr/entry[0]/chs-last", 446, 16, first);
	check(&d, 454, 4, "mbr/entry[0]/lba", 446, 16, first);
	check(&d, 458, 4, "mbr/entry[0]/sectors", 446, 16, first);
	check(&d, 446 + 48 + 12, 4, "mbr/entry[3]/sectors", 446 + 48, 16, fourth);
	check(&d, 446 + 16, 16, "mbr/entry[1]", 446 + 16, 16, "entry 1: not in use");
	platter_free(&d);
}

static void extended_boot_records_have_names(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 0, 0x0f, 100, 100);
	platter_put_entry(platter_lba(&d, 100), 1, 0x05, 50, 10);
	platter_put_entry(platter_lba(&d, 150), 0, 0x83, 2, 3);
	check(&d, 100 * 512 + 510, 2, "mbr/ebr[0]/magic", 100 * 512, 512,
	      "extended boot record 0 at LBA 100");
	check(&d, 150 * 512 + 454, 4, "mbr/ebr[1]/entry[0]/lba", 150 * 512 + 446, 16,
	      "entry 0: type 83, first LBA 152, 3 sectors");
	check(&d, 100 * 512 + 462, 16, "mbr/ebr[0]/entry[1]", 100 * 512 + 462, 16,
	      "entry 1: type 05, first LBA 150, 10 sectors");
	platter_free(&d);
}

/* ---- GPT ---- */

static void fields_of_both_headers_have_names(void **state)
{
	static const struct {
		const char *name;
		uint64_t off, len;
	} fields[] = {
		{ "signature", 0, 8 },      { "revision", 8, 4 },
		{ "header-size", 12, 4 },   { "header-crc", 16, 4 },
		{ "reserved", 20, 4 },      { "my-lba", 24, 8 },
		{ "alternate-lba", 32, 8 }, { "first-usable", 40, 8 },
		{ "last-usable", 48, 8 },   { "disk-guid", 56, 16 },
		{ "entries-lba", 72, 8 },   { "entry-count", 80, 4 },
		{ "entry-size", 84, 4 },    { "entries-crc", 88, 4 },
	};
	uint64_t last = MIB - 512;
	struct platter d;
	char locus[80];

	(void)state;
	init_gpt(&d);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(locus, sizeof(locus), "gpt/primary/header/%s", fields[i].name);
		check(&d, 512 + fields[i].off, fields[i].len, locus, 512, 512,
		      "primary GPT header at LBA 1");
		snprintf(locus, sizeof(locus), "gpt/backup/header/%s", fields[i].name);
		check(&d, last + fields[i].off, fields[i].len, locus, last, 512,
		      "backup GPT header at LBA 2047");
		platter_reset(&d);
	}
	check(&d, 512, 512, "gpt/primary/header", 512, 512,
	      "primary GPT header at LBA 1");
	check(&d, 512 + 92, 1, "gpt/primary/header", 512, 512,
	      "primary GPT header at LBA 1");
	platter_free(&d);
}

static void fields_of_entries_have_names(void **state)
{
	static const char *const root = "partition 2 'root': LBA 1024 to 2014";
	struct platter d;

	(void)state;
	init_gpt(&d);
	check(&d, 1024 + 128, 16, "gpt/primary/entry[1]/type", 1152, 128, root);
	check(&d, 1152 + 16, 16, "gpt/primary/entry[1]/guid", 1152, 128, root);
	check(&d, 1152 + 32, 8, "gpt/primary/entry[1]/first", 1152, 128, root);
	check(&d, 1152 + 40, 8, "gpt/primary/entry[1]/last", 1152, 128, root);
	check(&d, 1152 + 48, 8, "gpt/primary/entry[1]/attributes", 1152, 128, root);
	check(&d, 1152 + 56, 72, "gpt/primary/entry[1]/name", 1152, 128, root);
	check(&d, 1152 + 56 + 70, 2, "gpt/primary/entry[1]/name", 1152, 128, root);
	check(&d, 1152, 128, "gpt/primary/entry[1]", 1152, 128, root);
	check(&d, 1152 + 32, 16, "gpt/primary/entry[1]", 1152, 128, root);
	check(&d, MIB - 33 * 512 + 128 + 40, 8, "gpt/backup/entry[1]/last",
	      MIB - 33 * 512 + 128, 128, root);
	check(&d, 1024 + 2 * 128, 128, "gpt/primary/entry[2]", 1280, 128,
	      "partition 3: not in use");
	platter_free(&d);
}

static void more_than_one_entry_is_the_array(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	check(&d, 1024, 129, "gpt/primary/entries", 1024, 16384,
	      "primary GPT entry array: 128 entries of 128 bytes, 2 in use");
	check(&d, MIB - 33 * 512, 16384, "gpt/backup/entries", MIB - 33 * 512, 16384,
	      "backup GPT entry array: 128 entries of 128 bytes, 2 in use");
	platter_free(&d);
}

static void entries_may_be_longer_than_their_fields(void **state)
{
	static const char *const root = "partition 2 'root': LBA 1024 to 2014";
	struct platter d;

	(void)state;
	init_gpt(&d);
	memcpy(platter_lba(&d, 2) + 256, platter_lba(&d, 2) + 128, 128);
	put_le32(platter_primary(&d) + 84, 256);
	platter_seal(&d, platter_primary(&d));
	check(&d, 1024 + 256 + 40, 8, "gpt/primary/entry[1]/last", 1280, 256, root);
	check(&d, 1024 + 256 + 130, 8, "gpt/primary/entry[1]", 1280, 256, root);
	platter_free(&d);
}

static void names_from_the_disk_are_shown_harmless(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_put_partition(&d, 2, 1, 40, 50, "\x1b[2Jx");
	platter_put_partition(&d, 2, 2, 60, 70, "");
	put_le16(platter_lba(&d, 2) + 128 + 56, 0);
	check(&d, 1024, 16, "gpt/primary/entry[0]/type", 1024, 128,
	      "partition 1 '\\x1b[2Jx': LBA 40 to 50");
	check(&d, 1152, 16, "gpt/primary/entry[1]/type", 1152, 128,
	      "partition 2: LBA 60 to 70");
	platter_free(&d);
}

static void where_a_header_is_missing_has_a_name(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	memset(platter_primary(&d), 0, 512);
	check(&d, 512, 512, "gpt/primary/header", 512, 512,
	      "no primary GPT header at LBA 1");
	check(&d, 536, 8, "gpt/primary/header", 512, 512,
	      "no primary GPT header at LBA 1");
	platter_free(&d);
}

static void tables_of_other_disks_have_names(void **state)
{
	struct platter d;

	(void)state;
	/* Grown, but with another disk's backup at the end. */
	init_gpt(&d);
	platter_resize(&d, 2 * MIB);
	platter_put_header(&d, 4095, 1, 4095 - 32);
	memcpy(platter_backup(&d) + 56, "another-disk-001", 16);
	platter_seal(&d, platter_backup(&d));
	check(&d, 2 * MIB - 512 + 24, 8, "gpt/stray/header/my-lba", 2 * MIB - 512, 512,
	      "stray GPT header at LBA 4095");
	platter_free(&d);
	/* One for 4096-byte sectors, with a header for 512-byte sectors before it. */
	platter_init(&d, MIB, 4096);
	platter_put_gpt(&d);
	d.ss = 512;
	platter_put_header(&d, 1, 2047, 2);
	platter_seal(&d, platter_primary(&d));
	check(&d, 512 + 24, 8, "gpt512/primary/header/my-lba", 512, 512,
	      "primary GPT header at LBA 1");
	check(&d, 4096 + 24, 8, "gpt/primary/header/my-lba", 4096, 4096,
	      "primary GPT header at LBA 1");
	platter_free(&d);
}

static void an_array_that_was_pieced_in_has_a_name(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_lba(&d, 2)[0] ^= 1;
	memset(platter_backup(&d), 0, 512);
	check(&d, MIB - 33 * 512 + 40, 8, "gpt/pieced/entry[0]/last", MIB - 33 * 512, 128,
	      "partition 1 'boot': LBA 34 to 1023");
	platter_free(&d);
}

static void other_places_have_none(void **state)
{
	static const struct span none[] = {
		{ NULL, 1024 + 16384, 1 },
		{ NULL, MIB - 512, 513 },
		{ NULL, MIB, 1 },
		{ NULL, 0, MIB },
		{ NULL, 500, 20 },
		{ NULL, UINT64_MAX, 1 },
		{ NULL, UINT64_MAX, UINT64_MAX },
		{ NULL, 1, UINT64_MAX },
	};
	struct platter d;
	struct unit u;

	(void)state;
	init_gpt(&d);
	read_disk(&u, &d);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct place p;

		assert_false(image_place(u.image, none[i], &d.arena, &p));
	}
	unit_close(&u);
	platter_free(&d);
}

/* ---- any bytes ---- */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t below(uint64_t *seed, uint64_t n)
{
	return next_random(seed) % n;
}

/* An offset where it hurts: in the first sectors, or in the last. */
static uint64_t hot_offset(const struct platter *d, uint64_t *seed)
{
	uint64_t n = u64_min(d->size, below(seed, 4) ? 2u * d->ss : 20480);
	uint64_t off = below(seed, n);

	return below(seed, 3) ? off : d->size - 1 - off;
}

static void damage(struct platter *d, uint64_t *seed)
{
	static const uint64_t values[] = { 0,    1,          2,          127,       128,
					   2047, 0x7fffffff, UINT32_MAX, UINT64_MAX };
	uint64_t off = hot_offset(d, seed);
	uint8_t le[8];

	switch (below(seed, 4)) {
	case 0:
		d->p[off] ^= (uint8_t)(1u << below(seed, 8));
		break;
	case 1:
		d->p[off] = (uint8_t)next_random(seed);
		break;
	case 2:
		put_le64(le, values[below(seed, sizeof(values) / sizeof(values[0]))]);
		off -= off % 4;
		memcpy(d->p + off, le, u64_min(below(seed, 2) ? 4 : 8, d->size - off));
		break;
	default:
		memmove(d->p + off, d->p + hot_offset(d, seed) / 2,
			u64_min(below(seed, 600), d->size - off) / 2);
	}
}

static void build(struct platter *d, uint64_t *seed)
{
	static const uint32_t sizes[] = { 512, 512, 1024, 2048, 4096 };

	platter_init(d, (128 + below(seed, 128)) << 10, sizes[below(seed, 5)]);
	if (below(seed, 4))
		platter_put_gpt(d);
	if (below(seed, 4) == 0) {
		platter_put_entry(d->p, 1, 0x05, 20, 100);
		platter_put_entry(platter_lba(d, 20), 1, 0x05, (uint32_t)below(seed, 8),
				  9);
	}
	for (uint64_t n = below(seed, 8); n; n--)
		damage(d, seed);
	/* What no chance would get right. */
	if (below(seed, 2))
		platter_seal_if_header(d, 1);
	if (below(seed, 2))
		platter_seal_if_header(d, platter_sectors(d) - 1);
	if (below(seed, 4) == 0)
		platter_resize(d, 1 + below(seed, 2 * d->size));
}

static void whatever_is_read_is_true_and_has_a_name(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct platter d;
		struct unit u;

		build(&d, &seed);
		touch_image(read_disk(&u, &d), &d.arena);
		assert_true(u.arena.used < 8 * MIB);
		unit_close(&u);
		platter_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_the_partition_sector_have_names),
		cmocka_unit_test(fields_of_its_entries_have_names),
		cmocka_unit_test(extended_boot_records_have_names),
		cmocka_unit_test(fields_of_both_headers_have_names),
		cmocka_unit_test(fields_of_entries_have_names),
		cmocka_unit_test(more_than_one_entry_is_the_array),
		cmocka_unit_test(entries_may_be_longer_than_their_fields),
		cmocka_unit_test(names_from_the_disk_are_shown_harmless),
		cmocka_unit_test(where_a_header_is_missing_has_a_name),
		cmocka_unit_test(tables_of_other_disks_have_names),
		cmocka_unit_test(an_array_that_was_pieced_in_has_a_name),
		cmocka_unit_test(other_places_have_none),
		cmocka_unit_test(whatever_is_read_is_true_and_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
