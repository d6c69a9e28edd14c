/* What is left of a pattern of RELAX NG when a part of a document has been read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "analyze/config/rng.h"

#include "base/banned.h"

#define HEAD                                                                             \
	"<grammar xmlns='http://relaxng.org/ns/structure/1.0' "                          \
	"datatypeLibrary='http://www.w3.org/2001/XMLSchema-datatypes'>"
#define START(content)                                                                   \
	HEAD "<start><element name='r'>" content "</element></start></grammar>"

struct schema_under_test {
	struct scratch dir;
	struct rng_grammar g;
	struct rng_pool pool;
	struct arena arena;
	const struct rng *now;
};

static void put(struct schema_under_test *t, const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(&t->dir, name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int read_it(struct schema_under_test *t, const char *text)
{
	put(t, "a.rng", text);
	return rng_read(&t->g, scratch_path(&t->dir, "a.rng"), &t->dir.err);
}

/* Behind the name of the start tag <r. */
static void begin(struct schema_under_test *t, const char *text)
{
	assert_int_equal(read_it(t, text), 0);
	arena_init(&t->arena, 1 << 20);
	assert_true(rng_pool_init(&t->pool, &t->arena, &t->g.pool, 1 << 16));
	t->now = rng_open(&t->pool, t->g.start, (struct rng_qname){ .local = STR("r") });
	assert_int_not_equal(t->now->kind, RNG_NONE);
}

static bool left(const struct rng *r)
{
	return r->kind != RNG_NONE;
}

static const struct rng *attribute(struct schema_under_test *t, const char *name,
				   const char *value)
{
	return rng_attribute(&t->pool, t->now,
			     (struct rng_qname){ .local = str_of(name) },
			     (struct rng_text){ value, value ? strlen(value) : 0 });
}

static const struct rng *open_tag(struct schema_under_test *t, const char *name)
{
	return rng_open(&t->pool, t->now, (struct rng_qname){ .local = str_of(name) });
}

static void pass(struct schema_under_test *t, const char *name)
{
	t->now = rng_end(&t->pool, rng_close(&t->pool, open_tag(t, name)));
	assert_true(left(t->now));
}

static bool takes(struct schema_under_test *t, const char *text)
{
	const struct rng *r = rng_only_text(&t->pool, rng_close(&t->pool, t->now),
					    (struct rng_text){ text, strlen(text) });

	return left(rng_end(&t->pool, r));
}

static int setup(void **state)
{
	struct schema_under_test *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	scratch_init(&t->dir);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct schema_under_test *t = *state;

	rng_free(&t->g);
	arena_free(&t->arena);
	scratch_free(&t->dir);
	free(t);
	return 0;
}

/* ---- derivatives ---- */

static void an_attribute_that_is_required_is_missed_at_the_end_of_the_tag(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<attribute name='a'/>"));
	assert_false(left(rng_close(&t->pool, t->now)));
	assert_true(left(rng_close_any(&t->pool, t->now)));
	t->now = attribute(t, "a", "x");
	assert_true(left(rng_close(&t->pool, t->now)));
}

static void an_attribute_fits_once(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<optional><attribute name='a'/></optional>"));
	assert_false(left(attribute(t, "b", "x")));
	t->now = attribute(t, "a", "x");
	assert_false(left(attribute(t, "a", "x")));
}

static void a_value_decides_what_else_there_may_be(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<choice>"
		       "<group><attribute name='t'><value>1</value></attribute>"
		       "<element name='one'><empty/></element></group>"
		       "<group><attribute name='t'><value>2</value></attribute>"
		       "<element name='two'><empty/></element></group></choice>"));
	assert_false(left(attribute(t, "t", "3")));
	assert_true(left(attribute(t, "t", NULL)));
	t->now = rng_close(&t->pool, attribute(t, "t", " 2 "));
	assert_false(left(open_tag(t, "one")));
	assert_true(left(open_tag(t, "two")));
}

static void an_interleave_takes_its_parts_in_any_order_and_once(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<interleave><element name='a'><empty/></element>"
		       "<element name='b'><empty/></element>"
		       "<optional><element name='c'><empty/></element></optional>"
		       "</interleave>"));
	t->now = rng_close(&t->pool, t->now);
	pass(t, "c");
	pass(t, "b");
	assert_false(left(open_tag(t, "b")));
	assert_false(left(rng_end(&t->pool, t->now)));
	assert_true(left(rng_end_any(&t->pool, t->now)));
	pass(t, "a");
	assert_true(left(rng_end(&t->pool, t->now)));
}

static void a_group_keeps_its_order(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<optional><element name='a'><empty/></element></optional>"
		       "<oneOrMore><element name='b'><empty/></element></oneOrMore>"));
	t->now = rng_close(&t->pool, t->now);
	pass(t, "b");
	pass(t, "b");
	assert_false(left(open_tag(t, "a")));
	assert_true(left(rng_end(&t->pool, t->now)));
}

static void data_has_its_parameters_and_its_exception(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<data type='int'><param name='minInclusive'>1</param>"
		       "<param name='maxInclusive'>9</param>"
		       "<except><value>5</value></except></data>"));
	assert_true(takes(t, "4"));
	assert_false(takes(t, "5"));
	assert_false(takes(t, "10"));
	assert_false(takes(t, "x"));
	assert_false(takes(t, ""));
}

static void a_list_is_words_between_blanks(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<list><oneOrMore><choice><value>a</value><value>b</value>"
		       "</choice></oneOrMore></list>"));
	assert_true(takes(t, " a  b a "));
	assert_false(takes(t, "a c"));
	assert_false(takes(t, " "));
}

static void any_name_but_one_is_any_name_but_one(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<zeroOrMore><element><anyName><except><name>no</name></except>"
		       "</anyName><empty/></element></zeroOrMore>"));
	t->now = rng_close(&t->pool, t->now);
	assert_true(left(open_tag(t, "yes")));
	assert_false(left(open_tag(t, "no")));
}

static void more_than_is_allowed_is_done_by_nobody(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, START("<interleave><element name='a'><empty/></element>"
		       "<element name='b'><empty/></element></interleave>"));
	t->pool.max = t->pool.steps;
	assert_false(left(open_tag(t, "a")));
	assert_true(t->pool.over);
}

/* ---- files ---- */

static void an_include_is_replaced_where_it_says_so(void **state)
{
	struct schema_under_test *t = *state;

	put(t, "b.rng",
	    HEAD
	    "<start><ref name='r'/></start>"
	    "<define name='r'><element name='q'><empty/></element></define></grammar>");
	begin(t, HEAD "<include href='b.rng'><define name='r'><element name='r'>"
		      "<attribute name='a'/></element></define></include></grammar>");
	assert_true(left(attribute(t, "a", "")));
}

static void definitions_of_one_name_are_combined(void **state)
{
	struct schema_under_test *t = *state;

	begin(t, HEAD "<start><element name='r'><ref name='x'/></element></start>"
		      "<define name='x'><notAllowed/></define>"
		      "<define name='x' combine='choice'><attribute name='a'/></define>"
		      "</grammar>");
	assert_true(left(attribute(t, "a", "")));
}

static void what_is_broken_is_refused(void **state)
{
	struct schema_under_test *t = *state;

	assert_int_equal(read_it(t, START("<ref name='x'/>")), -1);
	assert_non_null(
		strstr(t->dir.err.msg, "line 1: a reference to what is not defined"));
}

static void a_definition_within_itself_is_refused(void **state)
{
	struct schema_under_test *t = *state;

	assert_int_equal(read_it(t, HEAD "<start><ref name='x'/></start><define name='x'>"
					 "<optional><ref name='x'/></optional></define>"
					 "</grammar>"),
			 -1);
	assert_non_null(strstr(t->dir.err.msg, "a definition that is within itself"));
}

static void a_file_that_includes_itself_is_refused(void **state)
{
	struct schema_under_test *t = *state;

	assert_int_equal(read_it(t, HEAD "<include href='a.rng'/></grammar>"), -1);
	assert_non_null(strstr(t->dir.err.msg, "one that includes itself"));
}

static void nothing_is_fetched(void **state)
{
	struct schema_under_test *t = *state;

	assert_int_equal(read_it(t, HEAD "<include href='http://x/a.rng'/></grammar>"),
			 -1);
	assert_non_null(strstr(t->dir.err.msg, "an include of what is no file"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_attribute_that_is_required_is_missed_at_the_end_of_the_tag),
		T(an_attribute_fits_once),
		T(a_value_decides_what_else_there_may_be),
		T(an_interleave_takes_its_parts_in_any_order_and_once),
		T(a_group_keeps_its_order),
		T(data_has_its_parameters_and_its_exception),
		T(a_list_is_words_between_blanks),
		T(any_name_but_one_is_any_name_but_one),
		T(more_than_is_allowed_is_done_by_nobody),
		T(an_include_is_replaced_where_it_says_so),
		T(definitions_of_one_name_are_combined),
		T(what_is_broken_is_refused),
		T(a_definition_within_itself_is_refused),
		T(a_file_that_includes_itself_is_refused),
		T(nothing_is_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
