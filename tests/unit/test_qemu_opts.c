/* Options in one word, and edits of them, within every kind of quotes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/lens.h"
#include "analyze/config/qemu_opts.h"
#include "rewrite/edit.h"

#include "base/banned.h"

struct facts {
	struct fact file, locking, cache;
};

static const struct lens lenses[] = {
	LENS(facts, file, "file|file.filename"),
	LENS(facts, locking, "file.locking"),
	LENS(facts, cache, "cache"),
};

struct doc {
	struct arena arena;
	struct source src;
	struct node scalar;
	struct word word;
	const struct node *map;
	struct facts facts;
	struct plan plan;
};

/* raw: the file. The scalar is [from, to) of it, and reads as `text`. */
static void read_scalar(struct doc *d, const char *raw, enum syntax syntax,
			enum scalar_style style, const char *text, const char *implied)
{
	struct view all = str_bytes(str_of(raw));
	size_t from = 0, to = all.n;

	*d = (struct doc){ 0 };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("f", all);
	if (style != STYLE_PLAIN) {
		from++;
		to--;
	}
	d->scalar = (struct node){ .kind = NODE_SCALAR,
				   .syntax = syntax,
				   .style = style,
				   .text = str_of(text),
				   .text_at = { &d->src, from, to - from },
				   .whole = { &d->src, 0, all.n } };
	assert_true(word_of_node(&d->word, &d->scalar, all, &d->arena));
	d->map = qemu_opts(&d->word, implied, NULL, &d->arena);
	assert_non_null(d->map);
	lens_read(lenses, sizeof(lenses) / sizeof(lenses[0]), d->map, &d->facts);
	d->plan = plan_on(&d->src, &d->arena);
}

static void read_plain(struct doc *d, const char *raw)
{
	read_scalar(d, raw, SYNTAX_JSON, STYLE_PLAIN, raw, NULL);
}

static void assert_text(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void assert_at(const struct doc *d, struct span at, const char *expected)
{
	assert_true(view_has(d->src.mem, (size_t)at.off, (size_t)at.len));
	assert_text(str_view(view_cut(d->src.mem, (size_t)at.off, (size_t)at.len)),
		    expected);
}

static void assert_plan(struct doc *d, const char *expected)
{
	assert_text(str_view(plan_text(&d->plan, d->src.mem, &d->arena)), expected);
	arena_free(&d->arena);
}

static void option_s_name_value_and_whole_have_places(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a.iso,if=none,cache=none");
	assert_text(d.facts.file.v, "a.iso");
	assert_at(&d, d.facts.file.at, "a.iso");
	assert_at(&d, d.map->first->key_at, "file");
	assert_at(&d, d.map->first->next->whole, "if=none");
	assert_at(&d, d.facts.cache.at, "none");
	assert_int_equal(d.facts.locking.state, FACT_ABSENT);
	arena_free(&d.arena);
}

static void a_doubled_comma_is_part_of_the_value(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a,,b,,.iso,cache=none");
	assert_text(d.facts.file.v, "a,b,.iso");
	assert_at(&d, d.facts.file.at, "a,,b,,.iso");
	assert_text(d.facts.cache.v, "none");
	arena_free(&d.arena);
}

static void three_commas_are_one_and_an_end(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a,,,cache=none");
	assert_text(d.facts.file.v, "a,");
	assert_text(d.facts.cache.v, "none");
	arena_free(&d.arena);
}

static void the_last_of_a_name_counts(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "cache=none,file=a,cache=unsafe");
	assert_text(d.facts.cache.v, "unsafe");
	assert_true(plan_set(&d.plan, &d.facts.cache, "none"));
	assert_plan(&d, "cache=none,file=a,cache=none");
}

static void a_first_value_is_that_of_the_implied_option(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "virtio,,x,file=a,nowait,ro", SYNTAX_JSON, STYLE_PLAIN,
		    "virtio,,x,file=a,nowait,ro", "driver");
	assert_text(d.map->first->key, "driver");
	assert_text(d.map->first->text, "virtio,x");
	assert_text(d.map->last->key, "ro");
	assert_text(d.map->last->text, "on");
	assert_non_null(node_child(d.map, "wait"));
	assert_text(node_child(d.map, "wait")->text, "off");
	arena_free(&d.arena);
}

static void a_new_option_comes_last(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a,if=none");
	assert_true(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_plan(&d, "file=a,if=none,file.locking=off");
}

static void a_comma_at_the_end_stays_one(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a,");
	assert_true(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_plan(&d, "file=a,file.locking=off");
}

static void a_value_that_ends_in_a_doubled_comma_keeps_it(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a,,");
	assert_text(d.facts.file.v, "a,");
	assert_true(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_plan(&d, "file=a,,,file.locking=off");
}

static void an_option_is_removed_with_its_comma(void **state)
{
	static const struct {
		const char *before, *after;
	} t[] = {
		{ "file=a,cache=none", "file=a" },
		{ "cache=none,file=a", "file=a" },
		{ "file=a,cache=none,if=x", "file=a,if=x" },
		{ "file=a,cache=none,if=x,cache=unsafe", "file=a,if=x" },
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		read_plain(&d, t[i].before);
		assert_true(plan_remove(&d.plan, &d.facts.cache));
		assert_plan(&d, t[i].after);
	}
}

static void the_only_option_is_not_removed(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "cache=none");
	assert_false(plan_remove(&d.plan, &d.facts.cache));
	arena_free(&d.arena);
}

static void what_needs_quotes_is_not_written(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a");
	assert_false(plan_set(&d.plan, &d.facts.cache, "a b"));
	assert_false(plan_set(&d.plan, &d.facts.cache, "a\"b"));
	assert_true(plan_set(&d.plan, &d.facts.cache, "a,b"));
	assert_plan(&d, "file=a,cache=a,,b");
}

/* ---- quotes of other syntaxes ---- */

static void escapes_of_the_outer_text_have_places(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "'file=a&amp;b&#xe9;c,cache=none'", SYNTAX_XML, STYLE_SINGLE,
		    "file=a&b\xc3\xa9"
		    "c,cache=none",
		    NULL);
	assert_null(d.word.fixed);
	assert_at(&d, d.facts.file.at, "a&amp;b&#xe9;c");
	assert_true(plan_set(&d.plan, &d.facts.cache, "unsafe"));
	assert_true(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_plan(&d, "'file=a&amp;b&#xe9;c,cache=unsafe,file.locking=off'");
}

static void json_escapes_have_places(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "\"file=\\/a\\ud83d\\ude00,cache\\u003dnone\"", SYNTAX_JSON,
		    STYLE_DOUBLE, "file=/a\xf0\x9f\x98\x80,cache=none", NULL);
	assert_at(&d, d.facts.file.at, "\\/a\\ud83d\\ude00");
	assert_at(&d, d.facts.cache.at, "none");
	assert_true(plan_remove(&d.plan, &d.facts.cache));
	assert_plan(&d, "\"file=\\/a\\ud83d\\ude00\"");
}

static void a_folded_text_is_read_and_not_edited(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "file=a,\n  cache=none", SYNTAX_YAML, STYLE_PLAIN,
		    "file=a, cache=none", NULL);
	assert_non_null(d.word.fixed);
	assert_text(d.facts.file.v, "a");
	assert_at(&d, d.facts.file.at, "file=a,\n  cache=none");
	assert_false(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_non_null(d.plan.refused);
	arena_free(&d.arena);
}

/* ---- what is decided elsewhere ---- */

static void a_template_makes_its_value_unknown(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "\"file={{user `a,b=c`}}.iso,cache=none\"", SYNTAX_JSON,
		    STYLE_DOUBLE, "file={{user `a,b=c`}}.iso,cache=none", NULL);
	assert_int_equal(d.facts.file.state, FACT_UNKNOWN);
	assert_at(&d, d.facts.file.at, "{{user `a,b=c`}}.iso");
	assert_text(d.facts.cache.v, "none");
	assert_int_equal(d.facts.locking.state, FACT_ABSENT);
	assert_true(plan_set(&d.plan, &d.facts.locking, "off"));
	assert_plan(&d, "\"file={{user `a,b=c`}}.iso,cache=none,file.locking=off\"");
}

static void a_template_for_options_makes_absent_ones_unknown(void **state)
{
	struct doc d;

	(void)state;
	read_scalar(&d, "\"file=a,${var.more}\"", SYNTAX_HCL, STYLE_DOUBLE,
		    "file=a,${var.more}", NULL);
	assert_text(d.facts.file.v, "a");
	assert_int_equal(d.facts.locking.state, FACT_UNKNOWN);
	assert_false(plan_set(&d.plan, &d.facts.locking, "off"));
	arena_free(&d.arena);
}

static void an_expression_is_unknown_as_a_whole(void **state)
{
	struct doc d;

	(void)state;
	read_plain(&d, "file=a");
	d.scalar.kind = NODE_OPAQUE;
	d.scalar.text = STR("var.drive");
	assert_true(word_of_node(&d.word, &d.scalar, d.src.mem, &d.arena));
	d.map = qemu_opts(&d.word, NULL, NULL, &d.arena);
	lens_read(lenses, 3, d.map, &d.facts);
	assert_int_equal(d.facts.file.state, FACT_UNKNOWN);
	assert_int_equal(d.facts.locking.state, FACT_UNKNOWN);
	arena_free(&d.arena);
}

static void a_template_in_quotes_is_known_in_part(void **state)
{
	static const char raw[] = "\"file=${path.root}/a,cache=none\"";
	struct doc d;

	(void)state;
	read_scalar(&d, raw, SYNTAX_HCL, STYLE_DOUBLE, "x", NULL);
	d.scalar.kind = NODE_OPAQUE;
	d.scalar.text = str_of(raw);
	assert_true(word_of_node(&d.word, &d.scalar, d.src.mem, &d.arena));
	d.map = qemu_opts(&d.word, NULL, NULL, &d.arena);
	lens_read(lenses, 3, d.map, &d.facts);
	assert_int_equal(d.facts.file.state, FACT_UNKNOWN);
	assert_text(d.facts.cache.v, "none");
	arena_free(&d.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(option_s_name_value_and_whole_have_places),
		cmocka_unit_test(a_doubled_comma_is_part_of_the_value),
		cmocka_unit_test(three_commas_are_one_and_an_end),
		cmocka_unit_test(the_last_of_a_name_counts),
		cmocka_unit_test(a_first_value_is_that_of_the_implied_option),
		cmocka_unit_test(a_new_option_comes_last),
		cmocka_unit_test(a_comma_at_the_end_stays_one),
		cmocka_unit_test(a_value_that_ends_in_a_doubled_comma_keeps_it),
		cmocka_unit_test(an_option_is_removed_with_its_comma),
		cmocka_unit_test(the_only_option_is_not_removed),
		cmocka_unit_test(what_needs_quotes_is_not_written),
		cmocka_unit_test(escapes_of_the_outer_text_have_places),
		cmocka_unit_test(json_escapes_have_places),
		cmocka_unit_test(a_folded_text_is_read_and_not_edited),
		cmocka_unit_test(a_template_makes_its_value_unknown),
		cmocka_unit_test(a_template_for_options_makes_absent_ones_unknown),
		cmocka_unit_test(an_expression_is_unknown_as_a_whole),
		cmocka_unit_test(a_template_in_quotes_is_known_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
