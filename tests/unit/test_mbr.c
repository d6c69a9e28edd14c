/* What analyze/image/mbr.h promises: the partition sector, the chains behind it, and when a
 * sector is one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/platter.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

static const struct mbr *read_mbr(struct platter *d)
{
	struct mbr *m = arena_new(&d->arena, struct mbr);
	struct err e = { 0 };

	platter_image(d);
	assert_int_equal(mbr_read(m, &d->img, d->ss, &d->arena, &e), 0);
	return m;
}

static struct view sector0(const struct platter *d)
{
	return (struct view){ d->p, 512 };
}

/* ---- the record ---- */

static void every_entry_field_has_its_value_and_place(void **state)
{
	static const uint8_t bytes[16] = {
		0x80, 1,    2,    3,    0x83, 4,    5,    6,
		0x78, 0x56, 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89
	};
	const struct mbr_entry *ent;
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 512);
	memcpy(d.p + 446 + 32, bytes, 16);
	put_le16(d.p + 510, 0xaa55);
	m = read_mbr(&d);
	ent = &m->entry[2];
	assert_int_equal(ent->at.off, 478);
	assert_int_equal(ent->at.len, 16);
	assert_ptr_equal(ent->at.src, &d.src);
	assert_int_equal(ent->boot.v, 0x80);
	assert_int_equal(ent->boot.at.off, 478);
	assert_int_equal(ent->boot.at.len, 1);
	assert_int_equal(ent->type.v, 0x83);
	assert_int_equal(ent->type.at.off, 482);
	assert_int_equal(ent->lba.v, 0x12345678);
	assert_int_equal(ent->lba.at.off, 486);
	assert_int_equal(ent->lba.at.len, 4);
	assert_int_equal(ent->sectors.v, 0x89abcdef);
	assert_int_equal(ent->sectors.at.off, 490);
	assert_memory_equal(ent->chs_first, "\1\2\3", 3);
	assert_true(ent->used);
	assert_false(ent->extended);
	assert_int_equal(ent->number, 3);
	assert_false(m->entry[0].used);
	assert_int_equal(m->magic.at.off, 510);
	assert_int_equal(m->magic.at.len, 2);
	assert_true(m->magic_ok);
	assert_int_equal(m->at.len, 512);
	assert_int_equal(m->sectors, 2048);
	assert_int_equal(m->ebr_end, EBR_NONE);
	platter_free(&d);
}

static void boot_code_and_disk_signature_are_told_apart(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	put_le32(d.p + 440, 0x1234abcd);
	assert_int_equal(read_mbr(&d)->disk_signature, 0x1234abcd);
	assert_false(read_mbr(&d)->boot_code);
	d.p[439] = 1;
	assert_true(read_mbr(&d)->boot_code);
	platter_free(&d);
}

static void a_sector_without_magic_is_described_too(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 0, 0x0f, 10, 100);
	put_le16(d.p + 510, 0x55aa);
	m = read_mbr(&d);
	assert_false(m->magic_ok);
	assert_int_equal(m->magic.v, 0x55aa);
	assert_true(m->entry[0].used);
	assert_int_equal(m->nebr, 0);
	platter_free(&d);
}

static void an_entry_is_used_by_its_type_and_size(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 0, 0x83, 10, 0);
	platter_put_entry(d.p, 1, 0x00, 10, 10);
	platter_put_entry(d.p, 2, 0xee, 1, 0);
	platter_put_entry(d.p, 3, 0x83, 0, 1);
	m = read_mbr(&d);
	assert_false(m->entry[0].used);
	assert_false(m->entry[1].used);
	assert_true(m->entry[2].used);
	assert_true(m->entry[3].used);
	platter_free(&d);
}

static void protective_entries_are_counted(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 1, 0xee, 1, 100);
	m = read_mbr(&d);
	assert_int_equal(m->nprotective, 1);
	assert_int_equal(m->protective->number, 2);
	assert_false(m->hybrid);
	platter_put_entry(d.p, 2, 0xee, 1, 100);
	m = read_mbr(&d);
	assert_int_equal(m->nprotective, 2);
	assert_false(m->hybrid);
	platter_put_entry(d.p, 3, 0x0c, 1, 100);
	m = read_mbr(&d);
	assert_true(m->hybrid);
	platter_free(&d);
}

static void a_disk_without_a_sector_is_an_error(void **state)
{
	struct platter d;
	struct err e = { 0 };
	struct mbr m;

	(void)state;
	platter_init(&d, 511, 512);
	platter_image(&d);
	assert_int_equal(mbr_read(&m, &d.img, 512, &d.arena, &e), -1);
	assert_int_equal(e.code, ERR_SHORT);
	platter_free(&d);
}

/* ---- extended boot records ---- */

enum { EXT = 100, EXT_SECTORS = 1000 };

/* An extended partition in slot 1, behind a plain one. */
static void init_extended(struct platter *d)
{
	platter_init(d, MIB, 512);
	platter_put_entry(d->p, 0, 0x83, 10, 20);
	platter_put_entry(d->p, 1, 0x0f, EXT, EXT_SECTORS);
}

/* A record at EXT + at with one logical partition and a link to EXT + next (0: none). */
static void put_ebr(struct platter *d, uint32_t at, uint32_t next)
{
	uint8_t *p = platter_lba(d, EXT + at);

	platter_put_entry(p, 0, 0x83, 2, 5);
	if (next)
		platter_put_entry(p, 1, 0x05, next, 10);
}

static void logical_partitions_are_found_along_the_chain(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 50);
	put_ebr(&d, 50, 20); /* order on disk does not matter */
	put_ebr(&d, 20, 0);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_COMPLETE);
	assert_int_equal(m->nebr, 3);
	assert_int_equal(m->nlogical, 3);
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t at[] = { 0, 50, 20 };
		const struct mbr_entry *ent = &m->logical[i];

		assert_int_equal(ent->number, 5 + i);
		assert_int_equal(ent->lba.v, EXT + at[i] + 2);
		assert_int_equal(ent->sectors.v, 5);
		assert_int_equal(ent->at.off, (EXT + at[i]) * 512 + 446);
		assert_int_equal(m->ebr[i].lba, EXT + at[i]);
		assert_int_equal(m->ebr[i].at.off, (EXT + at[i]) * 512);
		assert_int_equal(m->ebr[i].entry[0].number, 5 + i);
	}
	assert_int_equal(m->ebr[0].link.off, 446 + 16);
	assert_int_equal(m->ebr[1].link.off, EXT * 512 + 446 + 16);
	assert_int_equal(m->ebr[0].entry[1].lba.v, EXT + 50);
	platter_free(&d);
}

static void an_empty_extended_partition_is_complete(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_le16(platter_lba(&d, EXT) + 510, 0xaa55);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_COMPLETE);
	assert_int_equal(m->nebr, 1);
	assert_int_equal(m->nlogical, 0);
	platter_free(&d);
}

static void a_chain_that_comes_back_is_a_loop(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 50);
	put_ebr(&d, 50, 50);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_LOOP);
	assert_int_equal(m->nlogical, 2);
	assert_int_equal(m->ebr_at.off, (EXT + 50) * 512 + 446 + 16);
	assert_int_equal(m->ebr_at.len, 16);
	assert_int_equal(m->ebr_lba, EXT + 50);
	platter_free(&d);
}

static void a_link_of_zero_leads_back_to_the_start(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 0);
	platter_put_entry(platter_lba(&d, EXT), 1, 0x85, 0, 10);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_LOOP);
	assert_int_equal(m->ebr_lba, EXT);
	assert_int_equal(m->nebr, 1);
	platter_free(&d);
}

static void a_record_without_magic_ends_the_chain(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 50);
	put_ebr(&d, 50, 0);
	platter_lba(&d, EXT + 50)[511] = 0;
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_NO_SIGNATURE);
	assert_int_equal(m->nlogical, 1);
	assert_int_equal(m->ebr_at.off, EXT * 512 + 446 + 16);
	assert_int_equal(m->ebr_lba, EXT + 50);
	assert_int_equal(m->ebr[1].magic.v, 0x55);
	assert_int_equal(m->ebr[1].magic.at.off, (EXT + 50) * 512 + 510);
	platter_free(&d);
}

static void a_link_out_of_the_extended_partition_is_not_followed(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, EXT_SECTORS - 1);
	put_ebr(&d, EXT_SECTORS - 1, EXT_SECTORS);
	put_ebr(&d, EXT_SECTORS, 0);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_OUTSIDE);
	assert_int_equal(m->nlogical, 2);
	assert_int_equal(m->ebr_lba, EXT + EXT_SECTORS);
	platter_free(&d);
}

static void an_extended_partition_past_the_end_is_not_followed(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 3, 0x05, UINT32_MAX, UINT32_MAX);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_OUTSIDE);
	assert_int_equal(m->ebr_at.off, 446 + 48);
	assert_int_equal(m->ebr_lba, UINT32_MAX);
	/* The first sector behind the disk. */
	platter_put_entry(d.p, 3, 0x05, 2048, 10);
	assert_int_equal(read_mbr(&d)->ebr_end, EBR_OUTSIDE);
	platter_free(&d);
}

static void a_chain_has_an_end_for_us(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	for (uint32_t i = 0; i < EBR_CHAIN_MAX; i++)
		put_ebr(&d, i * 7, i + 1 < EBR_CHAIN_MAX ? (i + 1) * 7 : 0);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_COMPLETE);
	assert_int_equal(m->nlogical, EBR_CHAIN_MAX);
	put_ebr(&d, (EBR_CHAIN_MAX - 1) * 7, EBR_CHAIN_MAX * 7);
	put_ebr(&d, EBR_CHAIN_MAX * 7, 0);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_TOO_LONG);
	assert_int_equal(m->nlogical, EBR_CHAIN_MAX);
	assert_int_equal(m->nebr, EBR_CHAIN_MAX);
	platter_free(&d);
}

static void late_slots_count_only_within_the_extended_partition(void **state)
{
	struct platter d;
	const struct mbr *m;
	uint8_t *p;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 0);
	p = platter_lba(&d, EXT);
	platter_put_entry(p, 2, 0x83, EXT_SECTORS - 5, 6);
	platter_put_entry(p, 3, 0x83, EXT_SECTORS - 5, 5);
	m = read_mbr(&d);
	assert_int_equal(m->nlogical, 2);
	assert_int_equal(m->logical[1].at.off, EXT * 512 + 446 + 48);
	assert_int_equal(m->ebr[0].entry[2].number, 0);
	platter_free(&d);
}

static void only_the_first_link_is_followed(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 50);
	platter_put_entry(platter_lba(&d, EXT), 2, 0x05, 60, 10);
	put_ebr(&d, 50, 0);
	put_ebr(&d, 60, 0);
	m = read_mbr(&d);
	assert_int_equal(m->nebr, 2);
	assert_int_equal(m->ebr[1].lba, EXT + 50);
	platter_free(&d);
}

static void several_extended_partitions_are_followed_in_turn(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 0);
	platter_put_entry(d.p, 0, 0x05, 1500, 10);
	platter_put_entry(platter_lba(&d, 1500), 0, 0x83, 1, 1);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_COMPLETE);
	assert_int_equal(m->nlogical, 2);
	assert_int_equal(m->logical[0].lba.v, 1501);
	assert_int_equal(m->logical[1].number, 6);
	/* The first bad end is the one that is told. */
	put_le16(platter_lba(&d, 1500) + 510, 0);
	m = read_mbr(&d);
	assert_int_equal(m->ebr_end, EBR_NO_SIGNATURE);
	assert_int_equal(m->ebr_lba, 1500);
	assert_int_equal(m->nlogical, 1);
	platter_free(&d);
}

static void records_stand_at_the_start_of_large_sectors(void **state)
{
	struct platter d;
	const struct mbr *m;

	(void)state;
	platter_init(&d, MIB, 4096);
	platter_put_entry(d.p, 0, 0x05, 10, 100);
	platter_put_entry(platter_lba(&d, 10), 0, 0x83, 2, 5);
	m = read_mbr(&d);
	assert_int_equal(m->nlogical, 1);
	assert_int_equal(m->logical[0].lba.v, 12);
	assert_int_equal(m->logical[0].at.off, 10 * 4096 + 446);
	platter_free(&d);
}

/* ---- is it a partition sector? ---- */

static void a_plausible_sector_has_magic_flags_and_an_entry(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	put_le16(d.p + 510, 0xaa55);
	assert_false(mbr_plausible(sector0(&d)));
	platter_put_entry(d.p, 2, 0x83, 10, 10);
	assert_true(mbr_plausible(sector0(&d)));
	d.p[446 + 48] = 0x80;
	assert_true(mbr_plausible(sector0(&d)));
	d.p[446 + 16] = 0x81;
	assert_false(mbr_plausible(sector0(&d)));
	d.p[446 + 16] = 0;
	d.p[511] = 0;
	assert_false(mbr_plausible(sector0(&d)));
	assert_false(mbr_plausible((struct view){ d.p, 511 }));
	assert_false(mbr_plausible((struct view){ 0 }));
	platter_free(&d);
}

/* CHS addresses 0/32/33 to 0/65/1, as tools write them for these sectors. */
static void put_fitting(uint8_t *p)
{
	platter_put_entry(p, 0, 0x83, 2048, 2048);
	memcpy(p + 446 + 1, "\x20\x21\x00", 3);
	memcpy(p + 446 + 5, "\x41\x01\x00", 3);
}

static void an_odd_flag_passes_beside_an_entry_that_a_tool_wrote(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, 2 * MIB, 512);
	put_fitting(d.p);
	d.p[446 + 32] = 0xd8;
	assert_true(mbr_plausible(sector0(&d)));
	/* One sector beside it. */
	put_le32(d.p + 446 + 8, 2049);
	assert_false(mbr_plausible(sector0(&d)));
	/* Past what CHS can say, the last address is the greatest one. */
	put_le32(d.p + 446 + 8, 2048);
	put_le32(d.p + 446 + 12, 40000000);
	assert_false(mbr_plausible(sector0(&d)));
	memcpy(d.p + 446 + 5, "\xfe\xff\xff", 3);
	assert_true(mbr_plausible(sector0(&d)));
	put_le32(d.p + 446 + 12, 4096);
	assert_false(mbr_plausible(sector0(&d)));
	/* Nobody made them for an entry that is not in use. */
	put_fitting(d.p);
	platter_put_entry(d.p, 1, 0x83, 10, 10);
	d.p[446 + 4] = 0;
	assert_false(mbr_plausible(sector0(&d)));
	platter_free(&d);
}

static void a_signature_is_lost_beside_an_entry_that_a_tool_wrote(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, 2 * MIB, 512);
	put_fitting(d.p);
	assert_false(mbr_signature_lost(sector0(&d), d.size));
	put_le16(d.p + 510, 0xaa89);
	assert_true(mbr_signature_lost(sector0(&d), d.size));
	put_le16(d.p + 510, 0);
	assert_true(mbr_signature_lost(sector0(&d), d.size));
	/* Remains in an entry that is not in use say nothing against it. */
	put_le32(d.p + 446 + 48 + 8, 18577);
	assert_true(mbr_signature_lost(sector0(&d), d.size));
	assert_false(mbr_signature_lost(sector0(&d), MIB));
	put_le32(d.p + 446 + 12, 2047);
	assert_false(mbr_signature_lost(sector0(&d), d.size));
	platter_free(&d);
}

/* The parameter block of a FAT32 of 1 MiB. */
static void put_fat(uint8_t *p)
{
	memcpy(p, "\xeb\x58\x90mkfs.fat", 11);
	put_le16(p + 11, 512);
	p[13] = 1;
	put_le16(p + 14, 32);
	p[16] = 2;
	p[21] = 0xf8;
	put_le32(p + 32, 2048);
	put_le32(p + 36, 16);
	put_le16(p + 510, 0xaa55);
}

static void a_boot_sector_of_a_file_system_is_none(void **state)
{
	static const char *const names[] = { "NTFS    ", "EXFAT   ", "-FVE-FS-" };
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 1, 0x83, 10, 10);
	assert_false(mbr_is_boot_sector(sector0(&d)));
	put_fitting(d.p);
	d.p[446 + 32] = 0xd8;
	put_fat(d.p);
	assert_true(mbr_is_boot_sector(sector0(&d)));
	assert_false(mbr_plausible(sector0(&d)));
	assert_true(read_mbr(&d)->boot_sector);
	memset(d.p, 0, 446);
	for (size_t i = 0; i < 3; i++) {
		memcpy(d.p + 3, names[i], 8);
		assert_true(mbr_is_boot_sector(sector0(&d)));
		assert_false(mbr_plausible(sector0(&d)));
	}
	platter_free(&d);
}

static void chains_of_a_boot_sector_are_not_followed(void **state)
{
	struct platter d;

	(void)state;
	init_extended(&d);
	put_ebr(&d, 0, 0);
	assert_int_equal(read_mbr(&d)->nebr, 1);
	put_fat(d.p);
	assert_int_equal(read_mbr(&d)->nebr, 0);
	platter_free(&d);
}

static void a_protective_entry_outweighs_an_old_parameter_block(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	put_fat(d.p);
	platter_put_protective(&d);
	assert_false(mbr_is_boot_sector(sector0(&d)));
	assert_true(mbr_plausible(sector0(&d)));
	platter_free(&d);
}

/* ---- protective entries ---- */

static void protective_bytes_are_what_the_spec_says(void **state)
{
	static const uint8_t small[] = { 0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff,
					 0x01, 0x00, 0x00, 0x00, 0xff, 0x07, 0x00, 0x00 };
	uint8_t out[MBR_ENTRY_SIZE];

	(void)state;
	mbr_protective_bytes(2048, out);
	assert_memory_equal(out, small, 16);
	mbr_protective_bytes(1ull << 40, out);
	assert_memory_equal(out + 12, "\xff\xff\xff\xff", 4);
	assert_int_equal(mbr_protective_sectors(1ull << 32), UINT32_MAX);
	assert_int_equal(mbr_protective_sectors((1ull << 32) - 1), UINT32_MAX - 1);
	assert_int_equal(mbr_protective_sectors(1), 0);
	assert_int_equal(mbr_protective_sectors(0), 0);
}

static void the_end_of_the_protective_entry_is_found(void **state)
{
	struct platter d;
	uint64_t end;

	(void)state;
	platter_init(&d, MIB, 512);
	assert_false(mbr_protective_end(sector0(&d), &end));
	platter_put_entry(d.p, 3, 0xee, 1, 2047);
	assert_true(mbr_protective_end(sector0(&d), &end));
	assert_int_equal(end, 2048);
	put_le32(d.p + 446 + 48 + 12, UINT32_MAX);
	assert_true(mbr_protective_end(sector0(&d), &end));
	assert_int_equal(end, 0);
	/* Larger than 32 bits, and elsewhere than at LBA 1. */
	platter_put_entry(d.p, 3, 0xee, UINT32_MAX, UINT32_MAX - 1);
	assert_true(mbr_protective_end(sector0(&d), &end));
	assert_int_equal(end, 2ull * UINT32_MAX - 1);
	put_le16(d.p + 510, 0);
	assert_false(mbr_protective_end(sector0(&d), &end));
	put_le32(d.p + 446 + 48 + 8, 1);
	assert_true(mbr_protective_end(sector0(&d), &end));
	assert_false(mbr_protective_end((struct view){ d.p, 100 }, &end));
	platter_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_field_has_its_value_and_place),
		cmocka_unit_test(boot_code_and_disk_signature_are_told_apart),
		cmocka_unit_test(a_sector_without_magic_is_described_too),
		cmocka_unit_test(an_entry_is_used_by_its_type_and_size),
		cmocka_unit_test(protective_entries_are_counted),
		cmocka_unit_test(a_disk_without_a_sector_is_an_error),
		cmocka_unit_test(logical_partitions_are_found_along_the_chain),
		cmocka_unit_test(an_empty_extended_partition_is_complete),
		cmocka_unit_test(a_chain_that_comes_back_is_a_loop),
		cmocka_unit_test(a_link_of_zero_leads_back_to_the_start),
		cmocka_unit_test(a_record_without_magic_ends_the_chain),
		cmocka_unit_test(a_link_out_of_the_extended_partition_is_not_followed),
		cmocka_unit_test(an_extended_partition_past_the_end_is_not_followed),
		cmocka_unit_test(a_chain_has_an_end_for_us),
		cmocka_unit_test(late_slots_count_only_within_the_extended_partition),
		cmocka_unit_test(only_the_first_link_is_followed),
		cmocka_unit_test(several_extended_partitions_are_followed_in_turn),
		cmocka_unit_test(records_stand_at_the_start_of_large_sectors),
		cmocka_unit_test(a_plausible_sector_has_magic_flags_and_an_entry),
		cmocka_unit_test(an_odd_flag_passes_beside_an_entry_that_a_tool_wrote),
		cmocka_unit_test(a_signature_is_lost_beside_an_entry_that_a_tool_wrote),
		cmocka_unit_test(a_boot_sector_of_a_file_system_is_none),
		cmocka_unit_test(chains_of_a_boot_sector_are_not_followed),
		cmocka_unit_test(a_protective_entry_outweighs_an_old_parameter_block),
		cmocka_unit_test(protective_bytes_are_what_the_spec_says),
		cmocka_unit_test(the_end_of_the_protective_entry_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
