/* A QCOW2 image in memory that a test breaks, and what is read of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_BENCH_FIELDS_H
#define TESTS_LIB_BENCH_FIELDS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/small_qcow2.h"
#include "tests/lib/touch_qcow2.h"

static const struct host no_host;

/* An image that a test breaks, and its facts. */
struct bench {
	struct small_qcow2 s;
	struct unit u;
	struct patch patch;
	struct source over;
	struct arena arena;
};

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	small_init(&b->s);
	arena_init(&b->arena, ARENA_BUDGET);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;

	unit_close(&b->u);
	arena_free(&b->arena);
	small_free(&b->s);
	free(b);
	return 0;
}

static inline const struct qcow2 *read_source(struct bench *b, const struct source *src)
{
	unit_close(&b->u);
	unit_read(&b->u, src, NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_READ);
	assert_non_null(b->u.qcow2);
	touch_qcow2(b->u.qcow2, &b->arena);
	return b->u.qcow2;
}

static inline const struct qcow2 *read_it(struct bench *b)
{
	return read_source(b, small_source(&b->s));
}

/* The same file, longer by a hole, as a file is: not in memory. */
static inline const struct qcow2 *read_sparse(struct bench *b, uint64_t size)
{
	b->patch = (struct patch){ .size = size };
	b->over = source_overlay(small_source(&b->s), &b->patch);
	return read_source(b, &b->over);
}

static inline void field_is(struct field f, uint64_t v, uint64_t off, uint64_t len)
{
	assert_int_equal(f.v, v);
	assert_int_equal(f.at.off, off);
	assert_int_equal(f.at.len, len);
}

static inline void str_equals(struct str s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

#endif
