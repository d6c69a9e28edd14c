/* The reader of ISO 9660 images, on one of 64 blocks: what it takes for proven and what not, and
 * what it says belongs to somebody. analyze/image/iso.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/unit.h"
#include "base/md5.h"
#include "tests/lib/small_iso.h"

#include "base/banned.h"

struct bench {
	struct cd cd;
	struct source src;
	struct host host;
	struct deep_watch watch;
	struct unit u;
	bool open;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	cd_init(&b->cd);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	if (b->open)
		unit_close(&b->u);
	free(b);
	return 0;
}

static const struct iso *look(struct bench *b)
{
	if (b->open)
		unit_close(&b->u);
	b->open = true;
	b->src = source_of_bytes("x.iso", (struct view){ b->cd.p, b->cd.n });
	unit_read(&b->u, &b->src, format_find("iso9660"), &b->host);
	assert_int_equal(b->u.state, UNIT_READ);
	return b->u.image->iso;
}

static uint8_t *at(struct bench *b, unsigned block, size_t off)
{
	return cd_at(&b->cd, block, off);
}

static struct span block(const struct iso *iso, unsigned n)
{
	return (struct span){ iso->image->src, (uint64_t)n * CD_BLOCK, CD_BLOCK };
}

/* ---- a healthy one ---- */

static void a_small_volume_is_read_whole(void **state)
{
	const struct iso *iso = look(*state);
	const struct iso_volume *v = iso->primary;

	assert_non_null(v);
	assert_true(str_is(v->name, "SMALL"));
	assert_true(v->complete);
	assert_int_equal(v->ndirs, 2);
	assert_int_equal(v->nfiles, 5);
	assert_int_equal(v->nflaws_all, 0);
	assert_true(v->little.right && v->big.right);
	assert_int_equal(iso->terminator.off, CD_END * CD_BLOCK);
	assert_int_equal(iso->volume_end, sizeof(((struct cd *)NULL)->p));
	assert_int_equal(v->reach, CD_FAT * CD_BLOCK + TINY_SIZE);
	assert_int_equal(iso->catalog.state, ISO_CATALOG_READ);
	assert_int_equal(iso->catalog.nentries, 2);
	assert_int_equal(iso->catalog.torn_at.len, 0);
	assert_string_equal(iso->catalog.entry[0].path, "/BIOS");
	assert_int_equal(iso->catalog.entry[0].code, BOOT_CODE_ISOLINUX);
	assert_true(iso->catalog.entry[0].info.present);
	assert_int_equal(iso->catalog.entry[1].efi->fallback[EFI_X64].state, ANSWER_YES);
	assert_int_equal(iso->catalog.entry[1].fat_size, TINY_SIZE);
}

/* ---- descriptors ---- */

static void a_primary_without_its_mark_is_still_read(void **state)
{
	struct bench *b = *state;

	memcpy(at(b, CD_PRIMARY, 1), "XXX", 3);
	assert_int_equal(look(b)->primary_lost.off, CD_PRIMARY * CD_BLOCK);
	assert_true(look(b)->primary->complete);
}

static void what_is_no_primary_is_not_lost_when_there_is_one(void **state)
{
	struct bench *b = *state;
	const struct iso *iso;

	cd_put_volume(&b->cd, CD_BOOT_RECORD);
	memcpy(at(b, CD_PRIMARY, 0), "\2CD001\2", 7);
	iso = look(b);
	assert_int_equal(iso->primary_lost.len, 0);
	assert_int_equal(iso->primary->at.off, CD_BOOT_RECORD * CD_BLOCK);
	assert_int_equal(iso->volume[0].kind, ISO_ENHANCED);
}

static void zeros_behind_the_descriptors_are_seen(void **state)
{
	struct bench *b = *state;
	const struct iso *iso;

	memset(at(b, CD_END, 0), 0, 7);
	iso = look(b);
	assert_int_equal(iso->terminator.len, 0);
	assert_int_equal(iso->unended.off, CD_END * CD_BLOCK);
	assert_true(iso->blank_behind);
}

/* ---- numbers in both orders ---- */

static enum iso_side space_side(struct bench *b, uint32_t little, uint32_t big)
{
	put_le32(at(b, CD_PRIMARY, 80), little);
	put_be32(at(b, CD_PRIMARY, 84), big);
	return look(b)->primary->space.proven;
}

static void a_size_that_is_the_image_s_is_proven(void **state)
{
	struct bench *b = *state;

	assert_int_equal(space_side(b, CD_BLOCKS, CD_BLOCKS), ISO_NEITHER);
	assert_int_equal(space_side(b, CD_BLOCKS, 9), ISO_LITTLE);
	assert_int_equal(space_side(b, 1 << 28, CD_BLOCKS), ISO_BIG);
}

static void a_size_that_cannot_hold_its_files_is_not_right(void **state)
{
	struct bench *b = *state;

	b->cd.n -= CD_BLOCK;
	assert_int_equal(space_side(b, CD_BLOCKS, CD_FREE - 1), ISO_LITTLE);
	assert_int_equal(space_side(b, UINT32_MAX, CD_BLOCKS), ISO_BIG);
}

static void of_a_torn_image_the_larger_size_may_be_right(void **state)
{
	struct bench *b = *state;

	b->cd.n -= 4 * CD_BLOCK;
	assert_int_equal(space_side(b, CD_BLOCKS, CD_FREE + 1), ISO_NEITHER);
}

static void the_root_is_where_one_begins(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_PRIMARY, 158), CD_TEXT);
	assert_int_equal(look(b)->primary->root_extent.proven, ISO_BIG);
	assert_true(look(b)->primary->complete);
	/* Another directory is none: the root is in itself. */
	put_le32(at(b, CD_PRIMARY, 158), CD_DIR);
	assert_int_equal(look(b)->primary->root_extent.proven, ISO_BIG);
}

static void a_file_s_place_is_the_one_in_the_image(void **state)
{
	struct bench *b = *state;
	const struct iso_volume *v;

	put_be32(at(b, CD_ROOT, CD_RECORD_TEXT + 6), 9999);
	v = look(b)->primary;
	assert_int_equal(v->nflaws, 1);
	assert_int_equal(v->flaw[0].pair.proven, ISO_LITTLE);
	put_be32(at(b, CD_ROOT, CD_RECORD_TEXT + 6), CD_FREE);
	assert_int_equal(look(b)->primary->flaw[0].pair.proven, ISO_NEITHER);
}

/* ---- directories ---- */

static const struct iso_flaw *only_flaw(struct bench *b, enum iso_flaw_kind kind)
{
	const struct iso_volume *v = look(b)->primary;

	assert_int_equal(v->nflaws_all, 1);
	assert_int_equal(v->flaw[0].kind, kind);
	return &v->flaw[0];
}

static void a_directory_within_itself_is_a_loop(void **state)
{
	struct bench *b = *state;

	cd_both32(at(b, CD_ROOT, CD_RECORD_DIR + CD_EXTENT), CD_ROOT);
	only_flaw(b, ISO_FLAW_LOOP);
	assert_false(look(b)->primary->complete);
}

static void a_record_of_no_length_ends_its_sector(void **state)
{
	struct bench *b = *state;

	*at(b, CD_ROOT, CD_RECORD_CATALOG) = 20;
	only_flaw(b, ISO_FLAW_RECORD);
	assert_int_equal(look(b)->primary->nfiles, 1);
}

static void a_file_behind_the_end_is_outside(void **state)
{
	struct bench *b = *state;

	cd_both32(at(b, CD_ROOT, CD_RECORD_TEXT + CD_EXTENT), CD_BLOCKS);
	assert_int_equal(only_flaw(b, ISO_FLAW_OUTSIDE)->expected, 100);
}

static void a_directory_that_says_it_is_elsewhere_is_believed_by_nobody(void **state)
{
	struct bench *b = *state;

	cd_both32(at(b, CD_DIR, CD_SELF + CD_EXTENT), CD_FREE);
	assert_false(only_flaw(b, ISO_FLAW_SELF)->doubt);
	/* Unless there is one, and nothing else leads to it. */
	cd_dir(at(b, CD_FREE, 0), CD_FREE, "", 1);
	assert_true(only_flaw(b, ISO_FLAW_SELF)->doubt);
	cd_both32(at(b, CD_DIR, CD_SELF + CD_EXTENT), CD_ROOT);
	assert_false(only_flaw(b, ISO_FLAW_SELF)->doubt);
}

static void a_parent_is_where_it_was_come_from(void **state)
{
	struct bench *b = *state;

	cd_both32(at(b, CD_DIR, CD_PARENT + CD_EXTENT), CD_FREE);
	assert_int_equal(only_flaw(b, ISO_FLAW_PARENT)->expected, CD_ROOT);
}

/* ---- path tables ---- */

static void an_entry_of_a_path_table_that_does_not_fit_is_found(void **state)
{
	struct bench *b = *state;
	const struct iso_volume *v;

	put_le32(at(b, CD_PATHS_L, 12), CD_FREE);
	v = look(b)->primary;
	assert_false(v->little.right);
	assert_int_equal(v->little.wrong_at.off, CD_PATHS_L * CD_BLOCK + 10);
	assert_int_equal(v->little.found, 0);
	assert_true(v->big.right);
}

static void a_path_table_is_looked_for_about_the_other(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_PRIMARY, 140), CD_FREE);
	assert_int_equal(look(b)->primary->little.found, CD_PATHS_L);
}

static void a_copy_does_not_make_a_damaged_path_table_a_stranger(void **state)
{
	struct bench *b = *state;

	memcpy(at(b, CD_ROOT - 3, 0), at(b, CD_PATHS_L, 0), CD_PATHS_SIZE);
	memcpy(at(b, CD_ROOT + 2, 0), at(b, CD_PATHS_L, 0), CD_PATHS_SIZE);
	put_le32(at(b, CD_PATHS_L, 12), CD_FREE);
	assert_int_equal(look(b)->primary->little.found, 0);
}

/* ---- whose a block is ---- */

static void blocks_of_files_and_tables_are_in_use(void **state)
{
	static const unsigned used[] = { CD_PRIMARY,     CD_PATHS_L, CD_PATHS_M,
					 CD_ROOT,        CD_DIR,     CD_CATALOG,
					 CD_PROGRAM + 1, CD_TEXT,    CD_FAT + 16 };
	const struct iso *iso = look(*state);

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		assert_true(iso_in_use(iso, block(iso, used[i]), NULL));
	assert_false(iso_in_use(iso, block(iso, CD_FREE), NULL));
	assert_false(iso_in_use(iso, block(iso, CD_PATHS_L), &iso->primary->little));
	assert_true(iso_in_use(iso, block(iso, CD_PATHS_L), &iso->primary->big));
	assert_int_equal(iso_file_at(iso, CD_PROGRAM)->blocks, 2);
	assert_null(iso_file_at(iso, CD_PROGRAM + 1));
}

static void of_a_tree_that_is_not_whole_all_may_be_in_use(void **state)
{
	struct bench *b = *state;
	const struct iso *iso;

	*at(b, CD_ROOT, CD_RECORD_CATALOG) = 20;
	iso = look(b);
	assert_true(iso_in_use(iso, block(iso, CD_FREE), NULL));
}

/* ---- the catalog ---- */

static void one_wrong_sign_of_a_catalog_is_damage(void **state)
{
	struct bench *b = *state;
	const struct iso_catalog *c;

	*at(b, CD_CATALOG, 30) = 1;
	*at(b, CD_CATALOG, 0) = 7;
	c = &look(b)->catalog;
	assert_int_equal(c->state, ISO_CATALOG_READ);
	assert_int_equal(c->sum.v, c->sum_wanted);
}

static void a_path_table_is_no_catalog(void **state)
{
	struct bench *b = *state;
	const struct iso_catalog *c;

	/* It begins with 01, and may have 88 in that place. */
	*at(b, CD_PATHS_L, 32) = 0x88;
	put_le32(at(b, CD_BOOT_RECORD, 71), CD_PATHS_L);
	c = &look(b)->catalog;
	assert_int_equal(c->state, ISO_CATALOG_FOREIGN);
	assert_int_equal(c->found, CD_CATALOG);
}

static void a_catalog_of_another_image_is_not_taken(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_BOOT_RECORD, 71), CD_FREE);
	put_le32(at(b, CD_CATALOG, 40), 9999);
	assert_int_equal(look(b)->catalog.state, ISO_CATALOG_FOREIGN);
	assert_int_equal(look(b)->catalog.found, 0);
}

static void of_two_catalogs_none_is_taken(void **state)
{
	struct bench *b = *state;

	memcpy(at(b, CD_TEXT, 0), at(b, CD_CATALOG, 0), 128);
	put_le32(at(b, CD_BOOT_RECORD, 71), CD_FREE);
	assert_int_equal(look(b)->catalog.found, 0);
}

static void is_torn(struct bench *b, unsigned mark, unsigned count)
{
	const struct iso_catalog *c = &look(b)->catalog;

	assert_int_equal(c->torn_at.off, CD_CATALOG * CD_BLOCK + 64);
	assert_int_equal(c->torn_mark, mark);
	assert_int_equal(c->torn_count, count);
}

static void a_section_is_what_follows_its_header(void **state)
{
	struct bench *b = *state;

	*at(b, CD_CATALOG, 64) = 0;
	is_torn(b, 0x91, 1);
	*at(b, CD_CATALOG, 64) = 0x90;
	is_torn(b, 0x91, 1);
	*at(b, CD_CATALOG, 64) = 0x91;
	*at(b, CD_CATALOG, 66) = 7;
	is_torn(b, 0x91, 1);
	assert_int_equal(look(b)->catalog.nentries, 2);
	*at(b, CD_CATALOG, 66) = 0;
	is_torn(b, 0x91, 1);
}

static void a_section_with_something_behind_it_is_not_told(void **state)
{
	struct bench *b = *state;

	*at(b, CD_CATALOG, 66) = 7;
	*at(b, CD_CATALOG, 160) = 1;
	is_torn(b, 0, 0);
	*at(b, CD_CATALOG, 160) = 0;
	*at(b, CD_CATALOG, 65) = 0x77;
	is_torn(b, 0, 0);
}

static void content_tells_what_a_checksum_leaves_open(void **state)
{
	struct bench *b = *state;

	assert_int_equal(look(b)->catalog.entry[0].content, ISO_CONTENT_UNKNOWN);
	*at(b, CD_CATALOG, 1) = 0xef;
	assert_int_equal(look(b)->catalog.entry[0].content, ISO_CONTENT_BIOS);
	put_le32(at(b, CD_CATALOG, 40), CD_FAT);
	assert_int_equal(look(b)->catalog.entry[0].content, ISO_CONTENT_EFI);
	put_le32(at(b, CD_CATALOG, 40), CD_TEXT);
	assert_int_equal(look(b)->catalog.entry[0].content, ISO_CONTENT_UNKNOWN);
}

/* ---- boot images ---- */

static const struct iso_boot_entry *entry(struct bench *b, unsigned i)
{
	return &look(b)->catalog.entry[i];
}

static void a_program_that_says_where_it_is_is_found(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_CATALOG, 40), 9999);
	assert_int_equal(entry(b, 0)->meant, CD_PROGRAM);
	put_le32(at(b, CD_CATALOG, 40), CD_PROGRAM + 1);
	assert_string_equal(entry(b, 0)->inside, "/BIOS");
	assert_int_equal(entry(b, 0)->meant, CD_PROGRAM);
	put_le32(at(b, CD_CATALOG, 40), CD_END);
	assert_int_equal(entry(b, 0)->meant, CD_PROGRAM);
	*at(b, CD_PROGRAM, 12) = 1;
	assert_int_equal(entry(b, 0)->meant, 0);
}

static void of_two_programs_none_is_meant(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_TEXT, 8), CD_PRIMARY);
	put_le32(at(b, CD_TEXT, 12), CD_TEXT);
	put_le32(at(b, CD_TEXT, 16), 100);
	put_le32(at(b, CD_CATALOG, 40), 9999);
	assert_int_equal(entry(b, 0)->meant, 0);
}

static void a_fat_of_the_right_size_is_found(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_CATALOG, 104), 9999);
	assert_int_equal(entry(b, 1)->meant, CD_FAT);
	put_le16(at(b, CD_CATALOG, 102), 4);
	assert_int_equal(entry(b, 1)->meant, 0);
}

static void an_image_that_is_elsewhere_in_the_image_is_not_astray(void **state)
{
	struct bench *b = *state;
	const struct iso *iso;

	put_le32(at(b, CD_CATALOG, 40), CD_TEXT);
	iso = look(b);
	assert_false(iso_is_astray(iso, &iso->catalog.entry[0]));
	assert_int_equal(iso->catalog.entry[0].meant, 0);
}

static void what_is_still_to_come_is_not_astray(void **state)
{
	struct bench *b = *state;
	const struct iso *iso;

	b->cd.n = CD_FAT * CD_BLOCK;
	iso = look(b);
	assert_true(iso->catalog.entry[1].outside);
	assert_false(iso_is_astray(iso, &iso->catalog.entry[1]));
}

static void a_program_may_belong_to_a_second_session(void **state)
{
	struct bench *b = *state;

	put_le32(at(b, CD_PROGRAM, 8), CD_FREE);
	assert_false(entry(b, 0)->info.descriptor_ok);
	memcpy(at(b, CD_FREE, 0), "\1CD001\1", 7);
	assert_true(entry(b, 0)->info.descriptor_ok);
}

static void apple_s_file_system_is_known(void **state)
{
	struct bench *b = *state;

	memset(at(b, CD_FAT, 0), 0, CD_BLOCK);
	assert_false(entry(b, 1)->hfs);
	memcpy(at(b, CD_FAT, 1024), "H+", 2);
	assert_true(entry(b, 1)->hfs);
}

/* ---- as a disk ---- */

static void put_mbr(struct bench *b, unsigned i, uint8_t type, uint32_t lba, uint32_t n)
{
	uint8_t *e = b->cd.p + 446 + 16 * i;

	e[4] = type;
	put_le32(e + 8, lba);
	put_le32(e + 12, n);
	b->cd.p[510] = 0x55;
	b->cd.p[511] = 0xaa;
}

static void only_the_boot_sector_for_isos_has_a_core(void **state)
{
	struct bench *b = *state;
	static const char words[] = "GRUB \0Geom\0Hard Disk\0Read\0 Error";

	memcpy(b->cd.p + 0x180, words, sizeof(words) - 1);
	put_mbr(b, 0, 0x17, 0, CD_BLOCKS * 4);
	assert_int_equal(look(b)->disk.core.at.off, 0x1b0);
	put_le32(b->cd.p + 0x5c, 1);
	assert_int_equal(look(b)->disk.core.at.len, 0);
}

static void a_partition_for_uefi_is_asked_what_it_starts(void **state)
{
	struct bench *b = *state;
	const struct iso_disk *d;

	put_mbr(b, 0, 0xef, CD_FAT * 4, TINY_SECTORS);
	assert_true(look(b)->disk.esp[0].in_catalog);
	put_mbr(b, 0, 0xef, CD_FREE * 4, TINY_SECTORS);
	d = &look(b)->disk;
	assert_int_equal(d->nesp, 1);
	assert_int_equal(d->esp[0].starts, ANSWER_NO);
	memmove(at(b, CD_FREE, 0), at(b, CD_FAT, 0), TINY_SIZE);
	assert_int_equal(look(b)->disk.esp[0].starts, ANSWER_YES);
	put_mbr(b, 0, 0xef, 1 << 20, TINY_SECTORS);
	assert_int_equal(look(b)->disk.esp[0].starts, ANSWER_UNKNOWN);
}

static void a_partition_shows_where_uefi_s_image_is(void **state)
{
	struct bench *b = *state;

	put_mbr(b, 0, 0xef, CD_FAT * 4, TINY_SECTORS);
	put_le32(at(b, CD_CATALOG, 104), CD_FREE);
	assert_int_equal(entry(b, 1)->meant, CD_FAT);
}

/* ---- the sum ---- */

static void implant(struct bench *b)
{
	uint8_t *area = at(b, CD_PRIMARY, 883), sum[MD5_SIZE];
	struct md5 m;

	memset(area, ' ', 512);
	md5_init(&m);
	md5_add(&m, (struct view){ b->cd.p, (CD_BLOCKS - 15) * CD_BLOCK });
	md5_sum(&m, sum);
	memcpy(area, "ISO MD5SUM = ", 13);
	for (unsigned i = 0; i < MD5_SIZE; i++) {
		area[13 + 2 * i] = (uint8_t) "0123456789abcdef"[sum[i] >> 4];
		area[14 + 2 * i] = (uint8_t) "0123456789abcdef"[sum[i] & 15];
	}
	memcpy(area + 45, ";SKIPSECTORS = 15;", 18);
}

static void a_sum_is_of_all_but_the_last_sectors(void **state)
{
	struct bench *b = *state;

	b->host.deep = &b->watch;
	assert_int_equal(look(b)->md5.at.len, 0);
	implant(b);
	assert_true(iso_md5_right(&look(b)->md5));
	*at(b, CD_BLOCKS - 15, 0) ^= 1;
	assert_true(iso_md5_right(&look(b)->md5));
	*at(b, CD_BLOCKS - 16, 0) ^= 1;
	assert_true(look(b)->md5.checked);
	assert_false(iso_md5_right(&look(b)->md5));
}

static void a_sum_that_cannot_be_read_is_not_wrong(void **state)
{
	struct bench *b = *state;

	b->host.deep = &b->watch;
	implant(b);
	*at(b, CD_PRIMARY, 883 + 13) = 'z';
	assert_true(look(b)->md5.at.len);
	assert_false(look(b)->md5.readable);
	assert_false(look(b)->md5.checked);
}

static void of_what_is_not_there_the_sum_is_not_known(void **state)
{
	struct bench *b = *state;

	b->host.deep = &b->watch;
	implant(b);
	b->cd.n = 40 * CD_BLOCK;
	assert_non_null(look(b)->md5.why);
	assert_false(look(b)->md5.checked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_small_volume_is_read_whole),
		TEST(a_primary_without_its_mark_is_still_read),
		TEST(what_is_no_primary_is_not_lost_when_there_is_one),
		TEST(zeros_behind_the_descriptors_are_seen),
		TEST(a_size_that_is_the_image_s_is_proven),
		TEST(a_size_that_cannot_hold_its_files_is_not_right),
		TEST(of_a_torn_image_the_larger_size_may_be_right),
		TEST(the_root_is_where_one_begins),
		TEST(a_file_s_place_is_the_one_in_the_image),
		TEST(a_directory_within_itself_is_a_loop),
		TEST(a_record_of_no_length_ends_its_sector),
		TEST(a_file_behind_the_end_is_outside),
		TEST(a_directory_that_says_it_is_elsewhere_is_believed_by_nobody),
		TEST(a_parent_is_where_it_was_come_from),
		TEST(an_entry_of_a_path_table_that_does_not_fit_is_found),
		TEST(a_path_table_is_looked_for_about_the_other),
		TEST(a_copy_does_not_make_a_damaged_path_table_a_stranger),
		TEST(blocks_of_files_and_tables_are_in_use),
		TEST(of_a_tree_that_is_not_whole_all_may_be_in_use),
		TEST(one_wrong_sign_of_a_catalog_is_damage),
		TEST(a_path_table_is_no_catalog),
		TEST(a_catalog_of_another_image_is_not_taken),
		TEST(of_two_catalogs_none_is_taken),
		TEST(a_section_is_what_follows_its_header),
		TEST(a_section_with_something_behind_it_is_not_told),
		TEST(content_tells_what_a_checksum_leaves_open),
		TEST(a_program_that_says_where_it_is_is_found),
		TEST(of_two_programs_none_is_meant),
		TEST(a_fat_of_the_right_size_is_found),
		TEST(an_image_that_is_elsewhere_in_the_image_is_not_astray),
		TEST(what_is_still_to_come_is_not_astray),
		TEST(a_program_may_belong_to_a_second_session),
		TEST(apple_s_file_system_is_known),
		TEST(only_the_boot_sector_for_isos_has_a_core),
		TEST(a_partition_for_uefi_is_asked_what_it_starts),
		TEST(a_partition_shows_where_uefi_s_image_is),
		TEST(a_sum_is_of_all_but_the_last_sectors),
		TEST(a_sum_that_cannot_be_read_is_not_wrong),
		TEST(of_what_is_not_there_the_sum_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
