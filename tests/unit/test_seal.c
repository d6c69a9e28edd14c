/* Checksums follow from what a plan changes, and bless nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "rewrite/seal.h"
#include "rules/rule.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

/* A disk, its facts, and a plan on it. */
struct bench {
	struct platter d;
	struct unit unit;
	const struct gpt *gpt;
	struct plan plan;
	struct source over;
	struct patch patch;
};

static void read_gpt(struct bench *b)
{
	struct err e = { 0 };

	assert_int_equal(gpt_read(&b->gpt, &b->d.img, &b->d.arena, &e), 0);
	b->d.img.gpt = b->gpt;
}

static void bench_read(struct bench *b)
{
	platter_image(&b->d);
	read_gpt(b);
	b->unit = (struct unit){ .image = &b->d.img };
	b->plan = plan_on(&b->d.src, &b->d.arena);
}

static void bench_init(struct bench *b, uint32_t ss)
{
	platter_init(&b->d, MIB, ss);
	platter_put_gpt(&b->d);
	bench_read(b);
}

/* The disk as it would be. */
static void bench_apply(struct bench *b)
{
	b->patch = plan_patch(&b->plan, &b->d.arena);
	b->over = source_overlay(&b->d.src, &b->patch);
	b->d.img.src = &b->over;
	read_gpt(b);
}

static void bench_free(struct bench *b)
{
	platter_free(&b->d);
}

static void an_edit_of_an_entry_renews_both_sums(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bench b;

		bench_init(&b, sizes[i]);
		assert_true(plan_le64(&b.plan, STAGE_TABLES,
				      b.gpt->primary.entry[1].last.at, 99));
		assert_true(seal(&b.plan, &b.unit));
		assert_int_equal(b.plan.edits.n, 3);
		bench_apply(&b);
		assert_true(gpt_table_ok(&b.gpt->primary));
		assert_int_equal(b.gpt->primary.entry[1].last.v, 99);
		bench_free(&b);
	}
}

static void an_edit_of_a_header_renews_its_own_sum(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	assert_true(plan_le64(&b.plan, STAGE_HEADERS, b.gpt->backup.last_usable.at, 99));
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 2);
	bench_apply(&b);
	assert_true(gpt_table_ok(&b.gpt->backup));
	assert_int_equal(b.gpt->backup.last_usable.v, 99);
	bench_free(&b);
}

static void a_plan_elsewhere_needs_no_seal(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	assert_true(plan_zero(&b.plan, STAGE_COMMIT, 0, 446));
	assert_true(plan_zero(&b.plan, STAGE_TABLES, 604, 10)); /* behind the header */
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 2);
	bench_free(&b);
}

static void sums_are_written_with_the_headers_and_for_the_same_reason(void **state)
{
	struct finding f = { 0 };
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	b.plan.because = &f;
	assert_true(
		plan_le64(&b.plan, STAGE_TABLES, b.gpt->primary.entry[0].first.at, 77));
	b.plan.because = NULL;
	assert_true(seal(&b.plan, &b.unit));
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(b.plan.edits.v[i].stage, STAGE_HEADERS);
		assert_ptr_equal(b.plan.edits.v[i].because, &f);
	}
	assert_null(b.plan.because);
	bench_free(&b);
}

static void sums_are_not_written_before_what_they_sum_up(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	assert_true(plan_le64(&b.plan, STAGE_HEADERS, b.gpt->backup.last_usable.at, 99));
	assert_true(plan_le64(&b.plan, STAGE_COMMIT, b.gpt->primary.last_usable.at, 99));
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 4);
	for (size_t i = 2; i < 4; i++) {
		bool backup = b.plan.edits.v[i].at.off > b.gpt->primary.at.off + 512;

		assert_int_equal(b.plan.edits.v[i].stage,
				 backup ? STAGE_HEADERS : STAGE_COMMIT);
	}
	bench_free(&b);
}

static void damage_is_not_blessed(void **state)
{
	struct bench b;

	(void)state;
	platter_init(&b.d, MIB, 512);
	platter_put_gpt(&b.d);
	platter_primary(&b.d)[40] ^= 1;    /* header CRC of the primary */
	platter_lba(&b.d, 2015)[200] ^= 1; /* entries CRC of the backup */
	bench_read(&b);
	assert_true(b.gpt->backup.header_ok);
	assert_true(plan_le64(&b.plan, STAGE_HEADERS, b.gpt->primary.last_usable.at, 99));
	assert_true(plan_le64(&b.plan, STAGE_HEADERS, b.gpt->backup.last_usable.at, 99));
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 2);
	bench_free(&b);
}

static void a_header_written_whole_brings_its_own_sums(void **state)
{
	struct bench b;
	uint8_t sector[512];

	(void)state;
	bench_init(&b, 512);
	memcpy(sector, platter_primary(&b.d), sizeof(sector));
	put_le64(sector + GPT_OFF_LAST_USABLE, 99);
	assert_true(plan_bytes(&b.plan, STAGE_HEADERS, 512,
			       (struct view){ sector, sizeof(sector) }));
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 1);
	bench_free(&b);
}

static void an_array_that_would_move_is_refused(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	assert_true(plan_le64(&b.plan, STAGE_HEADERS, b.gpt->primary.entries_lba.at, 40));
	assert_false(seal(&b.plan, &b.unit));
	bench_free(&b);
}

static void a_sum_that_a_fix_wrote_itself_collides(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	assert_true(plan_le32(&b.plan, STAGE_HEADERS, b.gpt->primary.header_crc.at, 1));
	assert_false(seal(&b.plan, &b.unit));
	bench_free(&b);
}

static void a_disk_without_a_gpt_has_nothing_to_seal(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	b.d.img.gpt = NULL;
	assert_true(plan_zero(&b.plan, STAGE_TABLES, 512, 20));
	assert_true(seal(&b.plan, &b.unit));
	b.unit.image = NULL;
	assert_true(seal(&b.plan, &b.unit));
	assert_int_equal(b.plan.edits.n, 1);
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_of_an_entry_renews_both_sums),
		cmocka_unit_test(an_edit_of_a_header_renews_its_own_sum),
		cmocka_unit_test(a_plan_elsewhere_needs_no_seal),
		cmocka_unit_test(
			sums_are_written_with_the_headers_and_for_the_same_reason),
		cmocka_unit_test(sums_are_not_written_before_what_they_sum_up),
		cmocka_unit_test(damage_is_not_blessed),
		cmocka_unit_test(a_header_written_whole_brings_its_own_sums),
		cmocka_unit_test(an_array_that_would_move_is_refused),
		cmocka_unit_test(a_sum_that_a_fix_wrote_itself_collides),
		cmocka_unit_test(a_disk_without_a_gpt_has_nothing_to_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
