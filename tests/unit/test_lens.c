/* Facts through lenses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/lens.h"
#include "tests/unit/dies.h"
#include "tests/unit/xml_doc.h"

#include "base/banned.h"

struct thing {
	int other;
	struct fact fact;
};

static struct fact read_fact(const struct doc *d, const struct lens *l)
{
	struct thing t = { 0 };

	lens_read(l, 1, d->root, &t);
	assert_ptr_equal(t.fact.owner, d->root);
	assert_ptr_equal(t.fact.lens, l);
	return t.fact;
}

static void facts_are_read_with_their_place(void **state)
{
	static const struct {
		const char *path, *text;
		enum fact_state state;
		const char *v, *at;
	} rows[] = {
		{ "@x", "<a x='1'/>", FACT_KNOWN, "1", "1" },
		{ "@x", "<a x=''/>", FACT_KNOWN, "", "" },
		{ "@x", "<a y='1'/>", FACT_ABSENT, "", "<a y='1'/>" },
		{ "b@x", "<a><b x='&lt;'/></a>", FACT_KNOWN, "<", "&lt;" },
		{ "b@x", "<a><b y='1'></b></a>", FACT_ABSENT, "", "<b y='1'>" },
		{ "b@x", "<a><c/></a>", FACT_ABSENT, "", "<a>" },
		{ "b/c@x", "<a><b><c x='1'/></b></a>", FACT_KNOWN, "1", "1" },
		{ "b/c@x", "<a><b/></a>", FACT_ABSENT, "", "<b/>" },
		{ "b/c", "<a><b><c>\n  v w\n</c></b></a>", FACT_KNOWN, "v w", "v w" },
		{ "b/c", "<a><b><c> </c></b></a>", FACT_ABSENT, "", "<c>" },
		{ "b/c", "<a><b><c/></b></a>", FACT_ABSENT, "", "<c/>" },
		{ "b?", "<a><b/></a>", FACT_KNOWN, "yes", "<b/>" },
		{ "b?", "<a><b>no</b></a>", FACT_KNOWN, "yes", "<b>no</b>" },
		{ "b/c?", "<a><b></b></a>", FACT_ABSENT, "", "<b>" },
		{ "s@f|s@d", "<a><s f='1' d='2'/></a>", FACT_KNOWN, "1", "1" },
		{ "s@f|s@d", "<a><s d='2'/></a>", FACT_KNOWN, "2", "2" },
		{ "s@f|t@d", "<a><s/><t/></a>", FACT_ABSENT, "", "<s/>" },
		/* the first in file order, over all elements of the name */
		{ "b@x", "<a><b/><b x='2'/><b x='3'/></a>", FACT_KNOWN, "2", "2" },
		{ "b/c", "<a><b/><b><c/><c>2</c></b></a>", FACT_KNOWN, "2", "2" },
		/* nothing in a namespace */
		{ "b@x", "<a><b xmlns='u' x='1'/></a>", FACT_ABSENT, "", "<a>" },
		{ "b@x", "<a xmlns:q='u'><b q:x='1'/></a>", FACT_ABSENT, "",
		  "<b q:x='1'/>" },
		/* what another program fills in */
		{ "@x", "<a x='{{ v }}'/>", FACT_UNKNOWN, "{{ v }}", "{{ v }}" },
		{ "@x", "<a x='/p/${v}.img'/>", FACT_UNKNOWN, "/p/${v}.img",
		  "/p/${v}.img" },
		{ "@x", "<a x='@V@'/>", FACT_UNKNOWN, "@V@", "@V@" },
		{ "@x", "<a x='a@b'/>", FACT_KNOWN, "a@b", "a@b" },
		{ "b", "<a><b> ${v} </b></a>", FACT_UNKNOWN, "${v}", "${v}" },
		{ "b?", "<a><b>${v}</b></a>", FACT_KNOWN, "yes", "<b>${v}</b>" },
		{ "b@x", "<a>{% include 'b' %}</a>", FACT_UNKNOWN, "", "<a>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lens l = { .field = "fact",
				  .offset = offsetof(struct thing, fact),
				  .path = rows[i].path };
		struct fact f;
		struct doc d;

		read_good(&d, rows[i].text);
		f = read_fact(&d, &l);
		if (f.state != rows[i].state)
			fail_msg("row %zu: state %d, expected %d", i, (int)f.state,
				 (int)rows[i].state);
		assert_str(f.v, rows[i].v);
		assert_span(&d, f.at, rows[i].at);
		done(&d);
	}
}

static void a_path_is_taken_apart(void **state)
{
	const struct lens l = { .path = "os/type@arch|b?|name" };
	struct lens_path p;

	(void)state;
	assert_true(lens_path(&l, 0, &p));
	assert_int_equal(p.n, 2);
	assert_str(p.steps[0], "os");
	assert_str(p.steps[1], "type");
	assert_str(p.attribute, "arch");
	assert_false(p.presence);
	assert_true(lens_path(&l, 1, &p));
	assert_int_equal(p.n, 1);
	assert_str(p.steps[0], "b");
	assert_int_equal(p.attribute.n, 0);
	assert_true(p.presence);
	assert_true(lens_path(&l, 2, &p));
	assert_str(p.steps[0], "name");
	assert_false(p.presence);
	assert_false(lens_path(&l, 3, &p));
}

static void path_too_long(void)
{
	const struct lens l = { .path = "a/b/c/d/e" };
	struct lens_path p;

	lens_path(&l, 0, &p);
}

static void a_path_of_too_many_steps_is_a_bug(void **state)
{
	(void)state;
	assert_true(dies(path_too_long));
}

static void the_way_ends_where_the_elements_do(void **state)
{
	const struct lens l = { .path = "b/c/d@x" };
	struct lens_path p;
	struct doc d;
	size_t found;

	(void)state;
	read_good(&d, "<a><b><c/></b></a>");
	assert_true(lens_path(&l, 0, &p));
	assert_str(lens_deepest(&p, d.root, &found)->key, "c");
	assert_int_equal(found, 2);
	done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_read_with_their_place),
		cmocka_unit_test(a_path_is_taken_apart),
		cmocka_unit_test(a_path_of_too_many_steps_is_a_bug),
		cmocka_unit_test(the_way_ends_where_the_elements_do),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
