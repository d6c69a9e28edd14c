/* Where the XML reader finds things, and what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/xml_doc.h"

#include "base/banned.h"

/* ---- places ---- */

static void every_span_of_an_element_is_exact(void **state)
{
	struct doc d;
	const struct node *b;

	(void)state;
	read_good(&d, "<a>\n  <q:b xmlns:q='u' x = \"1\">t<!--c--></q:b >\n</a>\n");
	b = d.root->first;
	assert_span(&d, d.root->whole,
		    "<a>\n  <q:b xmlns:q='u' x = \"1\">t<!--c--></q:b >\n</a>");
	assert_span(&d, b->key_at, "q:b");
	assert_span(&d, b->open_at, "<q:b xmlns:q='u' x = \"1\">");
	assert_span(&d, b->text_at, "t<!--c-->");
	assert_span(&d, b->whole, "<q:b xmlns:q='u' x = \"1\">t<!--c--></q:b >");
	assert_str(b->key, "b");
	assert_str(b->ns, "u");
	assert_str(b->text, "t");
	assert_int_equal(b->kind, NODE_ELEMENT);
	assert_ptr_equal(b->up, d.root);
	done(&d);
}

static void every_span_of_an_attribute_is_exact(void **state)
{
	struct doc d;
	const struct node *x;

	(void)state;
	read_good(&d, "<a b='1'\n\tq:x\t=\n\"it's\" xmlns:q='u'/>");
	x = d.root->first->next;
	assert_int_equal(x->kind, NODE_ATTRIBUTE);
	assert_span(&d, x->key_at, "q:x");
	assert_span(&d, x->text_at, "it's");
	assert_span(&d, x->whole, "q:x\t=\n\"it's\"");
	assert_span(&d, x->open_at, "q:x\t=\n\"it's\"");
	assert_str(x->key, "x");
	assert_str(x->ns, "u");
	assert_str(x->text, "it's");
	done(&d);
}

static void a_self_closing_element_has_empty_text_behind_its_tag(void **state)
{
	struct doc d;
	const struct node *b;

	(void)state;
	read_good(&d, "<a><b /><c></c></a>");
	b = d.root->first;
	assert_true(b->self_closing);
	assert_false(b->next->self_closing);
	assert_span(&d, b->open_at, "<b />");
	assert_span(&d, b->whole, "<b />");
	assert_int_equal(b->text_at.off, span_end(b->open_at));
	assert_int_equal(b->text_at.len, 0);
	assert_int_equal(b->next->text_at.off, span_end(b->next->open_at));
	done(&d);
}

static void the_value_stands_between_its_blanks(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<a>\n\t a b \r\n</a>");
	assert_str(d.root->text, "a b");
	assert_span(&d, d.root->text_at, "\n\t a b \r\n");
	assert_span(&d, node_value_at(d.root), "a b");
	done(&d);
}

static void offsets_count_the_byte_order_mark(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "\xef\xbb\xbf<?xml version='1.0'?><a/>");
	assert_int_equal(d.root->whole.off, 3 + 21);
	done(&d);
}

/* ---- values ---- */

static void values_are_what_libxml2_sees(void **state)
{
	static const struct {
		const char *text, *attribute, *content;
	} rows[] = {
		{ "<a v='x'>y</a>", "x", "y" },
		{ "<a v='&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&apos;</a>",
		  "<>&\"'", "<>&\"'" },
		{ "<a v='&#65;&#x42;&#xe9;'>&#65;&#x1F600;</a>", "AB\xc3\xa9",
		  "A\xf0\x9f\x98\x80" },
		{ "<a v='a\tb\nc\r\nd\re'>a\tb\nc\r\nd\re</a>", "a b c d e",
		  "a\tb\nc\nd\ne" },
		{ "<a v='&#9;&#10;&#13;'>x&#9;&#10;&#13;y</a>", "\t\n\r", "x\t\n\ry" },
		{ "<a v=' x  y '> x  y </a>", " x  y ", "x  y" },
		{ "<a v='>'>&#32;x&#32;</a>", ">", "x" },
		{ "<a v=''><![CDATA[<&]]]]><![CDATA[>\r\n]]>.</a>", "", "<&]]>\n." },
		{ "<a v='&amp;lt;'>&amp;lt;</a>", "&lt;", "&lt;" },
		{ "<a v='1'>1<!-- & -->2<?p & ?>3</a>", "1", "123" },
		{ "<a v='1'> 1 <b>x</b> 2 <c/>&amp; </a>", "1", "1  2 &" },
		{ "<a v='1'>\n<b>x</b>\n</a>", "1", "" },
		{ "<a v='1'><![CDATA[]]></a>", "1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doc d;

		read_good(&d, rows[i].text);
		assert_str(d.root->first->text, rows[i].attribute);
		assert_str(d.root->text, rows[i].content);
		done(&d);
	}
}

static void what_needs_no_decoding_is_borrowed(void **state)
{
	struct doc d;
	const char *text = "<a v='x'> y </a>";

	(void)state;
	read_good(&d, text);
	assert_ptr_equal(d.root->key.p, text + 1);
	assert_ptr_equal(d.root->first->text.p, text + 6);
	assert_ptr_equal(d.root->text.p, text + 10);
	done(&d);
}

/* ---- namespaces ---- */

static void a_default_namespace_is_for_elements_below_it(void **state)
{
	struct doc d;
	const struct node *b;

	(void)state;
	read_good(&d, "<a><b xmlns='u' x='1'><c/><d xmlns=''/></b><e/></a>");
	b = d.root->first;
	assert_str(d.root->ns, "");
	assert_str(b->ns, "u");
	assert_str(b->first->ns, XML_NS_DECLARATION);
	assert_str(b->first->key, "xmlns");
	assert_str(b->first->next->ns, "");
	assert_str(node_at(d.root, b->last->whole)->ns, "");
	assert_str(b->first->next->next->ns, "u");
	assert_str(b->next->ns, "");
	done(&d);
}

static void an_undeclared_prefix_is_part_of_the_name(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<a><q:b q:c='1'/></a>");
	assert_str(d.root->first->key, "q:b");
	assert_str(d.root->first->ns, "");
	assert_str(d.root->first->first->key, "q:c");
	done(&d);
}

static void an_inner_declaration_hides_the_outer_one(void **state)
{
	struct doc d;
	const struct node *b;

	(void)state;
	read_good(&d, "<q:a xmlns:q='1'><q:b xmlns:q='2'/><q:c/></q:a>");
	b = node_at(d.root, d.root->first->next->whole);
	assert_str(d.root->ns, "1");
	assert_str(b->ns, "2");
	assert_str(b->next->ns, "1");
	done(&d);
}

/* ---- bad text ---- */

/* '{' and '}' mark the place, and are not part of the text. */
static const struct {
	const char *text, *what;
} bad_texts[] = {
	{ "{}", "no root element" },
	{ " \n{}", "no root element" },
	{ "<!--c-->{}", "no root element" },
	{ "{x}", "outside of the root" },
	{ "<a/>{x}", "outside of the root" },
	{ "<a/>{<b}>", "second root" },
	{ "{<a>}<b></b>", "<a> has no end tag" },
	{ "<a>\n{</b}>", "</b> where </a> was expected, for line 1" },
	{ "<a/>{</a}>", "closes nothing" },
	{ "<a>{<b c='1'}\n", "does not end" },
	{ "<a>{<b }", "does not end" },
	{ "<a>{<}", "does not end" },
	{ "<a>{</a}", "does not end" },
	{ "<a></a {x}>", "'>' was expected" },
	{ "<a {b}/>", "has no value" },
	{ "<a b={1}/>", "not in quotes" },
	{ "<a b={'}/>", "no closing quote" },
	{ "<a b='{<}c/>'/>", "&lt; was meant" },
	{ "<a b='1'{c}='2'/>", "blank is missing" },
	{ "<a b='1' {b}='2'/>", "appears twice" },
	{ "<a xmlns:p='u' xmlns:q='u' p:b='1' {q:b}='2'/>", "appears twice" },
	{ "<a {=}/>", "was expected" },
	{ "<a b='1'{/} >", "was expected" },
	{ "{<} a/>", "begins no tag" },
	{ "<a>1 {<} 2</a>", "begins no tag" },
	{ "<a>{&} b</a>", "&amp; was expected" },
	{ "<a>{&b} c</a>", "&amp; was expected" },
	{ "<a b='{&nbsp;}'/>", "no entity" },
	{ "<a>{&#0;}</a>", "no character" },
	{ "<a>{&#xD800;}</a>", "no character" },
	{ "<a>{&#99999999999;}</a>", "no character" },
	{ "<a>{&#x};</a>", "no character reference" },
	{ "<a>{]]>}</a>", "ends no CDATA" },
	{ "<a>{<![CDATA[ ]]</a>}", "does not end" },
	{ "{<![CDATA[}]]></a>", "outside of the root" },
	{ "<a><!-- {--} --></a>", "within a comment" },
	{ "<a>{<!-- </a>}", "does not end" },
	{ "<a>{<?}?></a>", "followed by no name" },
	{ "<a><?b{+}?></a>", "was expected after the instruction's name" },
	{ "<?{a:b}?><a/>", "it has a colon" },
	{ "<?{:a}?><a/>", "is no name" },
	{ "<{:a}/>", "is no name" },
	{ "<a {:b}='1'/>", "is no name" },
	{ "<a>{<?}", "does not end" },
	{ "<a>{<?b </a>}", "does not end" },
	{ " {<?xml} version='1.0'?><a/>", "very start" },
	{ "<a/>{<?XML} x?>", "very start" },
	{ "{<!DOCTYPE} a [<!ENTITY b 'c'>]><a>&b;</a>", "not accepted" },
	{ "<a>{<!}ELEMENT x></a>", "neither a comment" },
	{ "<a>{<!}></a>", "neither a comment" },
	{ "<a>{<!}", "does not end" },
	{ "<a>{<!-}", "does not end" },
	{ "<a>{<![CDATA}", "does not end" },
	{ "<a>{<!-- --}", "does not end" },
	{ "<a>{</}", "does not end" },
	{ "<a></{\001}", "U+0001" },
	{ "<{a:b}:c/>", "is no name" },
	{ "<{a:}/>", "is no name" },
	{ "<a {xmlns:b=''}/>", "without a namespace" },
	{ "<a {xmlns:xmlns='u'}/>", "reserved" },
	{ "<a {xmlns:xml='u'}/>", "reserved" },
	{ "<a {xmlns='http://www.w3.org/2000/xmlns/'}/>", "reserved" },
	{ "<a>{\001}</a>", "U+0001" },
	{ "<a>{\377}</a>", "0xff is not UTF-8" },
	{ "<a>{\355}\240\200</a>", "not UTF-8" },
	{ "<!-- {\001}", "U+0001" },
	{ "<a b='{\001}'/>", "U+0001" },
	{ "{<?xml}?><a/>", "very start" },
	{ "{<?xml} encoding='UTF-8'?><a/>", "state its version" },
	{ "<?xml version='{2.0}'?><a/>", "1.0 was expected" },
	{ "<?xml version='1.0' encoding='{ISO-8859-1}'?><a>\351</a>", "only UTF-8" },
	{ "<?xml version='1.0' encoding='us-ascii'?><a>{\303}\251</a>", "no US-ASCII" },
	{ "<?xml version='1.0' encoding='ascii'?><a/>{\326}", "no US-ASCII" },
	{ "\357\273\277<?xml version='1.0' encoding='ascii'?><a/>{\326}", "no US-ASCII" },
	{ "<?xml version='1.0' standalone='{maybe}'?><a/>", "yes or no" },
	{ "{<?xml version='1.0' }foo='1'?><a/>", "as it must be" },
	{ "{<?xml version='1.0' }encodingstandalone='no'?><a/>", "as it must be" },
	{ "<?xml version='1.0'{s}tandalone='no'?><a/>", "blank is missing" },
};

static void bad_text_is_refused_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		const char *open = strchr(bad_texts[i].text, '{'),
			   *close = strchr(open, '}');
		size_t from = (size_t)(open - bad_texts[i].text),
		       len = (size_t)(close - open) - 1;
		struct buf text = { 0 };
		struct doc d;

		buf_add_bytes(&text, bad_texts[i].text, from);
		buf_add_bytes(&text, open + 1, len);
		buf_add(&text, str_of(close + 1));
		read_bytes(&d, text.p, text.n);
		assert_int_equal(d.rc, 0);
		assert_null(d.root);
		if (!d.bad || !strstr(d.bad->what, bad_texts[i].what) ||
		    d.bad->at.off != from || d.bad->at.len != len)
			fail_msg("%s: '%s' at %zu+%zu, expected '%s' at %zu+%zu",
				 bad_texts[i].text, d.bad ? d.bad->what : "accepted",
				 d.bad ? (size_t)d.bad->at.off : 0,
				 d.bad ? (size_t)d.bad->at.len : 0, bad_texts[i].what,
				 from, len);
		done(&d);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_span_of_an_element_is_exact),
		cmocka_unit_test(every_span_of_an_attribute_is_exact),
		cmocka_unit_test(a_self_closing_element_has_empty_text_behind_its_tag),
		cmocka_unit_test(the_value_stands_between_its_blanks),
		cmocka_unit_test(offsets_count_the_byte_order_mark),
		cmocka_unit_test(values_are_what_libxml2_sees),
		cmocka_unit_test(what_needs_no_decoding_is_borrowed),
		cmocka_unit_test(a_default_namespace_is_for_elements_below_it),
		cmocka_unit_test(an_undeclared_prefix_is_part_of_the_name),
		cmocka_unit_test(an_inner_declaration_hides_the_outer_one),
		cmocka_unit_test(bad_text_is_refused_at_its_place),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
