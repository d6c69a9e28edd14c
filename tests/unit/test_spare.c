/* Parts of file systems that say where they stand. analyze/image/spare.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/image.h"
#include "analyze/image/spare.h"
#include "analyze/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { DISK = 40 << 20, START = 1 << 20, LEN = 32 << 20 };

struct bench {
	uint8_t *p;
	struct source src;
	struct image img;
	struct filesystem fs;
	struct volume v;
	struct arena a;
	struct spare spare[SPARES_MAX];
	size_t n;
};

static void begin(struct bench *b, const char *name)
{
	*b = (struct bench){ .p = calloc(1, DISK) };
	assert_non_null(b->p);
	b->fs = (struct filesystem){ .name = name,
				     .size = { .at = { .len = 4 }, .v = LEN } };
	b->src = source_of_bytes("disk.raw", (struct view){ b->p, DISK });
	b->img = (struct image){ .src = &b->src, .size = DISK };
	b->v = (struct volume){
		.image = &b->img, .off = START, .len = LEN, .fs = &b->fs
	};
	arena_init(&b->a, ARENA_BUDGET);
}

static void end(struct bench *b)
{
	arena_free(&b->a);
	free(b->p);
}

/* Blocks of 1 KiB, 1024 in a group; group 2 has no spare. */
static void ext_super(uint8_t *p, unsigned group)
{
	memset(p, 0, 1024);
	put_le32(p + 20, 1);
	put_le32(p + 32, 1024);
	put_le16(p + 56, 0xef53);
	put_le16(p + 90, (uint16_t)group);
	put_le32(p + 100, 1);
	memset(p + 104, 'u', 16);
}

static void ext_has_spares_in_some_groups(void **state)
{
	static const uint64_t groups[] = { 1, 3, 5, 7, 9, 25, 27 };
	struct bench b;

	(void)state;
	begin(&b, "ext");
	ext_super(b.p + START + 1024, 0);
	b.n = spares_of(&b.v, b.spare, &b.a);
	assert_int_equal(b.n, 7);
	for (size_t i = 0; i < b.n; i++) {
		uint64_t off = START + ((groups[i] * 1024 + 1) << 10);

		assert_int_equal(b.spare[i].off, off);
		assert_false(spare_stands(&b.spare[i], &b.img, &b.a));
		ext_super(b.p + off, (unsigned)groups[i]);
		assert_true(spare_stands(&b.spare[i], &b.img, &b.a));
	}
	end(&b);
}

static void a_spare_of_another_group_or_file_system_is_none(void **state)
{
	struct bench b;
	uint8_t *p;

	(void)state;
	begin(&b, "ext");
	ext_super(b.p + START + 1024, 0);
	assert_int_equal(spares_of(&b.v, b.spare, &b.a), 7);
	p = b.p + b.spare[0].off;
	ext_super(p, 3);
	assert_false(spare_stands(&b.spare[0], &b.img, &b.a));
	ext_super(p, 1);
	p[104] = 'x';
	assert_false(spare_stands(&b.spare[0], &b.img, &b.a));
	end(&b);
}

static void xfs_group(uint8_t *p, uint8_t number)
{
	static const uint8_t head[] = { 'X', 'F', 'S', 'B', 0, 0, 16, 0 };

	memcpy(p, head, sizeof(head));
	memset(p + 32, 'u', 16);
	p[86] = 8; /* 2048 blocks of 4 KiB */
	p[91] = 4;
	p[102] = 2;
	memcpy(p + 512, "XAGF", 4);
	p[512 + 11] = number;
}

static void each_allocation_group_of_xfs_knows_its_number(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "XFS");
	xfs_group(b.p + START, 0);
	b.n = spares_of(&b.v, b.spare, &b.a);
	assert_int_equal(b.n, 3);
	assert_int_equal(b.spare[1].off, START + (16 << 20));
	xfs_group(b.p + b.spare[1].off, 1);
	assert_false(spare_stands(&b.spare[1], &b.img, &b.a));
	xfs_group(b.p + b.spare[1].off, 2);
	assert_true(spare_stands(&b.spare[1], &b.img, &b.a));
	end(&b);
}

static void ntfs_ends_with_its_first_sector(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "NTFS");
	memset(b.p + START, 'n', 512);
	assert_int_equal(spares_of(&b.v, b.spare, &b.a), 1);
	assert_int_equal(b.spare[0].off, START + LEN - 512);
	assert_false(spare_stands(&b.spare[0], &b.img, &b.a));
	memset(b.p + START + LEN - 512, 'n', 512);
	assert_true(spare_stands(&b.spare[0], &b.img, &b.a));
	end(&b);
}

static void numbers_that_cannot_be_give_no_spares(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "ext");
	ext_super(b.p + START + 1024, 0);
	put_le32(b.p + START + 1024 + 32, 0);
	assert_int_equal(spares_of(&b.v, b.spare, &b.a), 0);
	put_le32(b.p + START + 1024 + 32, 1024);
	put_le32(b.p + START + 1024 + 24, 77);
	assert_int_equal(spares_of(&b.v, b.spare, &b.a), 0);
	end(&b);
	begin(&b, "XFS");
	memset(b.p + START, 0xff, 4096);
	assert_int_equal(spares_of(&b.v, b.spare, &b.a), 0);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ext_has_spares_in_some_groups),
		cmocka_unit_test(a_spare_of_another_group_or_file_system_is_none),
		cmocka_unit_test(each_allocation_group_of_xfs_knows_its_number),
		cmocka_unit_test(ntfs_ends_with_its_first_sector),
		cmocka_unit_test(numbers_that_cannot_be_give_no_spares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
