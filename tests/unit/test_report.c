/* What people and programs get to read: excerpts with carets, the last line, JSON of any
 * bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/excerpt.h"
#include "cli/jsonw.h"
#include "cli/report.h"

#include "base/banned.h"

/* ---- text ---- */

/* The excerpt of a text with the span of the first "[...]" in it, brackets taken out. */
static void shows(const char *marked, const char *label, unsigned width,
		  const char *expected)
{
	const char *open = strchr(marked, '['), *close = strchr(marked, ']');
	struct term t = { .width = width };
	struct buf text = { 0 }, out = { 0 };
	struct marker m = { .paint = PAINT_ERROR, .label = label };
	struct lines l;
	struct arena a;

	arena_init(&a, 0);
	buf_add_bytes(&text, marked, (size_t)(open - marked));
	buf_add_bytes(&text, open + 1, (size_t)(close - open - 1));
	buf_add(&text, str_of(close + 1));
	m.at.off = (uint64_t)(open - marked);
	m.at.len = (uint64_t)(close - open - 1);
	l = lines_of((struct view){ (const uint8_t *)text.p, text.n }, &a);
	excerpt_text(&out, &t, &l, &m);
	assert_string_equal(out.p, expected);
	buf_free(&out);
	buf_free(&text);
	arena_free(&a);
}

static void carets_stand_under_the_span(void **state)
{
	(void)state;
	shows("<a>\n <b [x='1']/>\n", "why", 80,
	      "  |\n1 | <a>\n2 |  <b x='1'/>\n  |     ^^^^^ why\n");
	shows("[a]", NULL, 80, "  |\n1 | a\n  | ^\n");
}

static void a_blank_line_before_is_not_shown(void **state)
{
	(void)state;
	shows("x\n \n[y]", NULL, 80, "  |\n3 | y\n  | ^\n");
}

static void an_empty_span_has_one_caret(void **state)
{
	(void)state;
	shows("ab[]c", NULL, 80, "  |\n1 | abc\n  |   ^\n");
	shows("ab[]", NULL, 80, "  |\n1 | ab\n  |   ^\n");
	shows("[]", NULL, 80, "  |\n1 |\n  | ^\n");
}

static void tabs_are_blanks_up_to_the_next_stop(void **state)
{
	(void)state;
	shows("\ta\t[b]", NULL, 80,
	      "  |\n1 |         a       b\n  |                 ^\n");
}

static void wide_and_combining_characters_are_counted(void **state)
{
	(void)state;
	/* Two columns for the first, none for the accent of the second. */
	shows("\xe4\xb8\x80"
	      "e\xcc\x81[x]",
	      NULL, 80,
	      "  |\n1 | \xe4\xb8\x80"
	      "e\xcc\x81x\n  |    ^\n");
}

static void what_could_harm_a_terminal_is_spelled_out(void **state)
{
	(void)state;
	shows("\033[x]\xff\xe2\x80\xae", NULL, 80,
	      "  |\n1 | \\x1bx\\xff\\u202e\n  |     ^\n");
}

static void a_span_of_lines_is_marked_on_its_first(void **state)
{
	(void)state;
	shows("<a [b\nc\nd]/>", "l", 80, "  |\n1 | <a b\n  |    ^ l\n");
}

static void carriage_returns_are_not_shown(void **state)
{
	(void)state;
	shows("a\r\n[b\r]\nc", NULL, 80, "  |\n1 | a\n2 | b\n  | ^\n");
}

static void a_long_line_is_cut_around_the_span(void **state)
{
	struct buf text = { 0 }, out = { 0 };
	struct term t = { .width = 40 };
	struct marker m = { .at = { .off = 5000, .len = 3 }, .paint = PAINT_NOTE };
	const char *line, *caret;
	struct lines l;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	buf_fill(&text, '.', 5000);
	buf_add(&text, STR("abc"));
	buf_fill(&text, '.', 5000);
	l = lines_of((struct view){ (const uint8_t *)text.p, text.n }, &a);
	excerpt_text(&out, &t, &l, &m);
	line = strchr(out.p, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_true(strcspn(line, "\n") <= 50);
	assert_int_equal(strstr(line, "abc") - line, strchr(caret, '^') - caret);
	assert_int_equal(strspn(strchr(caret, '^'), "^"), 3);
	buf_free(&out);
	buf_free(&text);
	arena_free(&a);
}

/* ---- images ---- */

static void dumps(uint64_t off, uint64_t len, const struct place *place,
		  const char *expected)
{
	static const uint8_t disk[40] = { 0x00,
					  0x01, [16] = 0x10, [31] = 0x1f, [39] = 0x27 };
	struct source src = source_of_bytes("d", (struct view){ disk, sizeof(disk) });
	struct marker m = { .at = { &src, off, len },
			    .paint = PAINT_ERROR,
			    .label = "l" };
	struct term t = term_plain();
	struct buf out = { 0 };

	buf_add(&out, STR(""));
	excerpt_image(&out, &t, place, &m);
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void the_rows_of_the_span_are_shown(void **state)
{
	(void)state;
	dumps(1, 2, NULL,
	      "    |\n"
	      "0x0 | 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	      "    |    ^^^^^   l\n");
	dumps(31, 9, NULL,
	      "     |\n"
	      "0x10 | 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 1f\n"
	      "     |                                              ^^\n"
	      "0x20 | 00 00 00 00 00 00 00 27\n"
	      "     | ^^^^^^^^^^^^^^^^^^^^^^^   l\n");
}

static void rows_begin_with_the_record(void **state)
{
	struct place place = { .record = { .off = 14, .len = 6 }, .summary = "entry 0" };

	(void)state;
	dumps(16, 1, &place,
	      "    |\n"
	      "0xe | 00 00 10 00 00 00   entry 0\n"
	      "    |       ^^   l\n");
}

static void a_span_past_the_end_is_not_shown(void **state)
{
	(void)state;
	dumps(40, 4, NULL, "");
	dumps(1000, 1, NULL, "");
	dumps(UINT64_MAX - 4, 4, NULL, "");
	dumps(0, 0, NULL, "");
}

static void a_long_span_is_cut(void **state)
{
	uint8_t disk[200] = { 0 };
	struct source src = source_of_bytes("d", (struct view){ disk, sizeof(disk) });
	struct marker m = { .at = { &src, 0, 200 }, .paint = PAINT_ERROR };
	struct term t = term_plain();
	struct buf out = { 0 };

	(void)state;
	excerpt_image(&out, &t, NULL, &m);
	assert_non_null(strstr(out.p, "^ and 136 bytes more\n"));
	assert_null(strstr(out.p, "0x40 |"));
	buf_free(&out);
}

/* ---- the last line ---- */

static void sums_up(const struct summary *s, const char *expected)
{
	struct term t = term_plain();
	struct buf out = { 0 };

	text_summary(&out, &t, s);
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void the_last_line_counts(void **state)
{
	(void)state;
	sums_up(&(struct summary){ .checked = 1, .seconds = 0.0024 },
		"1 input checked, 0 skipped: no findings (2 ms)\n");
	sums_up(&(struct summary){ .unknown = 2 },
		"0 inputs checked, 0 skipped, 2 not a VM image or config: nothing was checked "
		"(0 ms)\n");
	sums_up(&(struct summary){ .checked = 2,
				   .skipped = 1,
				   .seconds = 12.34,
				   .tally = { .n = { 0, 2, 1 }, .hidden = 1 } },
		"2 inputs checked, 1 skipped: 1 error, 2 warnings, 1 below --min-severity "
		"(12.3 s)\n");
}

static void the_last_line_tells_what_fix_would_do(void **state)
{
	struct summary s = { .checked = 1, .tally = { .n = { 0, 1, 0 } } };

	(void)state;
	s.tally.fixable[FIX_SAFE] = 1;
	sums_up(&s,
		"1 input checked, 0 skipped: 1 warning, fixable with `vmend fix` (0 ms)\n");
	s.tally.n[SEV_ERROR] = 1;
	s.tally.fixable[FIX_SAFE] = 2;
	sums_up(&s, "1 input checked, 0 skipped: 1 error, 1 warning, both fixable with "
		    "`vmend fix` (0 ms)\n");
	s.tally.fixable[FIX_SAFE] = 1;
	s.tally.fixable[FIX_LOSSY] = 1;
	sums_up(&s, "1 input checked, 0 skipped: 1 error, 1 warning, 1 fixable with "
		    "`vmend fix`, 1 more with --lossy-fixes (0 ms)\n");
	s.tally.fixable[FIX_SAFE] = 0;
	s.tally.fixable[FIX_LOSSY] = 0;
	s.tally.fixable[FIX_UNSAFE] = 2;
	sums_up(&s, "1 input checked, 0 skipped: 1 error, 1 warning, both fixable with "
		    "`vmend fix --unsafe-fixes` (0 ms)\n");
}

static void the_last_line_of_a_repair_tells_what_remains(void **state)
{
	struct summary s = { .checked = 1, .is_fix = true, .tally = { .fixed = 3 } };

	(void)state;
	sums_up(&s, "1 input checked, 0 skipped: 3 fixed, nothing remains (0 ms)\n");
	s.tally.n[SEV_NOTE] = 1;
	sums_up(&s, "1 input checked, 0 skipped: 3 fixed, 1 note remains (0 ms)\n");
	s.is_diff = true;
	s.left = 1;
	sums_up(&s,
		"1 input checked, 0 skipped: 3 would be fixed, 1 note would remain, 1 image "
		"left alone: name it to mend it (0 ms)\n");
}

/* ---- JSON ---- */

static void json_is(const char *bytes, size_t n, const char *expected)
{
	struct buf out = { 0 };
	struct jsonw j = { .out = &out };

	jsonw_str(&j, NULL, (struct str){ bytes, n });
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void strings_of_any_bytes_are_valid(void **state)
{
	(void)state;
	json_is("a\"\\\n\t\x01\x7f/", 8, "\"a\\\"\\\\\\n\\t\\u0001\\u007f/\"");
	json_is("\0", 1, "\"\\u0000\"");
	json_is("\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	json_is("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	json_is("\xe2\x80\xa8\xf0\x9f\x98\x80", 7, "\"\\u2028\xf0\x9f\x98\x80\"");
}

static void commas_stand_between_values_only(void **state)
{
	struct buf out = { 0 };
	struct jsonw j = { .out = &out };

	(void)state;
	jsonw_object(&j, NULL);
	jsonw_array(&j, "a");
	jsonw_array_end(&j);
	jsonw_array(&j, "b");
	jsonw_u64(&j, NULL, UINT64_MAX);
	jsonw_object(&j, NULL);
	jsonw_object_end(&j);
	jsonw_bool(&j, NULL, true);
	jsonw_array_end(&j);
	jsonw_cstr(&j, "c", NULL);
	jsonw_raw(&j, (struct str){ 0 });
	jsonw_seconds(&j, "d", 1.5);
	jsonw_object_end(&j);
	assert_string_equal(out.p,
			    "{\"a\":[],\"b\":[18446744073709551615,{},true],\"c\":null,"
			    "\"d\":1.500}");
	buf_free(&out);
}

static void base64_is_that_of_the_rfc(void **state)
{
	static const char *const encoded[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
					       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	(void)state;
	for (size_t n = 0; n <= 6; n++) {
		struct buf out = { 0 };
		struct jsonw j = { .out = &out };

		jsonw_base64(&j, NULL, (struct view){ (const uint8_t *)"foobar", n });
		assert_int_equal(out.n, strlen(encoded[n]) + 2);
		assert_memory_equal(out.p + 1, encoded[n], strlen(encoded[n]));
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carets_stand_under_the_span),
		cmocka_unit_test(a_blank_line_before_is_not_shown),
		cmocka_unit_test(an_empty_span_has_one_caret),
		cmocka_unit_test(tabs_are_blanks_up_to_the_next_stop),
		cmocka_unit_test(wide_and_combining_characters_are_counted),
		cmocka_unit_test(what_could_harm_a_terminal_is_spelled_out),
		cmocka_unit_test(a_span_of_lines_is_marked_on_its_first),
		cmocka_unit_test(carriage_returns_are_not_shown),
		cmocka_unit_test(a_long_line_is_cut_around_the_span),
		cmocka_unit_test(the_rows_of_the_span_are_shown),
		cmocka_unit_test(rows_begin_with_the_record),
		cmocka_unit_test(a_span_past_the_end_is_not_shown),
		cmocka_unit_test(a_long_span_is_cut),
		cmocka_unit_test(the_last_line_counts),
		cmocka_unit_test(the_last_line_tells_what_fix_would_do),
		cmocka_unit_test(the_last_line_of_a_repair_tells_what_remains),
		cmocka_unit_test(strings_of_any_bytes_are_valid),
		cmocka_unit_test(commas_stand_between_values_only),
		cmocka_unit_test(base64_is_that_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
