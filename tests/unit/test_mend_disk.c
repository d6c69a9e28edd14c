/* What a repair of a disk is proven with: a GPT's copies, its partitions' bytes, libfdisk. The
 * rules are those of tests/lib/laws.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/laws.h"

#include "rewrite/judge_fdisk.h"
#include "tests/lib/platter.h"

#include "base/banned.h"

/* A real GPT disk, which real readers read. Its partitions are LBA 34 to 1040 and on; a
 * finding is the letter X at byte 40, where boot code would be. */
static void disk_init(struct platter *d)
{
	platter_init(d, 1 << 20, 512);
	platter_put_gpt(d);
	d->p[40] = 'X';
}

static void disk_plan(struct bench *b, struct platter *d, const struct law *l,
		      enum fix_class level)
{
	laws = l;
	*b = (struct bench){ .policy = { .level = level } };
	arena_init(&b->arena, ARENA_BUDGET);
	platter_image(d);
	b->src = d->src;
	unit_read(&b->unit, &b->src, format_find("raw"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	bench_plan(b);
}

static void disk_mend(struct bench *b, struct platter *d, const struct law *l,
		      enum fix_class level)
{
	disk_init(d);
	disk_plan(b, d, l, level);
}

static void disk_free(struct bench *b, struct platter *d)
{
	bench_free(b);
	platter_free(d);
}

static void a_fix_of_a_disk_is_proven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 40, 'X', 40, "Y", 0 },
				 END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_int_equal(b.mend.plan.edits.n, 1);
	disk_free(&b, &d);
}

static void only_a_lossy_fix_may_write_into_a_partition(void **state)
{
	enum { INSIDE = 40 * 512 };
	struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_UNSAFE), INSIDE, 0, INSIDE, "Y", 0 }, END
	};
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_LOSSY);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason, "it would write into partition 1");
	disk_free(&b, &d);

	l[0].rule.fix_class = FIX_LOSSY;
	disk_mend(&b, &d, l, FIX_LOSSY);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	disk_free(&b, &d);
}

/* Alone, a fix leaves the copies in disagreement. Together, they agree, and their sums are
 * right, since plans are sealed. */
static void a_fix_that_moves_a_partition_is_unproven(void **state)
{
	enum { FIRST = GPT_ENT_FIRST, BACKUP = (1 << 20) - 33 * 512 };
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_UNSAFE), 1024 + FIRST, 34,
				   1024 + FIRST, "$", 0 },
				 { RULE("b", SEV_ERROR, FIX_UNSAFE), BACKUP + FIRST, 34,
				   BACKUP + FIRST, "$", 0 },
				 END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_UNSAFE);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	disk_free(&b, &d);
}

static void a_guid_may_change_by_an_unsafe_fix_only(void **state)
{
	enum { GUID = GPT_ENT_GUID, BACKUP = (1 << 20) - 33 * 512 };
	struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 1024 + GUID, 'p',
			     1024 + GUID, "q", 0 },
			   { RULE("b", SEV_ERROR, FIX_SAFE), BACKUP + GUID, 'p',
			     BACKUP + GUID, "q", 0 },
			   END };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_untouched(&b);
	disk_free(&b, &d);

	l[0].rule.fix_class = l[1].rule.fix_class = FIX_UNSAFE;
	disk_mend(&b, &d, l, FIX_UNSAFE);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	/* Both GUIDs, and both sums of both headers. */
	assert_int_equal(b.mend.plan.edits.n, 6);
	disk_free(&b, &d);
}

static void the_last_right_copy_must_stay_right(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 512, 'E', 512, ".", 0 }, END
	};
	struct platter d;
	struct bench b;

	(void)state;
	disk_init(&d);
	platter_backup(&d)[0] = '.';
	disk_plan(&b, &d, l, FIX_UNSAFE);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason,
			    "no copy of the table would be right any more");
	disk_free(&b, &d);
}

static void what_libfdisk_objects_to_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 40, 'X', 40, "Y", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 446 + 4, (char)0xee,
				   446 + 4, "\x83", 0 },
				 END };
	struct fdisk_opinion o;
	struct err e = { 0 };
	struct platter d;
	struct bench b;

	(void)state;
	disk_mend(&b, &d, l, FIX_SAFE);
	assert_int_equal(fdisk_ask(b.unit.image, &b.arena, &o, &e), 0);
	if (!o.asked)
		skip();
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	assert_string_equal(item(&b, "b")->reason, "libfdisk: sees no GPT");
	disk_free(&b, &d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fix_of_a_disk_is_proven),
		cmocka_unit_test(only_a_lossy_fix_may_write_into_a_partition),
		cmocka_unit_test(a_fix_that_moves_a_partition_is_unproven),
		cmocka_unit_test(a_guid_may_change_by_an_unsafe_fix_only),
		cmocka_unit_test(the_last_right_copy_must_stay_right),
		cmocka_unit_test(what_libfdisk_objects_to_is_unproven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
