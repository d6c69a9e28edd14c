/* An XML text, read, and what tests ask of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_XML_DOC_H
#define TESTS_UNIT_XML_DOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/node.h"
#include "analyze/config/xml.h"

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	const struct syntax_error *bad;
	struct err e;
	int rc;
};

static inline void read_bytes(struct doc *d, const void *p, size_t n)
{
	*d = (struct doc){ .text = { p, n } };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.xml", d->text);
	d->rc = xml_read(&d->src, d->text, &d->arena, &d->root, &d->bad, &d->e);
}

static inline void read_text(struct doc *d, const char *text)
{
	read_bytes(d, text, strlen(text));
}

static inline void done(struct doc *d)
{
	arena_free(&d->arena);
}

static inline void assert_str(struct str s, const char *expected)
{
	if (!str_is(s, expected))
		fail_msg("'%.*s', expected '%s'", STR_ARG(s), expected);
}

static inline void assert_span(const struct doc *d, struct span at, const char *expected)
{
	assert_true(range_within(at.off, at.len, d->text.n));
	assert_ptr_equal(at.src, &d->src);
	assert_str((struct str){ (const char *)d->text.p + at.off, (size_t)at.len },
		   expected);
}

static inline void read_good(struct doc *d, const char *text)
{
	read_text(d, text);
	if (d->bad)
		fail_msg("%s: %s", text, d->bad->what);
	assert_int_equal(d->rc, 0);
	assert_non_null(d->root);
}

/* The span of the first `what` in the text. */
static inline struct span place_of(const struct doc *d, const char *what)
{
	const char *text = (const char *)d->text.p;
	const char *found = memmem(text, d->text.n, what, strlen(what));

	assert_non_null(found);
	return (struct span){ &d->src, (uint64_t)(found - text), strlen(what) };
}

#endif
