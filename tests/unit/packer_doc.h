/* A Packer template, read, and what tests ask of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PACKER_DOC_H
#define TESTS_UNIT_PACKER_DOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/packer.h"
#include "analyze/unit.h"

struct doc {
	struct source src;
	struct unit unit;
};

static const struct host no_host;

static inline void read_text_on(struct doc *d, const char *text, const struct host *host)
{
	d->src = source_of_bytes("t.pkr.hcl", str_bytes(str_of(text)));
	unit_read(&d->unit, &d->src, NULL, host);
	if (d->unit.state != UNIT_READ || d->unit.syntax)
		fail_msg("state %u: %s", d->unit.state,
			 d->unit.syntax ? d->unit.syntax->what : d->unit.why.msg);
	assert_string_equal(d->unit.format->name, "packer");
}

static inline void read_text(struct doc *d, const char *text)
{
	read_text_on(d, text, &no_host);
}

static inline void assert_fact(const struct fact *f, const char *expected)
{
	if (!fact_is(f, expected))
		fail_msg("state %u, '%.*s', expected '%s'", f->state, STR_ARG(f->v),
			 expected);
}

#endif
