/* Walking the node tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/xml_doc.h"

#include "base/banned.h"

static const char text[] = "<domain type='kvm'>\n"
			   "  <name>a</name>\n"
			   "  <devices>\n"
			   "    <disk device='disk'><driver cache='none'/></disk>\n"
			   "    <q:disk xmlns:q='u'/>\n"
			   "    <disk><driver name='qemu' cache='unsafe'/></disk>\n"
			   "  </devices>\n"
			   "</domain>\n";

static const char *locus_of(struct doc *d, struct span at)
{
	struct loci l = { .root = d->root };

	return node_locus(&l, at, &d->arena);
}

static void assert_locus(const char *what, const char *expected)
{
	struct doc d;

	read_good(&d, text);
	assert_string_equal(locus_of(&d, place_of(&d, what)), expected);
	done(&d);
}

static void the_root_is_its_own_locus(void **state)
{
	(void)state;
	assert_locus("<domain", "domain");
	assert_locus("type='kvm'>", "domain");
}

static void a_locus_ends_with_the_attribute(void **state)
{
	(void)state;
	assert_locus("type", "domain@type");
	assert_locus("kvm", "domain@type");
}

static void a_locus_leads_through_the_elements(void **state)
{
	(void)state;
	assert_locus("a</name", "domain/name");
	assert_locus("<devices", "domain/devices");
}

static void steps_are_numbered_where_a_name_repeats(void **state)
{
	(void)state;
	assert_locus("none", "domain/devices/disk[1]/driver@cache");
	assert_locus("unsafe", "domain/devices/disk[3]/driver@cache");
}

/* Each place, and then each other one. */
static void a_locus_is_the_same_whatever_was_asked_before(void **state)
{
	struct loci l;
	struct doc d;

	(void)state;
	read_good(&d, text);
	l = (struct loci){ .root = d.root };
	for (size_t i = 0; i < sizeof(text); i++) {
		for (size_t k = 0; k < sizeof(text); k++) {
			struct span at = { &d.src, k, k % 3 };

			node_locus(&l, (struct span){ &d.src, i, 1 }, &d.arena);
			assert_string_equal(node_locus(&l, at, &d.arena),
					    locus_of(&d, at));
		}
	}
	done(&d);
}

static void a_locus_is_fit_to_show(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<a\xe2\x80\x8d/>");
	assert_string_equal(locus_of(&d, d.root->whole), "a\\u200d");
	done(&d);
}

static void the_deepest_node_around_a_place_is_found(void **state)
{
	struct doc d;
	struct span at;

	(void)state;
	read_good(&d, text);
	assert_str(node_at(d.root, place_of(&d, "cache='unsafe'"))->key, "cache");
	assert_str(node_at(d.root, place_of(&d, "'qemu' cache"))->key, "driver");
	assert_str(node_at(d.root, place_of(&d, "</name>\n  <devices>"))->key, "domain");
	at = place_of(&d, "<name>");
	at.len = 0;
	assert_str(node_at(d.root, at)->key, "name");
	done(&d);
}

static void a_place_outside_of_the_root_is_the_root_s(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<!-- c -->\n<a><b/></a>");
	assert_ptr_equal(node_at(d.root, place_of(&d, "c")), d.root);
	done(&d);
}

static void children_are_found_by_name_and_kind(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<a b='1'><c/><b>2</b><b>3</b></a>");
	assert_str(node_attr(d.root, "b")->text, "1");
	assert_str(node_child(d.root, "b")->text, "2");
	assert_null(node_attr(d.root, "c"));
	assert_null(node_child(d.root, "d"));
	done(&d);
}

static void names_in_a_namespace_are_not_found(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<a q:b='1' xmlns:q='u' xmlns:b='v'><q:b/><b xmlns='u'/></a>");
	assert_null(node_attr(d.root, "b"));
	assert_null(node_child(d.root, "b"));
	assert_null(node_attr(d.root, "q"));
	done(&d);
}

static void the_same_again_is_the_next_of_name_and_namespace(void **state)
{
	struct doc d;
	const struct node *b;

	(void)state;
	read_good(&d, "<a xmlns:q='u'><b>1</b><q:b>2</q:b><c/><b>3</b></a>");
	b = node_again(node_child(d.root, "b"));
	assert_str(b->text, "3");
	assert_null(node_again(b));
	done(&d);
}

/* More names than there are bits for. */
static void what_the_index_says_is_what_there_is(void **state)
{
	char many[4096] = "<a", name[8];
	size_t n = 2;
	struct doc d;

	(void)state;
	for (unsigned i = 0; i < 200; i += 2)
		n += (size_t)snprintf(many + n, sizeof(many) - n, " n%u='%u'", i, i);
	snprintf(many + n, sizeof(many) - n, "/>");
	read_good(&d, many);
	assert_true(d.root->indexed);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(node_attr(d.root, name) != NULL, i % 2 == 0);
	}
	assert_null(node_attr(d.root, ""));
	done(&d);
}

static void a_child_that_comes_later_is_found(void **state)
{
	struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, "<a><b/></a>");
	n = node_try_new(&d.arena, d.root);
	n->kind = NODE_ELEMENT;
	n->key = STR("later");
	assert_ptr_equal(node_child(d.root, "later"), n);
	done(&d);
}

static void a_text_that_changes_is_looked_at_again(void **state)
{
	struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, "<a><b>{{ x }}</b></a>");
	n = d.root->first;
	assert_true(node_is_variable(n));
	assert_false(node_is_open(d.root));
	n->text = STR("x");
	n->kind = NODE_OPAQUE;
	node_changed(n);
	assert_false(node_is_variable(n));
	assert_true(node_is_open(n));
	done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_its_own_locus),
		cmocka_unit_test(a_locus_ends_with_the_attribute),
		cmocka_unit_test(a_locus_leads_through_the_elements),
		cmocka_unit_test(steps_are_numbered_where_a_name_repeats),
		cmocka_unit_test(a_locus_is_the_same_whatever_was_asked_before),
		cmocka_unit_test(a_locus_is_fit_to_show),
		cmocka_unit_test(the_deepest_node_around_a_place_is_found),
		cmocka_unit_test(a_place_outside_of_the_root_is_the_root_s),
		cmocka_unit_test(children_are_found_by_name_and_kind),
		cmocka_unit_test(names_in_a_namespace_are_not_found),
		cmocka_unit_test(the_same_again_is_the_next_of_name_and_namespace),
		cmocka_unit_test(what_the_index_says_is_what_there_is),
		cmocka_unit_test(a_child_that_comes_later_is_found),
		cmocka_unit_test(a_text_that_changes_is_looked_at_again),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
