/* Unified diffs: they must be what patch(1) and git apply take, and as short as can be.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/diff.h"
#include "cli/lines.h"

#include <unistd.h>

#include "base/banned.h"

static struct view text_of(const char *s)
{
	return str_bytes(str_of(s));
}

static void differs(const char *path, const char *old, const char *new,
		    const char *expected)
{
	struct term t = term_plain();
	struct buf out = { 0 };

	buf_add(&out, STR(""));
	diff_text(&out, &t, path, text_of(old), text_of(new));
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void equal_texts_have_no_diff(void **state)
{
	(void)state;
	differs("x", "a\nb\n", "a\nb\n", "");
	differs("x", "", "", "");
}

static void one_line_is_one_hunk(void **state)
{
	(void)state;
	differs("x", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
		"--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n");
}

static void an_insertion_names_no_old_line(void **state)
{
	(void)state;
	differs("x", "", "a\n", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
	differs("x", "a\n", "", "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-a\n");
	differs("x", "a\nc\n", "a\nb\nc\n",
		"--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n+b\n c\n");
}

static void near_changes_share_a_hunk_and_far_ones_do_not(void **state)
{
	(void)state;
	differs("x", "1\n2\n3\n4\n5\n6\n7\n8\n", "A\n2\n3\n4\n5\n6\n7\nB\n",
		"--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n-1\n+A\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+B\n");
	differs("x", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "A\n2\n3\n4\n5\n6\n7\n8\nB\n",
		"--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n-1\n+A\n 2\n 3\n 4\n"
		"@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+B\n");
}

static void a_missing_last_newline_is_said(void **state)
{
	(void)state;
	differs("x", "a", "b",
		"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
		"\\ No newline at end of file\n");
	differs("x", "a", "a\n",
		"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
}

static void carriage_returns_are_kept(void **state)
{
	(void)state;
	differs("x", "a\r\nb\r\n", "a\r\nc\r\n",
		"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n");
}

static void names_are_those_of_git(void **state)
{
	(void)state;
	differs("./d/x", "", "a\n", "--- a/d/x\n+++ b/d/x\n@@ -0,0 +1 @@\n+a\n");
	differs("/d/x", "", "a\n", "--- /d/x\n+++ /d/x\n@@ -0,0 +1 @@\n+a\n");
	differs("q\"\n", "", "a\n",
		"--- \"a/q\\\"\\012\"\n+++ \"b/q\\\"\\012\"\n@@ -0,0 +1 @@\n+a\n");
}

/* A generator with a fixed start: the same texts in every run. */
static unsigned next_number(unsigned *state, unsigned below)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) % below;
}

static struct view random_text(unsigned *seed, struct arena *a)
{
	size_t n = next_number(seed, 40);
	uint8_t *p = arena_array(a, 2 * n + 1, uint8_t);

	for (size_t i = 0; i < n; i++) {
		p[2 * i] = (uint8_t)('a' + next_number(seed, 4));
		p[2 * i + 1] = '\n';
	}
	return (struct view){ p, 2 * n };
}

/* Does what patch does, strictly: every context and removed line must be there. */
static void apply(struct str diff, struct view old, struct buf *out)
{
	size_t at = 0;
	bool in_hunk = false;

	while (diff.n) {
		size_t n =
			(size_t)((const char *)memchr(diff.p, '\n', diff.n) - diff.p) + 1;
		const char *line = diff.p;

		diff = (struct str){ diff.p + n, diff.n - n };
		if (line[0] == '@') {
			size_t from = (size_t)strtoul(line + 4, NULL, 10);
			bool empty =
				strncmp(line + 4 + strcspn(line + 4, ", "), ",0", 2) == 0;

			/* Lines are of two bytes; of an empty range, the line before it. */
			from = 2 * (empty ? from : from - 1);
			assert_true(from >= at);
			buf_add_bytes(out, old.p + at, from - at);
			at = from;
			in_hunk = true;
		} else if (in_hunk && line[0] == '+') {
			buf_add_bytes(out, line + 1, n - 1);
		} else if (in_hunk) {
			assert_true(view_eq(old, at, line + 1, n - 1));
			if (line[0] == ' ')
				buf_add_bytes(out, line + 1, n - 1);
			at += n - 1;
		}
	}
	buf_add_bytes(out, old.p + at, old.n - at);
}

static void any_diff_turns_old_into_new(void **state)
{
	struct term t = term_plain();
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct buf out = { 0 }, applied = { 0 };
		struct view old, new;
		struct arena a;

		arena_init(&a, 0);
		old = random_text(&seed, &a);
		new = random_text(&seed, &a);
		diff_text(&out, &t, "x", old, new);
		buf_add(&applied, STR(""));
		apply((struct str){ out.p, out.n }, old, &applied);
		assert_int_equal(applied.n, new.n);
		assert_memory_equal(applied.p, new.p ? new.p : (const uint8_t *)"",
				    new.n);
		buf_free(&applied);
		buf_free(&out);
		arena_free(&a);
	}
}

static void texts_that_share_nothing_are_one_hunk(void **state)
{
	struct term t = term_plain();
	struct buf old = { 0 }, new = { 0 }, out = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		buf_printf(&old, "old %d\n", i);
		buf_printf(&new, "new %d\n", i);
	}
	diff_text(&out, &t, "x", (struct view){ (const uint8_t *)old.p, old.n },
		  (struct view){ (const uint8_t *)new.p, new.n });
	assert_non_null(strstr(out.p, "@@ -1,5000 +1,5000 @@"));
	buf_free(&old);
	buf_free(&new);
	buf_free(&out);
}

/* ---- lines ---- */

static void position_is(const struct lines *l, uint64_t off, uint64_t line,
			uint64_t column)
{
	struct text_pos pos = lines_pos(l, off);

	assert_int_equal(pos.line, line);
	assert_int_equal(pos.column, column);
}

static void columns_count_characters(void **state)
{
	struct arena a;
	struct lines l;

	(void)state;
	arena_init(&a, 0);
	l = lines_of(text_of("\xef\xbb\xbf\xc3\xa4"
			     "b\r\n\xff\xe4\xb8\x80"
			     "c"),
		     &a);
	position_is(&l, 0, 1, 1); /* the byte order mark */
	position_is(&l, 3, 1, 1);
	position_is(&l, 5, 1, 2);
	position_is(&l, 8, 2, 1);
	position_is(&l, 9, 2, 2);
	position_is(&l, 12, 2, 3);
	position_is(&l, 13, 2, 4);
	position_is(&l, 99, 2, 4);
	assert_int_equal(lines_get(&l, 0).n, 3);
	arena_free(&a);
}

static void an_empty_text_has_one_line(void **state)
{
	struct arena a;
	struct lines l;

	(void)state;
	arena_init(&a, 0);
	l = lines_of((struct view){ 0 }, &a);
	assert_int_equal(l.n, 1);
	position_is(&l, 0, 1, 1);
	arena_free(&a);
}

static void long_lines_are_counted_right(void **state)
{
	struct buf b = { 0 };
	struct arena a;
	struct lines l;

	(void)state;
	arena_init(&a, 0);
	buf_add(&b, STR("x\n-"));
	for (int i = 0; i < 20000; i++)
		buf_add(&b,
			STR("\xe2\x82\xac")); /* three bytes, so that blocks cut them */
	l = lines_of((struct view){ (const uint8_t *)b.p, b.n }, &a);
	for (uint64_t i = 0; i <= 20000; i++)
		position_is(&l, 3 + 3 * i, 2, 2 + i);
	buf_free(&b);
	arena_free(&a);
}

/* ---- images ---- */

static void sizes_are_rounded_to_a_tenth(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *words;
	} cases[] = {
		{ 0, "0 bytes" },         { 1, "1 byte" },
		{ 1023, "1023 bytes" },   { 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },      { (1 << 20) - 1, "1 MiB" },
		{ 1 << 20, "1 MiB" },     { 3500000000, "3.3 GiB" },
		{ UINT64_MAX, "16 EiB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		buf_about(&out, cases[i].bytes);
		assert_string_equal(out.p, cases[i].words);
		buf_free(&out);
	}
}

/* The old bytes of an edit are those that the move brings there. */
static void moves_come_before_the_edits_of_what_they_bring(void **state)
{
	static uint8_t bytes[4096];
	struct term t = term_plain();
	struct buf out = { 0 };
	struct source src = source_of_bytes("d", (struct view){ bytes, sizeof(bytes) });
	struct arena a;
	struct plan p;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 512 + 1);
	arena_init(&a, ARENA_BUDGET);
	p = plan_on(&src, &a);
	plan_grow(&p, 5120);
	assert_true(plan_move(&p, 2560, 3072, 2 * 512));
	assert_true(plan_move(&p, 512, 1024, 512));
	assert_true(plan_u8(&p, STAGE_TABLES, (struct span){ &src, 1025, 1 }, 9));
	diff_image(&out, &t, &p, NULL, NULL, NULL, &a);
	assert_string_equal(out.p, "--- d\n+++ d\n"
				   "@@ size: 4096 bytes, will be 5120: 1 KiB more @@\n"
				   "@@ moves: 1.5 KiB @@\n"
				   "@@ 0x200 to 0x400, 512 bytes @@\n"
				   "@@ 0xa00 to 0xc00, 1024 bytes @@\n"
				   "@@ 0x401, 1 byte @@\n"
				   "-0x401 | 02\n"
				   "+0x401 | 09\n");
	buf_free(&out);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_have_no_diff),
		cmocka_unit_test(one_line_is_one_hunk),
		cmocka_unit_test(an_insertion_names_no_old_line),
		cmocka_unit_test(near_changes_share_a_hunk_and_far_ones_do_not),
		cmocka_unit_test(a_missing_last_newline_is_said),
		cmocka_unit_test(carriage_returns_are_kept),
		cmocka_unit_test(names_are_those_of_git),
		cmocka_unit_test(any_diff_turns_old_into_new),
		cmocka_unit_test(texts_that_share_nothing_are_one_hunk),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(an_empty_text_has_one_line),
		cmocka_unit_test(long_lines_are_counted_right),
		cmocka_unit_test(sizes_are_rounded_to_a_tenth),
		cmocka_unit_test(moves_come_before_the_edits_of_what_they_bring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
