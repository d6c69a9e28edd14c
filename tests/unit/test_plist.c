/* Property lists: every place is exact, and what is broken is refused where it is broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/plist.h"
#include "analyze/config/node.h"
#include "tests/lib/tree_flaws.h"

#include "base/banned.h"

#define HEAD                                                                             \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                   \
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "                        \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
#define PLIST(value) HEAD "<plist version=\"1.0\">" value "</plist>\n"

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	const struct syntax_error *bad;
	struct err e;
	int rc;
};

static void read_bytes(struct doc *d, const void *p, size_t n)
{
	*d = (struct doc){ .text = { p, n } };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.plist", d->text);
	d->rc = plist_read(&d->src, d->text, &d->arena, &d->root, &d->bad, &d->e);
}

static void read_good(struct doc *d, const char *text)
{
	const struct node *where;

	read_bytes(d, text, strlen(text));
	if (d->rc != 0 || !d->root)
		fail_msg("%s: %s", text, d->bad ? d->bad->what : d->e.msg);
	assert_null(tree_flaw(d->root, &where));
}

static void done(struct doc *d)
{
	arena_free(&d->arena);
}

static void assert_str(struct str s, const char *expected)
{
	if (!str_is(s, expected))
		fail_msg("'%.*s', expected '%s'", STR_ARG(s), expected);
}

static void assert_span(const struct doc *d, struct span at, const char *expected)
{
	assert_true(range_within(at.off, at.len, d->text.n));
	assert_str((struct str){ (const char *)d->text.p + at.off, (size_t)at.len },
		   expected);
}

/* Refused, at that place, with these words. */
static void assert_bad(const char *text, const char *at, const char *what)
{
	struct doc d;

	read_bytes(&d, text, strlen(text));
	assert_int_equal(d.rc, 0);
	assert_null(d.root);
	assert_non_null(d.bad);
	if (!strstr(d.bad->what, what))
		fail_msg("'%s' does not say '%s'", d.bad->what, what);
	assert_span(&d, d.bad->at, at);
	done(&d);
}

static void places_are_exact(void **state)
{
	const struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, PLIST("<dict>\n\t<key>a</key>\n\t<string>x &amp; y</string>\n"
			    "\t<key>b</key> <array> <integer> -7 </integer><true/>"
			    "</array>\n\t<key>c</key><dict/></dict>"));
	assert_int_equal(d.root->kind, NODE_MAP);
	assert_int_equal(d.root->syntax, SYNTAX_PLIST);
	assert_span(&d, d.root->open_at, "<dict>");
	n = node_child(d.root, "a");
	assert_span(&d, n->whole, "<key>a</key>\n\t<string>x &amp; y</string>");
	assert_span(&d, n->key_at, "a");
	assert_span(&d, n->open_at, "<string>");
	assert_span(&d, n->text_at, "x &amp; y");
	assert_str(n->text, "x & y");
	assert_int_equal(n->type, SCALAR_STRING);
	n = node_child(d.root, "b");
	assert_int_equal(n->kind, NODE_LIST);
	assert_span(&d, n->open_at, "<array>");
	assert_span(&d, n->text_at, " <integer> -7 </integer><true/>");
	assert_span(&d, n->first->whole, "<integer> -7 </integer>");
	assert_span(&d, n->first->key_at, "");
	assert_span(&d, node_value_at(n->first), "-7");
	assert_str(n->first->text, "-7");
	assert_int_equal(n->first->type, SCALAR_NUMBER);
	assert_span(&d, n->last->whole, "<true/>");
	assert_str(n->last->text, "true");
	assert_int_equal(n->last->type, SCALAR_BOOL);
	n = node_child(d.root, "c");
	assert_true(n->self_closing);
	assert_span(&d, n->whole, "<key>c</key><dict/>");
	done(&d);
}

static void blanks_are_a_part_of_strings_and_of_keys(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, PLIST("<dict><key> k </key><string>\r\n a\tb </string></dict>"));
	assert_str(d.root->first->key, " k ");
	assert_str(d.root->first->text, "\n a\tb ");
	done(&d);
	read_good(&d, PLIST("<array><string/><string></string><string><![CDATA[<a>]]>"
			    "&lt;<!-- no -->b</string></array>"));
	assert_str(d.root->first->text, "");
	assert_str(d.root->first->next->text, "");
	assert_str(d.root->last->text, "<a><b");
	done(&d);
}

static void every_kind_of_value_is_read(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d,
		  PLIST("<array><real>1.5</real><integer>0x1F</integer><false></false>"
			"<date>2026-11-21T12:00:00Z</date><data>\n\tAAEC\n</data>"
			"<integer>+3</integer></array>"));
	assert_int_equal(d.root->first->type, SCALAR_NUMBER);
	assert_str(d.root->first->next->text, "0x1F");
	assert_str(d.root->first->next->next->text, "false");
	assert_str(d.root->last->text, "+3");
	done(&d);
}

static void comments_may_stand_anywhere(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, PLIST("<!-- 1 --><dict><!-- 2 --><key>a</key><!-- 3 -->"
			    "<string>x</string><!-- 4 --></dict><!-- 5 -->"));
	assert_span(&d, d.root->first->whole, "<key>a</key><!-- 3 --><string>x</string>");
	done(&d);
}

static void of_two_members_of_one_name_the_last_counts(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, PLIST("<dict><key>a</key><true/><key>a</key><false/></dict>"));
	assert_true(node_last_wins(d.root));
	done(&d);
}

static void what_is_no_property_list_is_refused_where_it_is_none(void **state)
{
	(void)state;
	assert_bad("<list/>", "<list/>", "expected <plist>");
	assert_bad(PLIST(""), "<plist version=\"1.0\">", "has no value");
	assert_bad(PLIST("<true/><false/>"), "<false/>", "a second value");
	assert_bad(PLIST("x<true/>"), "<plist version=\"1.0\">", "holds text");
	assert_bad(PLIST("<dict><string>a</string></dict>"), "<string>",
		   "expected <key>");
	assert_bad(PLIST("<dict><key>a</key></dict>"), "<key>", "without a value");
	assert_bad(PLIST("<dict><key>a</key><key>b</key></dict>"), "<key>",
		   "<key> is no value");
	assert_bad(PLIST("<dict><key>a</key><true/>b</dict>"), "<dict>", "holds text");
	assert_bad(PLIST("<dict><key><b/></key><true/></dict>"), "<key>",
		   "holds an element");
	assert_bad(PLIST("<array><bool/></array>"), "<bool/>", "<bool> is no value");
	assert_bad(PLIST("<string>a<b/></string>"), "<string>", "holds an element");
	assert_bad(PLIST("<integer>1.5</integer>"), "<integer>", "expected a number");
	assert_bad(PLIST("<integer/>"), "<integer/>", "expected a number");
	assert_bad(PLIST("<integer>0x</integer>"), "<integer>", "expected a number");
	assert_bad(PLIST("<true>no</true>"), "<true>", "expected nothing");
	assert_bad(PLIST("<dict><key>a</dict>"), "</dict", "</key> was expected");
}

static void a_declaration_that_declares_is_refused(void **state)
{
	(void)state;
	assert_bad("<!DOCTYPE plist [<!ENTITY a 'b'>]><plist><true/></plist>",
		   "<!DOCTYPE plist [", "holds more than");
	assert_bad("<!DOCTYPE list><plist><true/></plist>", "<!DOCTYPE",
		   "not accepted, but for that of a property list");
	assert_bad("<plist><true/></plist><!DOCTYPE plist>", "<!DOCTYPE plist>",
		   "behind the root element");
	assert_bad("<!DOCTYPE plist><!DOCTYPE plist><plist><true/></plist>",
		   "<!DOCTYPE plist>", "a second one");
	assert_bad("<!DOCTYPE plist PUBLIC 'a\xc3\xa9' 'b'><plist><true/></plist>",
		   "<!DOCTYPE plist PUBLIC 'a\xc3", "holds more than");
	assert_bad("<!DOCTYPE plist SYSTEM 'a'", "<!DOCTYPE plist SYSTEM 'a'",
		   "does not end");
	/* It could be in the file that the declaration names. */
	assert_bad(PLIST("<string>&copy;</string>"), "&copy;", "no entity of XML");
}

/* ---- binary ---- */

struct binary {
	uint8_t p[4096];
	size_t n, offsets[64], objects;
};

static void put(struct binary *b, const char *bytes, size_t n)
{
	memcpy(b->p + b->n, bytes, n);
	b->n += n;
}

static void begin(struct binary *b)
{
	*b = (struct binary){ 0 };
	put(b, "bplist00", 8);
}

/* An object: its bytes, references of one byte among them. */
#define OBJECT(b, literal)                                                               \
	((b)->offsets[(b)->objects++] = (b)->n, put((b), literal, sizeof(literal) - 1))

static void end(struct binary *b, uint8_t root)
{
	size_t table = b->n;
	uint8_t trailer[32] = { [6] = 2, [7] = 1 };

	for (size_t i = 0; i < b->objects; i++) {
		b->p[b->n++] = (uint8_t)(b->offsets[i] >> 8);
		b->p[b->n++] = (uint8_t)b->offsets[i];
	}
	put_be64(trailer + 8, b->objects);
	put_be64(trailer + 16, root);
	put_be64(trailer + 24, table);
	put(b, (const char *)trailer, sizeof(trailer));
}

static void binary_good(struct doc *d, const struct binary *b)
{
	read_bytes(d, b->p, b->n);
	if (d->rc != 0 || !d->root)
		fail_msg("%s", d->bad ? d->bad->what : d->e.msg);
}

static void binary_bad(const struct binary *b, const char *what)
{
	struct doc d;

	read_bytes(&d, b->p, b->n);
	assert_null(d.root);
	if (d.rc != 0)
		assert_non_null(strstr(d.e.msg, what));
	else if (!strstr(d.bad->what, what))
		fail_msg("'%s' does not say '%s'", d.bad->what, what);
	if (d.bad)
		assert_true(range_within(d.bad->at.off, d.bad->at.len, b->n));
	done(&d);
}

static void binary_values_are_read(void **state)
{
	const struct node *n;
	struct binary b;
	struct doc d;

	(void)state;
	begin(&b);
	OBJECT(&b, "\xd3\1\2\3\4\5\6");
	OBJECT(&b, "\x51"
		   "a");
	OBJECT(&b, "\x51"
		   "b");
	OBJECT(&b, "\x61\0\xe9");
	OBJECT(&b, "\xa5\7\10\11\12\1");
	OBJECT(&b, "\x62\xd8\x3d\xde\0");
	OBJECT(&b, "\x09");
	OBJECT(&b, "\x10\xff");
	OBJECT(&b, "\x13\xff\xff\xff\xff\xff\xff\xff\xfe");
	OBJECT(&b, "\x22\x3f\xc0\0\0");
	OBJECT(&b, "\x5f\x10\x02hi");
	end(&b, 0);
	binary_good(&d, &b);
	assert_int_equal(d.root->kind, NODE_MAP);
	n = node_child(d.root, "a");
	assert_int_equal(n->kind, NODE_LIST);
	assert_str(n->first->text, "255");
	assert_str(n->first->next->text, "-2");
	assert_str(n->first->next->next->text, "1.5");
	assert_str(n->last->text, "a");
	/* The bytes of the object, which is the key of another member. */
	assert_int_equal(n->last->whole.off, b.offsets[1]);
	assert_int_equal(n->last->whole.len, 2);
	assert_int_equal(n->last->text_at.off, b.offsets[1] + 1);
	assert_str(node_child(d.root, "b")->text, "\xf0\x9f\x98\x80");
	n = node_child(d.root, "\xc3\xa9");
	assert_str(n->text, "true");
	assert_int_equal(n->type, SCALAR_BOOL);
	assert_ptr_equal(node_at(d.root, n->whole), n);
	done(&d);
}

static void a_circle_of_objects_ends(void **state)
{
	struct binary b;

	(void)state;
	begin(&b);
	OBJECT(&b, "\xa1\0");
	end(&b, 0);
	binary_bad(&b, "within themselves");
	begin(&b);
	OBJECT(&b, "\xa2\1\1");
	OBJECT(&b, "\xa2\0\0");
	end(&b, 0);
	binary_bad(&b, "within themselves");
}

static void shared_objects_that_double_each_other_are_bounded(void **state)
{
	struct binary b;

	(void)state;
	begin(&b);
	for (char i = 1; i < 60; i++) {
		char pair[3] = { (char)0xa2, i, i };

		b.offsets[b.objects++] = b.n;
		put(&b, pair, 3);
	}
	OBJECT(&b, "\xa0");
	end(&b, 0);
	binary_bad(&b, "more values than are read");
}

static void damaged_binaries_are_refused(void **state)
{
	struct binary b;

	(void)state;
	begin(&b);
	binary_bad(&b, "has at least");
	OBJECT(&b, "\x09");
	end(&b, 1);
	binary_bad(&b, "the root is object 1 of 1");
	begin(&b);
	OBJECT(&b, "\xa1\7");
	end(&b, 0);
	binary_bad(&b, "a reference to object 7 of 1");
	begin(&b);
	OBJECT(&b, "\x5f\x13\x7f\xff\xff\xff\xff\xff\xff\xff");
	end(&b, 0);
	binary_bad(&b, "reaches into the table");
	begin(&b);
	OBJECT(&b, "\x5f\x51"
		   "a");
	end(&b, 0);
	binary_bad(&b, "whose count is no number");
	begin(&b);
	OBJECT(&b, "\xd1\1\1");
	OBJECT(&b, "\x09");
	end(&b, 0);
	binary_bad(&b, "a key that is no string");
	begin(&b);
	OBJECT(&b, "\x51\x80");
	end(&b, 0);
	binary_bad(&b, "said to be ASCII");
	begin(&b);
	OBJECT(&b, "\x70");
	end(&b, 0);
	binary_bad(&b, "type 0x70");
	begin(&b);
	OBJECT(&b, "\x09");
	end(&b, 0);
	b.p[b.n - 26] = 9;
	binary_bad(&b, "expected 1 to 8");
	b.p[b.n - 26] = 2;
	b.p[b.n - 1] = 200;
	binary_bad(&b, "a table of");
}

/* Whatever a byte is made to, it is read or refused, and every place is in the file. */
static void no_byte_leads_outside(void **state)
{
	struct binary b;
	struct doc d;

	(void)state;
	begin(&b);
	OBJECT(&b, "\xd1\1\2");
	OBJECT(&b, "\x51"
		   "a");
	OBJECT(&b, "\xa2\1\3");
	OBJECT(&b, "\x10\1");
	end(&b, 0);
	for (size_t i = 7; i < b.n; i++) {
		uint8_t was = b.p[i];

		for (unsigned v = 0; v < 256; v++) {
			b.p[i] = (uint8_t)v;
			read_bytes(&d, b.p, b.n);
			assert_true(d.rc != 0 || !d.root == !!d.bad);
			if (d.root)
				assert_true(range_within(d.root->whole.off,
							 d.root->whole.len, b.n));
			done(&d);
		}
		b.p[i] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_exact),
		cmocka_unit_test(blanks_are_a_part_of_strings_and_of_keys),
		cmocka_unit_test(every_kind_of_value_is_read),
		cmocka_unit_test(comments_may_stand_anywhere),
		cmocka_unit_test(of_two_members_of_one_name_the_last_counts),
		cmocka_unit_test(what_is_no_property_list_is_refused_where_it_is_none),
		cmocka_unit_test(a_declaration_that_declares_is_refused),
		cmocka_unit_test(binary_values_are_read),
		cmocka_unit_test(a_circle_of_objects_ends),
		cmocka_unit_test(shared_objects_that_double_each_other_are_bounded),
		cmocka_unit_test(damaged_binaries_are_refused),
		cmocka_unit_test(no_byte_leads_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
