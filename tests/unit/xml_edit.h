/* A libvirt domain, read, a plan on it, and the text that the plan makes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_XML_EDIT_H
#define TESTS_UNIT_XML_EDIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/libvirt.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	const struct node *root;
	const struct vm *vm;
	struct plan plan;
};

static inline void doc_read(struct doc *d, struct str text)
{
	static const struct host host;
	const struct syntax_error *bad;
	struct node *root;
	struct err e = { 0 };

	*d = (struct doc){ .text = str_bytes(text) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.xml", d->text);
	if (xml_read(&d->src, d->text, &d->arena, &root, &bad, &e) != 0 || !root)
		fail_msg("%s in:\n%.*s", bad ? bad->what : e.msg, STR_ARG(text));
	d->root = root;
	d->vm = libvirt_vm(root, &host, &d->arena);
	assert_non_null(d->vm);
	d->plan = plan_on(&d->src, &d->arena);
}

static inline void doc_done(struct doc *d)
{
	arena_free(&d->arena);
}

static inline struct str doc_result(struct doc *d)
{
	return str_view(plan_text(&d->plan, d->text, &d->arena));
}

static inline void assert_text(struct str found, const char *expected)
{
	if (!str_is(found, expected))
		fail_msg("\n%.*s\nexpected:\n%s", STR_ARG(found), expected);
}

#endif
