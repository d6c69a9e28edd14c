/* What is found on a disk that has lost its partition table, and what is not taken for it;
 * the table that is made of it.
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

enum { MIB = 1 << 20, SECTOR = 512 };

static const struct host no_host;

/* ---- contents ---- */

static void put_ext(struct platter *d, uint64_t at, uint64_t len)
{
	uint8_t *p = d->p + at + 1024;

	put_le32(p, 64);
	put_le32(p + 4, (uint32_t)(len / 4096));
	put_le32(p + 24, 2);
	put_le32(p + 32, 32768);
	put_le32(p + 40, 64);
	memcpy(p + 56, "\x53\xef", 2);
}

static void put_swap(struct platter *d, uint64_t at, uint64_t len)
{
	put_le32(d->p + at + 1024, 1);
	put_le32(d->p + at + 1028, (uint32_t)(len / 4096 - 1));
	memcpy(d->p + at + 4086, "SWAPSPACE2", 10);
}

static void put_luks(struct platter *d, uint64_t at)
{
	memcpy(d->p + at, "LUKS\xba\xbe\x00\x02", 8);
}

/* A FAT16 with two tables of 8 sectors, the first of them at sector 4. */
static void put_fat(struct platter *d, uint64_t at, uint64_t len)
{
	uint8_t *p = d->p + at;

	put_le16(p + 11, SECTOR);
	memcpy(p + 13, "\x04\x04\x00\x02", 4);
	put_le16(p + 17, 512);
	memcpy(p + 21, "\xf8\x08", 2);
	put_le32(p + 32, (uint32_t)(len / SECTOR));
	memcpy(p + 510, "\x55\xaa", 2);
	memcpy(p + 4 * SECTOR, "\xf8\xff\xff\xff", 4);
	memcpy(p + 12 * SECTOR, "\xf8\xff\xff\xff", 4);
}

static void put_xfs(struct platter *d, uint64_t at, uint64_t len, uint8_t group)
{
	uint8_t *p = d->p + at;

	memcpy(p, "XFSB\0\0\x10\0", 8);
	p[14] = (uint8_t)(len / 4096 >> 8);
	p[15] = (uint8_t)(len / 4096);
	p[91] = 1; /* one allocation group */
	memcpy(p + 102, "\x02\x00", 2);
	memcpy(p + 512, "XAGF", 4);
	p[512 + 11] = group;
}

/* ---- reading ---- */

struct probe {
	struct platter d;
	struct unit u;
	const struct lost *lost;
};

static int init(void **state)
{
	struct probe *p = calloc(1, sizeof(*p));

	platter_init(&p->d, 64 * MIB, SECTOR);
	*state = p;
	return 0;
}

static int done(void **state)
{
	struct probe *p = *state;

	unit_close(&p->u);
	platter_free(&p->d);
	free(p);
	return 0;
}

/* As a raw image, whatever it is recognised as. */
static const struct lost *look(struct probe *p)
{
	unit_close(&p->u);
	platter_image(&p->d);
	unit_read(&p->u, &p->d.src, format_find("raw"), &no_host);
	assert_int_equal(p->u.state, UNIT_READ);
	touch_image(p->u.image, &p->d.arena);
	p->lost = p->u.image->lost;
	return p->lost;
}

static bool is_recognised(struct probe *p)
{
	bool ours;

	platter_image(&p->d);
	unit_close(&p->u);
	unit_read(&p->u, &p->d.src, NULL, &no_host);
	ours = p->u.state == UNIT_READ && strcmp(p->u.format->name, "raw") == 0;
	return ours;
}

static void assert_found(const struct lost *l, size_t i, uint64_t off, const char *name)
{
	assert_non_null(l);
	assert_true(i < l->nparts);
	assert_int_equal(l->part[i].off, off);
	assert_string_equal(l->part[i].fs->name, name);
}

/* ---- what is found ---- */

static void contents_at_whole_mib_are_found(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_fat(&p->d, MIB, 8 * MIB);
	put_ext(&p->d, 9 * MIB, 20 * MIB);
	put_luks(&p->d, 40 * MIB);
	l = look(p);
	assert_found(l, 0, MIB, "FAT");
	assert_found(l, 1, 9 * MIB, "ext");
	assert_found(l, 2, 40 * MIB, "LUKS2");
	assert_int_equal(l->nparts, 3);
	assert_int_equal(l->part[0].end, 9 * MIB);
	assert_int_equal(l->part[2].end, 0);
	assert_false(l->stopped);
	assert_true(is_recognised(p));
}

static void contents_on_cylinders_are_found(void **state)
{
	struct probe *p = *state;
	uint64_t cylinder = 16065 * SECTOR;
	const struct lost *l;

	put_ext(&p->d, 63 * SECTOR, 8 * 4096);
	put_ext(&p->d, 2 * cylinder, MIB);
	put_swap(&p->d, 3 * cylinder + 63 * SECTOR, MIB);
	l = look(p);
	assert_found(l, 0, 63 * SECTOR, "ext");
	assert_found(l, 1, 2 * cylinder, "ext");
	assert_found(l, 2, 3 * cylinder + 63 * SECTOR, "swap");
}

static void what_follows_an_odd_end_is_found(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_ext(&p->d, MIB, 5 * MIB + 4096 * 3);
	put_fat(&p->d, 6 * MIB + 4096 * 3, 2 * MIB + SECTOR);
	put_ext(&p->d, 8 * MIB + 4096 * 3 + SECTOR, MIB);
	l = look(p);
	assert_found(l, 1, 6 * MIB + 4096 * 3, "FAT");
	assert_found(l, 2, 8 * MIB + 4096 * 3 + SECTOR, "ext");
}

static void images_in_files_are_not_partitions(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_ext(&p->d, MIB, 40 * MIB);
	put_ext(&p->d, 8 * MIB, 50 * MIB);
	put_fat(&p->d, 20 * MIB, 4 * MIB);
	put_swap(&p->d, 41 * MIB, MIB);
	l = look(p);
	assert_int_equal(l->nparts, 2);
	assert_found(l, 0, MIB, "ext");
	assert_found(l, 1, 41 * MIB, "swap");
}

static void spare_superblocks_are_not_file_systems(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_swap(&p->d, MIB, MIB);
	put_ext(&p->d, 4 * MIB, MIB);
	put_le16(p->d.p + 4 * MIB + 1024 + 90, 3);
	put_xfs(&p->d, 8 * MIB, 4 * MIB, 2);
	put_xfs(&p->d, 12 * MIB, 4 * MIB, 0);
	l = look(p);
	assert_int_equal(l->nparts, 2);
	assert_found(l, 1, 12 * MIB, "XFS");
	assert_int_equal(l->npassed, 2);
	assert_int_equal(l->passed[0].off, 4 * MIB);
	assert_non_null(strstr(l->passed[0].why, "spare"));
	assert_non_null(strstr(l->passed[1].why, "spare"));
}

static void a_file_system_that_goes_past_the_end_is_not_taken(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_swap(&p->d, MIB, MIB);
	put_swap(&p->d, 60 * MIB, 5 * MIB);
	l = look(p);
	assert_int_equal(l->nparts, 1);
	assert_int_equal(l->npassed, 1);
	assert_non_null(strstr(l->passed[0].why, "more than the disk has"));
}

static void a_left_over_gives_way_to_what_is_whole(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_fat(&p->d, MIB, 40 * MIB);
	put_ext(&p->d, 17 * MIB, 20 * MIB);
	assert_found(look(p), 0, MIB, "FAT");
	assert_int_equal(p->lost->nparts, 1);
	/* Without its second table, it is one. */
	memset(p->d.p + MIB + 12 * SECTOR, 0, 4);
	l = look(p);
	assert_int_equal(l->nparts, 1);
	assert_found(l, 0, 17 * MIB, "ext");
	assert_int_equal(l->passed[0].off, MIB);
	/* With nothing in it, it may still be what it says. */
	memset(p->d.p + 17 * MIB, 0, 4096);
	assert_found(look(p), 0, MIB, "FAT");
	assert_true(p->lost->part[0].weak);
}

/* ---- bounds ---- */

static void a_disk_full_of_superblocks_ends_the_search(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	for (uint64_t at = MIB; at + 2 * MIB <= p->d.size; at += 256 * 1024)
		put_swap(&p->d, at, 64 * 1024);
	l = look(p);
	assert_int_equal(l->nparts, LOST_PARTS_MAX);
	assert_true(l->stopped);
	assert_true(l->stopped_at < p->d.size);
	assert_true(l->places <= LOST_PLACES);
}

static void fakes_are_counted_and_not_all_remembered(void **state)
{
	struct probe *p = *state;
	const struct lost *l;

	put_swap(&p->d, 60 * MIB, MIB);
	for (uint64_t at = MIB; at < 50 * MIB; at += MIB) {
		put_ext(&p->d, at, MIB);
		put_le16(p->d.p + at + 1024 + 90, 7);
	}
	l = look(p);
	assert_int_equal(l->nparts, 1);
	assert_int_equal(l->npassed, LOST_PASSED_MAX);
	assert_int_equal(l->npassed + l->more, 49);
}

/* ---- what is not such a disk ---- */

static void an_empty_disk_has_lost_nothing(void **state)
{
	struct probe *p = *state;

	assert_null(look(p));
	assert_false(is_recognised(p));
}

static void random_bytes_have_lost_nothing(void **state)
{
	struct probe *p = *state;
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; i + 8 <= p->d.size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		put_le64(p->d.p + i, x);
	}
	assert_null(look(p));
	assert_false(is_recognised(p));
	memset(p->d.p, 0, MIB);
	assert_null(look(p));
}

static void a_disk_without_partitions_has_lost_nothing(void **state)
{
	struct probe *p = *state;

	put_ext(&p->d, 0, 64 * MIB);
	put_ext(&p->d, 8 * MIB, MIB);
	assert_null(look(p));
	memset(p->d.p, 0, 4096);
	memcpy(p->d.p + 512, "LABELONE", 8);
	assert_null(look(p));
	assert_false(is_recognised(p));
}

static void other_tables_are_tables(void **state)
{
	struct probe *p = *state;

	put_ext(&p->d, 8 * MIB, MIB);
	memcpy(p->d.p + 512, "\x57\x45\x56\x82", 4);
	assert_null(look(p));
	memset(p->d.p + 512, 0, 4);
	platter_put_entry(p->d.p, 0, 0x83, 2048, 4096);
	assert_null(look(p));
	memset(p->d.p, 0, 512);
	platter_put_gpt(&p->d);
	assert_null(look(p));
}

static void containers_are_not_taken_for_disks(void **state)
{
	struct probe *p = *state;

	put_ext(&p->d, 3 * MIB, MIB);
	assert_true(is_recognised(p));
	memcpy(p->d.p, "<<< a virtual disk image of some kind >>>", 41);
	assert_false(is_recognised(p));
}

/* ---- first sectors that were written over ---- */

static void put_log(struct platter *d, uint64_t n)
{
	static const char line[] = "Nov 21 06:25:01 host kernel: end of input\n";

	for (uint64_t i = 0; i < n; i++)
		d->p[i] = (uint8_t)line[i % (sizeof(line) - 1)];
}

static void two_file_systems_that_agree_make_a_disk(void **state)
{
	struct probe *p = *state;

	put_log(&p->d, 6 * SECTOR);
	put_ext(&p->d, MIB, 8 * MIB);
	assert_false(is_recognised(p));
	put_fat(&p->d, 9 * MIB, 8 * MIB);
	assert_true(is_recognised(p));
	assert_int_equal(look(p)->nparts, 2);
	/* Between them there may be zeros up to where the second had to begin, no more. */
	put_ext(&p->d, MIB, 8 * MIB - 40960);
	assert_true(is_recognised(p));
	p->d.p[9 * MIB - 4096] = 1;
	assert_false(is_recognised(p));
	p->d.p[9 * MIB - 4096] = 0;
	put_ext(&p->d, MIB, 6 * MIB);
	assert_false(is_recognised(p));
}

static void two_that_are_weak_or_refuted_make_none(void **state)
{
	struct probe *p = *state;

	put_log(&p->d, 6 * SECTOR);
	put_ext(&p->d, MIB, 8 * MIB);
	put_fat(&p->d, 9 * MIB, 8 * MIB);
	memset(p->d.p + 9 * MIB + 12 * SECTOR, 0, 4);
	assert_false(is_recognised(p));
	put_fat(&p->d, 9 * MIB, 8 * MIB);
	put_le16(p->d.p + MIB + 1024 + 90, 3);
	assert_false(is_recognised(p));
}

/* What has a disk in it has its file systems, too. */
static void a_disk_within_the_file_is_not_the_file(void **state)
{
	struct probe *p = *state;

	put_log(&p->d, 6 * SECTOR);
	put_ext(&p->d, 2 * MIB, 8 * MIB);
	put_ext(&p->d, 10 * MIB, 8 * MIB);
	assert_true(is_recognised(p));
	memcpy(p->d.p + MIB + 512, "EFI PART", 8);
	assert_false(is_recognised(p));
	memset(p->d.p + MIB + 512, 0, 8);
	platter_put_entry(p->d.p + MIB, 0, 0x83, 2048, 16384);
	assert_false(is_recognised(p));
}

static void other_things_with_several_file_systems_are_not_taken(void **state)
{
	static const struct {
		size_t off;
		const char *bytes;
	} signs[] = { { 64, "\x7f\x10\xda\xbe" }, /* VDI */
		      { 0, "bluestore block device\n" },
		      { 4096, "gDla" }, /* Android */
		      { 0, "# Disk DescriptorFile\n" },
		      { 257, "ustar" } };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		struct probe *p = *state;

		put_log(&p->d, 6 * SECTOR);
		put_ext(&p->d, MIB, 8 * MIB);
		put_ext(&p->d, 9 * MIB, 8 * MIB);
		memset(p->d.p + 4096, 0, 4);
		assert_true(is_recognised(p));
		memcpy(p->d.p + signs[i].off, signs[i].bytes, strlen(signs[i].bytes));
		assert_false(is_recognised(p));
	}
}

static void a_large_file_of_another_kind_costs_a_few_places(void **state)
{
	struct probe *p = *state;

	/* Beyond the places that are looked at. */
	put_log(&p->d, p->d.size);
	put_ext(&p->d, 30 * MIB, 8 * MIB);
	put_ext(&p->d, 38 * MIB, 8 * MIB);
	assert_false(is_recognised(p));
}

/* ---- the table ---- */

static struct lost_table *table_of(struct probe *p)
{
	struct lost_table *t = arena_new(&p->d.arena, struct lost_table);

	assert_non_null(look(p));
	lost_table_of(t, p->lost);
	return t;
}

static void ends_are_rounded_up_over_zeros_only(void **state)
{
	struct probe *p = *state;
	struct lost_table *t;

	put_ext(&p->d, MIB, 5 * MIB - 4096);
	put_ext(&p->d, 10 * MIB, 5 * MIB - 4096);
	p->d.p[15 * MIB - 1] = 1;
	t = table_of(p);
	assert_string_equal(t->refused, "");
	assert_int_equal(t->slot[0].last, 6 * 2048 - 1);
	assert_int_equal(t->slot[0].end, LOST_END_GRID);
	assert_int_equal(t->slot[1].last, 15 * 2048 - 9);
	assert_int_equal(t->slot[1].end, LOST_END_OWN);
}

static void what_does_not_say_its_end_goes_up_to_the_next(void **state)
{
	struct probe *p = *state;
	struct lost_table *t;

	put_luks(&p->d, MIB);
	put_ext(&p->d, 10 * MIB, MIB);
	put_luks(&p->d, 20 * MIB);
	t = table_of(p);
	assert_string_equal(t->refused, "");
	assert_int_equal(t->slot[0].last, 10 * 2048 - 1);
	assert_int_equal(t->slot[0].end, LOST_END_NEXT);
	assert_int_equal(t->slot[2].last, 64 * 2048 - 34);
	assert_int_equal(t->slot[2].end, LOST_END_SPACE);
}

static void an_open_end_and_a_search_that_stopped_are_refused(void **state)
{
	struct probe *p = *state;
	struct lost_table *t;

	put_luks(&p->d, MIB);
	assert_non_null(look(p));
	t = arena_new(&p->d.arena, struct lost_table);
	lost_table_of(t, p->lost);
	assert_string_equal(t->refused, "");
	{
		struct lost l = *p->lost;

		l.stopped = true;
		l.stopped_at = 30 * MIB;
		lost_table_of(t, &l);
		assert_non_null(strstr(t->refused, "the search stopped at LBA 61440"));
	}
}

static void an_old_backup_boot_sector_is_not_overwritten(void **state)
{
	struct probe *p = *state;
	struct lost_table *t;

	put_ext(&p->d, MIB, MIB);
	memcpy(p->d.p + p->d.size - 5 * SECTOR + 3, "NTFS    ", 8);
	t = table_of(p);
	assert_non_null(strstr(t->refused, "NTFS stands where"));
}

static void the_same_disk_gets_the_same_guids(void **state)
{
	struct probe *p = *state;
	struct lost_table *t;
	struct guid disk, first;

	put_ext(&p->d, MIB, MIB);
	put_ext(&p->d, 4 * MIB, MIB);
	t = table_of(p);
	disk = t->disk_guid;
	first = t->slot[0].guid;
	assert_false(guid_eq(first, t->slot[1].guid));
	t = table_of(p);
	assert_true(guid_eq(disk, t->disk_guid));
	assert_true(guid_eq(first, t->slot[0].guid));
}

#define LOST(f) cmocka_unit_test_setup_teardown(f, init, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOST(contents_at_whole_mib_are_found),
		LOST(contents_on_cylinders_are_found),
		LOST(what_follows_an_odd_end_is_found),
		LOST(images_in_files_are_not_partitions),
		LOST(spare_superblocks_are_not_file_systems),
		LOST(a_file_system_that_goes_past_the_end_is_not_taken),
		LOST(a_left_over_gives_way_to_what_is_whole),
		LOST(a_disk_full_of_superblocks_ends_the_search),
		LOST(fakes_are_counted_and_not_all_remembered),
		LOST(an_empty_disk_has_lost_nothing),
		LOST(random_bytes_have_lost_nothing),
		LOST(a_disk_without_partitions_has_lost_nothing),
		LOST(other_tables_are_tables),
		LOST(containers_are_not_taken_for_disks),
		LOST(two_file_systems_that_agree_make_a_disk),
		LOST(two_that_are_weak_or_refuted_make_none),
		LOST(a_disk_within_the_file_is_not_the_file),
		LOST(other_things_with_several_file_systems_are_not_taken),
		LOST(a_large_file_of_another_kind_costs_a_few_places),
		LOST(ends_are_rounded_up_over_zeros_only),
		LOST(what_does_not_say_its_end_goes_up_to_the_next),
		LOST(an_open_end_and_a_search_that_stopped_are_refused),
		LOST(an_old_backup_boot_sector_is_not_overwritten),
		LOST(the_same_disk_gets_the_same_guids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
