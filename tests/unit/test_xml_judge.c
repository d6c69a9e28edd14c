/* libxml2 as the judge: a tree of ours that is wrong in one place is found out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/xml_judge.h"
#include "tests/unit/xml_doc.h"

#include "base/banned.h"

static const char text[] = "<a xmlns:q='u' x='1' q:y='2'>"
			   "<b z='&lt;'>one<c/>two</b><d xmlns='v'/><d/></a>";

/* Reads the text, and hands out the node that the caller damages. */
static struct node *read_it(struct doc *d, const char *name)
{
	struct node *n;

	read_good(d, text);
	if (strcmp(name, "a") == 0)
		return d->root;
	for (n = d->root->first; n && !str_is(n->key, name); n = n->next)
		;
	assert_non_null(n);
	return n;
}

/* The element at which the damage is noticed. */
static void assert_found_out(struct doc *d, const char *where)
{
	struct xml_verdict v;

	xml_judge(d->text, d->root, &v);
	assert_true(v.accepted);
	assert_non_null(v.differs);
	assert_str(v.differs->key, where);
	done(d);
}

static void a_true_tree_is_accepted(void **state)
{
	struct xml_verdict v;
	struct doc d;

	(void)state;
	read_it(&d, "a");
	xml_judge(d.text, d.root, &v);
	assert_true(v.accepted);
	assert_null(v.differs);
	done(&d);
}

static void a_wrong_name_is_found_out(void **state)
{
	struct doc d;

	(void)state;
	read_it(&d, "b")->key = STR("B");
	assert_found_out(&d, "B");
}

static void a_wrong_namespace_is_found_out(void **state)
{
	struct doc d;

	(void)state;
	read_it(&d, "d")->ns = STR("w");
	assert_found_out(&d, "d");
	read_it(&d, "y")->ns = STR("w");
	assert_found_out(&d, "a");
}

static void a_wrong_value_is_found_out(void **state)
{
	struct doc d;

	(void)state;
	read_it(&d, "x")->text = STR("2");
	assert_found_out(&d, "a");
	read_it(&d, "b")->first->text = STR("&lt;");
	assert_found_out(&d, "b");
	read_it(&d, "q")->text = STR("w");
	assert_found_out(&d, "a");
}

static void a_wrong_text_is_found_out(void **state)
{
	const struct str wrong[] = { STR("onetw"), STR("onetwo."), STR("one two"),
				     STR(""), STR("neto") };
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		read_it(&d, "b")->text = wrong[i];
		assert_found_out(&d, "b");
	}
	read_it(&d, "a")->text = STR("x");
	assert_found_out(&d, "a");
}

static void a_missing_attribute_is_found_out(void **state)
{
	struct doc d;
	struct node *x;

	(void)state;
	x = read_it(&d, "x");
	x->next = x->next->next;
	assert_found_out(&d, "a");
	d.root = read_it(&d, "a");
	d.root->first = d.root->first->next;
	assert_found_out(&d, "a");
}

static void an_attribute_too_many_is_found_out(void **state)
{
	struct node more = { .kind = NODE_ATTRIBUTE, .key = STR("e") };
	struct doc d;

	(void)state;
	read_it(&d, "d")->first->next = &more;
	assert_found_out(&d, "d");
}

static void a_missing_element_is_found_out(void **state)
{
	struct doc d;
	struct node *b, *c;

	(void)state;
	b = read_it(&d, "b");
	b->first->next = NULL;
	assert_found_out(&d, "b");
	c = read_it(&d, "d");
	c->next = NULL;
	assert_found_out(&d, "a");
}

static void an_element_too_many_is_found_out(void **state)
{
	struct node more = { .kind = NODE_ELEMENT, .key = STR("e") };
	struct doc d;

	(void)state;
	read_it(&d, "d")->next->next = &more;
	assert_found_out(&d, "a");
}

static void a_text_that_libxml2_refuses_says_why_and_where(void **state)
{
	struct view broken = { (const uint8_t *)"<a>\n <b></a>", 12 };
	struct xml_verdict v;

	(void)state;
	xml_judge(broken, NULL, &v);
	assert_false(v.accepted);
	assert_int_equal(v.line, 2);
	assert_non_null(strstr(v.why, "mismatch"));
}

static void a_refusal_that_we_did_not_foresee_is_the_line_s(void **state)
{
	struct buf b = { 0 };
	struct doc d;

	(void)state;
	/* Names of more than 50000 bytes are too long for it. */
	buf_add(&b, STR("<a>\n  <"));
	buf_fill(&b, 'b', 50001);
	buf_add(&b, STR("/>\r\n</a>"));
	read_bytes(&d, b.p, b.n);
	assert_int_equal(d.rc, 0);
	assert_null(d.root);
	assert_int_equal(d.bad->at.off, 4);
	assert_int_equal(d.bad->at.len, 2 + 1 + 50001 + 2);
	assert_non_null(strstr(d.bad->what, "libxml2 refuses it: "));
	assert_null(strchr(d.bad->what, '\n'));
	done(&d);
	buf_free(&b);
}

static void acceptance_is_libxml2_s_own(void **state)
{
	(void)state;
	assert_true(xml_accepts((struct view){ (const uint8_t *)"<a/>", 4 }));
	assert_true(
		xml_accepts((struct view){ (const uint8_t *)"<!DOCTYPE a><a/>", 16 }));
	assert_false(xml_accepts((struct view){ (const uint8_t *)"<a>", 3 }));
	assert_false(xml_accepts((struct view){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_tree_is_accepted),
		cmocka_unit_test(a_wrong_name_is_found_out),
		cmocka_unit_test(a_wrong_namespace_is_found_out),
		cmocka_unit_test(a_wrong_value_is_found_out),
		cmocka_unit_test(a_wrong_text_is_found_out),
		cmocka_unit_test(a_missing_attribute_is_found_out),
		cmocka_unit_test(an_attribute_too_many_is_found_out),
		cmocka_unit_test(a_missing_element_is_found_out),
		cmocka_unit_test(an_element_too_many_is_found_out),
		cmocka_unit_test(a_text_that_libxml2_refuses_says_why_and_where),
		cmocka_unit_test(a_refusal_that_we_did_not_foresee_is_the_line_s),
		cmocka_unit_test(acceptance_is_libxml2_s_own),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
