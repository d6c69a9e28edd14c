/* Who on a disk holds on to a place: each makes the repair of alignment decline, and say so.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "rules/rule.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

enum {
	MIB = 1 << 20,
	DISK = 8 * MIB,
	FIRST = 63, /* of partition 1 */
	SIZE = 2048,
	SECOND = 8192, /* of partition 2, which does not move */
};

struct bench {
	struct platter d;
	struct host host;
	struct unit unit;
	struct arena arena;
	struct findings found;
	struct plan plan;
	char kind; /* 'g': a GPT. 'm': a DOS label */
};

static uint8_t *entry(struct bench *b, bool backup, unsigned n)
{
	uint64_t array = platter_array_sectors(&b->d);
	uint64_t at = backup ? platter_sectors(&b->d) - 1 - array : 2;

	return platter_lba(&b->d, at) + (n - 1) * 128;
}

static void put(struct bench *b, unsigned n, uint64_t first, uint64_t sectors)
{
	uint64_t array = platter_array_sectors(&b->d), last = first + sectors - 1;

	if (b->kind == 'm') {
		platter_put_entry(b->d.p, n - 1, 0x83, (uint32_t)first,
				  (uint32_t)sectors);
		return;
	}
	platter_put_partition(&b->d, 2, n, first, last, "p");
	platter_put_partition(&b->d, platter_sectors(&b->d) - 1 - array, n, first, last,
			      "p");
}

static void bench_init(struct bench *b, char kind)
{
	*b = (struct bench){ .kind = kind };
	platter_init(&b->d, DISK, 512);
	if (kind == 'g')
		platter_put_gpt(&b->d);
	put(b, 1, FIRST, SIZE);
	put(b, 2, SECOND, SIZE);
}

/* Reads the disk, and asks the rule for its fix. */
static bool bench_ask(struct bench *b)
{
	if (b->kind == 'g') {
		platter_seal(&b->d, platter_primary(&b->d));
		platter_seal(&b->d, platter_backup(&b->d));
	}
	arena_init(&b->arena, ARENA_BUDGET);
	platter_image(&b->d);
	unit_read(&b->unit, &b->d.src, format_find("raw"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	rules_run(&b->unit, &b->arena, &b->found);
	b->plan = plan_on(&b->unit.src, &b->arena);
	for (size_t i = 0; i < b->found.v.n; i++) {
		if (strstr(b->found.v.v[i]->rule->id, "-align-4k"))
			return rule_fix(b->found.v.v[i], &b->plan);
	}
	fail_msg("nothing is found to be misaligned");
	return false;
}

static void bench_free(struct bench *b)
{
	unit_close(&b->unit);
	arena_free(&b->arena);
	platter_free(&b->d);
}

/* ---- what may be on a disk ---- */

static void code(uint8_t *sector, size_t at, const char *words)
{
	memcpy(sector + at, words, strlen(words));
	sector[0] = 0xeb;
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static void unknown_code(struct bench *b)
{
	code(b->d.p, 0x80, "boot");
}

static void table_code(struct bench *b)
{
	code(b->d.p, 0x80, "Invalid partition table");
}

static void syslinux(struct bench *b)
{
	code(b->d.p, 0x80, "Missing operating system.");
}

static void parted(struct bench *b)
{
	memcpy(b->d.p, "\xfa\xb8\x00\x10\x8e\xd0\xbc\x00\xb0", 9);
}

static void lilo(struct bench *b)
{
	code(b->d.p, 6, "LILO");
}

static void grub(struct bench *b, uint64_t sector)
{
	code(b->d.p, 0x180, "GRUB ");
	put_le64(b->d.p + 0x5c, sector);
}

static void grub_in_gap(struct bench *b)
{
	grub(b, 40);
}

static void grub_in_partition_1(struct bench *b)
{
	grub(b, FIRST + SIZE - 1);
}

static void grub_in_partition_2(struct bench *b)
{
	grub(b, SECOND + 1);
}

static void grub_where_1_goes(struct bench *b)
{
	grub(b, MIB / 512 + SIZE - 1);
}

static void grub_nowhere(struct bench *b)
{
	grub(b, UINT64_MAX);
}

static void grub_legacy(struct bench *b)
{
	grub(b, 0);
	put_le16(b->d.p + 0x3e, 0x0203);
	put_le32(b->d.p + 0x44, FIRST);
}

static void grub_legacy_stage_1_5(struct bench *b)
{
	grub(b, FIRST);
	put_le16(b->d.p + 0x3e, 0x0203);
	put_le32(b->d.p + 0x44, 1);
}

static void grub_in_its_first_sector(struct bench *b)
{
	code(platter_lba(&b->d, FIRST), 0x180, "GRUB ");
}

static void code_in_its_first_sector(struct bench *b)
{
	code(platter_lba(&b->d, FIRST), 3, "EXTLINUX");
}

static void code_in_one_that_stays(struct bench *b)
{
	code(platter_lba(&b->d, SECOND), 3, "EXTLINUX");
}

static void suspended(struct bench *b)
{
	memcpy(platter_lba(&b->d, SECOND) + 4086, "S1SUSPEND", 10);
}

static void bitlocker(struct bench *b)
{
	memcpy(platter_lba(&b->d, FIRST) + 3, "-FVE-FS-", 8);
}

static void ntfs(struct bench *b)
{
	uint8_t *p = platter_lba(&b->d, SECOND);

	memcpy(p + 3, "NTFS    ", 8);
	put_le16(p + 11, 512);
}

static void ntfs_that_starts(struct bench *b)
{
	ntfs(b);
	table_code(b);
	b->d.p[446] = 0x80;
}

static void ntfs_beside_grub(struct bench *b)
{
	ntfs(b);
	grub_in_gap(b);
}

static void iso(struct bench *b)
{
	memcpy(b->d.p + 32769, "CD001", 5);
	put(b, 1, 127, SIZE);
	put(b, 2, SECOND, SIZE);
}

static void both(struct bench *b, size_t at, uint8_t v)
{
	entry(b, false, 1)[at] = v;
	entry(b, true, 1)[at] = v;
}

static void required(struct bench *b)
{
	both(b, 48, 1);
}

static void type(struct bench *b, const char *guid)
{
	memcpy(entry(b, false, 1), guid, 16);
	memcpy(entry(b, true, 1), guid, 16);
}

static void vmfs(struct bench *b)
{
	type(b, "\x2a\xe0\x31\xaa\x0f\x40\xdb\x11\x95\x90\x00\x0c\x29\x11\xd1\xb8");
}

static void dynamic_data(struct bench *b)
{
	type(b, "\xa0\x60\x9b\xaf\x31\x14\x62\x4f\xbc\x68\x33\x11\x71\x4a\x69\xad");
}

static void dynamic_metadata(struct bench *b)
{
	type(b, "\xaa\xc8\x08\x58\x8f\x7e\xe0\x42\x85\xd2\xe1\xe9\x04\x34\xcf\xb3");
}

static void storage_spaces(struct bench *b)
{
	type(b, "\x8f\xaf\x5c\xe7\x80\xf6\xee\x4c\xaf\xa3\xb0\x01\xe5\x6e\xfc\x2d");
}

static void hybrid(struct bench *b)
{
	platter_put_entry(b->d.p, 1, 0x83, FIRST, SIZE);
}

static void outside(struct bench *b)
{
	put_le64(platter_primary(&b->d) + 40, FIRST + 1);
	put_le64(platter_backup(&b->d) + 40, FIRST + 1);
}

static void overlap(struct bench *b)
{
	put(b, 2, FIRST + SIZE - 1, SIZE);
}

static void extended(struct bench *b)
{
	b->d.p[446 + 16 + 4] = 0x05;
}

static void bsd(struct bench *b)
{
	b->d.p[446 + 4] = 0xa6;
}

static void dos_dynamic(struct bench *b)
{
	b->d.p[446 + 4] = 0x42;
}

static void past_the_end(struct bench *b)
{
	put(b, 2, SECOND, DISK / 512);
}

static void one_more_than_can_be(struct bench *b)
{
	for (unsigned i = 0; i < 65; i++)
		put(b, i + 1, FIRST + 8 * i, 8);
}

/* ---- the answers ---- */

static void nobody_holds_on(void **state)
{
	const struct {
		const char *kinds;
		void (*put)(struct bench *b);
	} disks[] = {
		{ "gm", table_code },
		{ "gm", syslinux },
		{ "gm", parted },
		{ "gm", grub_in_gap },
		{ "gm", grub_in_partition_2 },
		{ "gm", grub_legacy_stage_1_5 },
		{ "gm", code_in_one_that_stays },
		{ "gm", ntfs },
		{ "g", ntfs_beside_grub },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		for (const char *k = disks[i].kinds; *k; k++) {
			struct bench b;

			bench_init(&b, *k);
			disks[i].put(&b);
			if (!bench_ask(&b))
				fail_msg("%zu, %c: %s", i, *k, b.plan.refused);
			assert_int_equal(b.plan.moves.n, 1);
			assert_int_equal(b.plan.moves.v[0].to, MIB);
			bench_free(&b);
		}
	}
}

static void whoever_holds_on_to_a_place_is_named(void **state)
{
	const struct {
		const char *kinds;
		void (*put)(struct bench *b);
		const char *says;
	} disks[] = {
		{ "gm", unknown_code, "the boot code in sector 0 is not known here" },
		{ "gm", lilo, "LILO in sector 0" },
		{ "gm", grub_in_partition_1, "GRUB in sector 0 goes on at sector 2110" },
		{ "gm", grub_where_1_goes, "GRUB in sector 0 goes on at sector 4095" },
		{ "gm", grub_nowhere, "GRUB in sector 0 goes on at" },
		{ "gm", grub_legacy, "GRUB in sector 0 goes on at sector 63" },
		{ "gm", grub_in_its_first_sector, "and GRUB in its first sector" },
		{ "gm", code_in_its_first_sector, "the boot code in its first sector" },
		{ "gm", suspended, "partition 2 holds a suspended system" },
		{ "gm", bitlocker, "BitLocker" },
		{ "gm", overlap, "partition 2 overlaps another one" },
		{ "m", ntfs_that_starts, "partition 2 holds NTFS, and the disk starts" },
		{ "m", ntfs_beside_grub, "partition 2 holds NTFS, and the disk starts" },
		{ "m", extended, "partition 2 is an extended one" },
		{ "m", bsd, "a label of its own (OpenBSD)" },
		{ "m", dos_dynamic, "Windows' dynamic disk" },
		{ "m", past_the_end, "partition 2 does not end within" },
		{ "g", iso, "ISO 9660 begins with the disk's first byte" },
		{ "g", required, "the platform requires it" },
		{ "g", vmfs, "VMFS" },
		{ "g", dynamic_data, "Windows' dynamic disk" },
		{ "g", dynamic_metadata, "Windows' dynamic disk" },
		{ "g", storage_spaces, "Storage Spaces" },
		{ "g", hybrid, "a hybrid one" },
		{ "g", outside, "partition 1 is not within the usable range" },
		{ "g", one_more_than_can_be, "more than 64 partitions" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		for (const char *k = disks[i].kinds; *k; k++) {
			struct bench b;

			bench_init(&b, *k);
			disks[i].put(&b);
			if (bench_ask(&b))
				fail_msg("%c: not declined: %s", *k, disks[i].says);
			if (!b.plan.refused || !strstr(b.plan.refused, disks[i].says))
				fail_msg("%c: \"%s\", not: %s", *k, b.plan.refused,
					 disks[i].says);
			assert_int_equal(b.plan.moves.n, 0);
			assert_int_equal(b.plan.edits.n, 0);
			bench_free(&b);
		}
	}
}

static void a_block_device_does_not_grow(void **state)
{
	(void)state;
	for (const char *k = "gm"; *k; k++) {
		for (int block = 0; block <= 1; block++) {
			struct bench b;
			struct finding f = { 0 };

			bench_init(&b, *k);
			put(&b, 2, SECOND, DISK / 512 - SECOND - 33 - 63);
			put(&b, 1, FIRST, SECOND - FIRST);
			assert_true(bench_ask(&b));
			assert_true(b.plan.size > DISK);
			assert_int_equal(b.plan.size % MIB, 0);
			b.unit.src.st.st_mode = block ? S_IFBLK : S_IFREG;
			f = *b.found.v.v[0];
			b.plan = plan_on(&b.unit.src, &b.arena);
			assert_int_equal(rule_fix(&f, &b.plan), !block);
			if (block)
				assert_non_null(strstr(b.plan.refused, "a block device"));
			bench_free(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_holds_on),
		cmocka_unit_test(whoever_holds_on_to_a_place_is_named),
		cmocka_unit_test(a_block_device_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
