/* The line that says how far a move is: what it has room for, and that it never takes more.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/progress.h"

#include "base/banned.h"

static const struct progress_now half = { .name = "/var/lib/disk.raw",
					  .way = MOVE_FORTH,
					  .done = 3ull << 29,
					  .total = 3ull << 30,
					  .rate = 300 << 20 };

static void is_line(const struct progress_now *p, unsigned columns, const char *expected)
{
	struct buf out = { 0 };

	progress_line(&out, p, columns);
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void a_wide_terminal_has_it_all(void **state)
{
	(void)state;
	is_line(&half, 119,
		"disk.raw: moving [####################....................]  50 %, "
		"1.5 GiB of 3 GiB, 300 MiB/s, 5 s left");
	is_line(&half, 90,
		"disk.raw: moving [#######........]  50 %, 1.5 GiB of 3 GiB, 300 MiB/s, "
		"5 s left");
}

static void what_matters_least_goes_first(void **state)
{
	(void)state;
	is_line(&half, 79,
		"disk.raw: moving  50 %, 1.5 GiB of 3 GiB, 300 MiB/s, 5 s left");
	is_line(&half, 60, "moving  50 %, 1.5 GiB of 3 GiB, 300 MiB/s, 5 s left");
	is_line(&half, 40, "moving  50 %, 300 MiB/s, 5 s left");
	is_line(&half, 30, "moving  50 %, 5 s left");
	is_line(&half, 20, " 50 %, 5 s left");
	is_line(&half, 10, " 50 %");
}

static size_t columns_of(const char *s)
{
	size_t n = 0;

	/* Characters of the name below: three bytes, two columns. */
	for (; *s; s++)
		n += (*s & 0xc0) == 0x80 ? 0 : (*s & 0x80) ? 2 : 1;
	return n;
}

static void it_fits_into_any_terminal(void **state)
{
	struct progress_now p = half;

	(void)state;
	p.name = "\xe7\xa3\x81\xe7\x9b\xa4.raw";
	for (unsigned rate = 0; rate < 2; rate++) {
		for (unsigned columns = 5; columns < 300; columns++) {
			struct buf out = { 0 };

			p.rate = rate ? 12345 : 0;
			progress_line(&out, &p, columns);
			if (columns >= 18)
				assert_true(columns_of(out.p) <= columns);
			buf_free(&out);
		}
	}
}

static void the_time_left_has_units(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *words;
	} cases[] = {
		{ 0, ", 0 s left" },           { 59, ", 59 s left" },
		{ 60, ", 1 min 00 s left" },   { 3599, ", 59 min 59 s left" },
		{ 3600, ", 1 h 00 min left" }, { 359999, ", 99 h 59 min left" },
		{ 360000, ", 100 h left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct progress_now p = half;
		struct buf out = { 0 };

		p.rate = 1 << 10;
		p.done = 0;
		p.total = cases[i].seconds << 10;
		progress_line(&out, &p, 200);
		assert_true(str_ends(str_of(out.p), cases[i].words));
		buf_free(&out);
	}
}

static void the_way_back_is_named_and_a_hostile_name_is_escaped(void **state)
{
	struct progress_now p = half;

	(void)state;
	p.way = MOVE_BACK;
	p.rate = 0;
	p.name = "\033[2Jx";
	is_line(&p, 60, "\\x1b[2Jx: moving back  50 %, 1.5 GiB of 3 GiB");
}

static void numbers_at_the_edge_do_not_overflow(void **state)
{
	struct progress_now p = { .name = "x", .done = UINT64_MAX, .total = UINT64_MAX };

	(void)state;
	is_line(&p, 40, "x: moving 100 %, 16 EiB of 16 EiB");
	p.done = p.total = 0;
	is_line(&p, 40, "x: moving 100 %, 0 bytes of 0 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wide_terminal_has_it_all),
		cmocka_unit_test(what_matters_least_goes_first),
		cmocka_unit_test(it_fits_into_any_terminal),
		cmocka_unit_test(the_time_left_has_units),
		cmocka_unit_test(the_way_back_is_named_and_a_hostile_name_is_escaped),
		cmocka_unit_test(numbers_at_the_edge_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
