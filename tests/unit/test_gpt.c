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
		assert_ptr_equal(g->good, &g->primary);
		assert_true(g->backup_at_end);
		assert_int_equal(g->backup.lba, last);
		assert_int_equal(g->primary.alternate_lba.v, last);
		assert_int_equal(g->primary.nentries, 2);
		assert_true(str_is(g->primary.entry[1].name, "root"));
		assert_null(g->other);
		assert_null(g->stray);
		assert_null(g->pieced);
		platter_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_copies_are_described_at_every_sector_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
