/* libfdisk as a judge: what it says counts when it is new and ours to answer for.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "rewrite/judge_fdisk.h"
#include "rewrite/prove.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

enum { MIB = 1 << 20, DISK = 4 * MIB };

/* A disk before and after a repair that is not looked at closely. */
struct bench {
	struct platter before, after;
	struct unit was, is;
	struct findings left;
	struct plan plan;
	const char *why;
};

static void bench_init(struct bench *b, uint32_t ss)
{
	*b = (struct bench){ 0 };
	platter_init(&b->before, DISK, ss);
	platter_put_gpt(&b->before);
	platter_init(&b->after, DISK, ss);
	platter_put_gpt(&b->after);
}

static void bench_free(struct bench *b)
{
	platter_free(&b->before);
	platter_free(&b->after);
}

static void read_disk(struct platter *d, struct unit *u)
{
	struct err e = { 0 };

	platter_image(d);
	assert_int_equal(gpt_read(&d->img.gpt, &d->img, &d->arena, &e), 0);
	*u = (struct unit){ .image = &d->img };
}

static void bench_read(struct bench *b)
{
	struct fdisk_opinion o;
	struct err e;

	read_disk(&b->before, &b->was);
	read_disk(&b->after, &b->is);
	b->plan = plan_on(&b->before.src, &b->before.arena);
	assert_int_equal(fdisk_ask(&b->after.img, &b->after.arena, &o, &e), 0);
	if (!o.asked)
		skip();
}

static bool agrees(struct bench *b)
{
	struct proof p = { .before = &b->was,
			   .after = &b->is,
			   .plan = &b->plan,
			   .left = &b->left,
			   .arena = &b->after.arena };
	struct err e = { 0 };

	assert_int_equal(judge_fdisk(&p, &b->why, &e), 0);
	return !b->why;
}

static void leave(struct bench *b, struct finding *f)
{
	struct finding **slot = vec_add(&b->left.v, &b->after.arena);

	*slot = f;
}

static void a_healthy_disk_is_agreed_to_at_every_sector_size(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bench b;

		bench_init(&b, sizes[i]);
		bench_read(&b);
		assert_true(agrees(&b));
		bench_free(&b);
	}
}

static void a_copy_that_the_plan_broke_is_a_veto(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	platter_backup(&b.after)[40] ^= 1;
	bench_read(&b);
	assert_false(agrees(&b));
	assert_non_null(strstr(b.why, "backup GPT table is corrupt"));
	bench_free(&b);
}

static void a_protective_mbr_of_the_wrong_size_is_a_veto(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 4096);
	put_le32(b.after.p + 458, 100);
	bench_read(&b);
	assert_false(agrees(&b));
	assert_non_null(strstr(b.why, "PMBR size mismatch"));
	bench_free(&b);
}

static void a_table_that_it_does_not_see_is_a_veto(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	b.after.p[450] = 0x83;
	bench_read(&b);
	assert_false(agrees(&b));
	assert_string_equal(b.why, "libfdisk: sees no GPT");
	bench_free(&b);
}

static void overlapping_partitions_are_a_veto(void **state)
{
	struct bench b;
	uint64_t backup;

	(void)state;
	bench_init(&b, 512);
	backup = platter_sectors(&b.after) - 33;
	platter_put_partition(&b.after, 2, 3, 100, 200, "x");
	platter_put_partition(&b.after, backup, 3, 100, 200, "x");
	platter_seal(&b.after, platter_primary(&b.after));
	platter_seal(&b.after, platter_backup(&b.after));
	bench_read(&b);
	assert_false(agrees(&b));
	assert_non_null(strstr(b.why, "overlaps"));
	bench_free(&b);
}

static void what_a_finding_says_as_well_is_no_veto(void **state)
{
	struct rule rule = { .id = "gpt-backup-corrupt" };
	struct finding f = { .rule = &rule };
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	platter_backup(&b.after)[40] ^= 1;
	bench_read(&b);
	leave(&b, &f);
	assert_true(agrees(&b));
	rule.id = "gpt-align-4k";
	assert_false(agrees(&b));
	bench_free(&b);
}

static void what_it_said_before_of_another_place_is_no_veto(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	platter_primary(&b.before)[40] ^= 1;
	platter_primary(&b.after)[40] ^= 1;
	bench_read(&b);
	assert_true(plan_zero(&b.plan, STAGE_COMMIT, 458, 4));
	assert_true(agrees(&b));
	/* Whoever writes there answers for it. */
	assert_true(plan_zero(&b.plan, STAGE_HEADERS, 512 + 40, 4));
	assert_false(agrees(&b));
	assert_non_null(strstr(b.why, "primary GPT table is corrupt"));
	bench_free(&b);
}

static void other_partitions_than_ours_are_a_veto(void **state)
{
	struct gpt_entry entry[2];
	struct gpt_table table;
	struct gpt gpt;
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	bench_read(&b);
	gpt = *b.after.img.gpt;
	table = *gpt.good;
	memcpy(entry, table.entry, sizeof(entry));
	gpt.good = &table;
	table.entry = entry;
	b.after.img.gpt = &gpt;
	assert_true(agrees(&b));

	entry[1].last.v--;
	assert_false(agrees(&b));
	assert_non_null(strstr(b.why, "partition 2 at LBA"));
	entry[1].last.v++;
	entry[1].guid.b[3]++;
	assert_false(agrees(&b));
	assert_string_equal(b.why, "libfdisk: sees another GUID of partition 2");
	entry[1].guid.b[3]--;
	entry[0].type.b[3]++;
	assert_false(agrees(&b));
	assert_string_equal(b.why, "libfdisk: sees another type of partition 1");
	entry[0].type.b[3]--;
	table.nentries = 1;
	assert_false(agrees(&b));
	assert_string_equal(b.why, "libfdisk: sees a partition 2, which is not there");
	entry[1].number = 3;
	table.nentries = 2;
	assert_false(agrees(&b));
	bench_free(&b);
}

static void what_is_left_in_an_unused_entry_is_no_partition(void **state)
{
	struct bench b;
	uint64_t backup;

	(void)state;
	bench_init(&b, 512);
	backup = platter_sectors(&b.after) - 33;
	put_le64(platter_lba(&b.after, 2) + 2 * 128 + 32, 100);
	put_le64(platter_lba(&b.after, backup) + 2 * 128 + 32, 100);
	platter_seal(&b.after, platter_primary(&b.after));
	platter_seal(&b.after, platter_backup(&b.after));
	bench_read(&b);
	assert_int_equal(b.after.img.gpt->good->nentries, 2);
	assert_true(agrees(&b));
	bench_free(&b);
}

static void a_header_with_a_giant_array_is_hidden_from_it(void **state)
{
	struct fdisk_opinion o;
	struct err e = { 0 };
	struct bench b;
	uint8_t *h;

	(void)state;
	bench_init(&b, 512);
	/* 2^31 entries: 256 GiB, and the header's sum is right. */
	h = platter_primary(&b.after);
	put_le32(h + GPT_OFF_ENTRY_COUNT, 1u << 31);
	put_le32(h + GPT_OFF_HEADER_CRC, 0);
	put_le32(h + GPT_OFF_HEADER_CRC, platter_crc(h, GPT_HEADER_SIZE));
	bench_read(&b);
	assert_int_equal(fdisk_ask(&b.after.img, &b.after.arena, &o, &e), 0);
	assert_int_equal(o.said.n, 1);
	assert_int_equal(o.said.v[0].about, FDISK_PRIMARY);
	bench_free(&b);
}

static void an_image_without_a_gpt_is_not_its_business(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	bench_read(&b);
	b.after.img.gpt = NULL;
	assert_true(agrees(&b));
	b.is.image = NULL;
	assert_true(agrees(&b));
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_disk_is_agreed_to_at_every_sector_size),
		cmocka_unit_test(a_copy_that_the_plan_broke_is_a_veto),
		cmocka_unit_test(a_protective_mbr_of_the_wrong_size_is_a_veto),
		cmocka_unit_test(a_table_that_it_does_not_see_is_a_veto),
		cmocka_unit_test(overlapping_partitions_are_a_veto),
		cmocka_unit_test(what_a_finding_says_as_well_is_no_veto),
		cmocka_unit_test(what_it_said_before_of_another_place_is_no_veto),
		cmocka_unit_test(other_partitions_than_ours_are_a_veto),
		cmocka_unit_test(what_is_left_in_an_unused_entry_is_no_partition),
		cmocka_unit_test(a_header_with_a_giant_array_is_hidden_from_it),
		cmocka_unit_test(an_image_without_a_gpt_is_not_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
