/* A small QCOW2 image and the disk that it shows, for tests that break the one and read the other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_BENCH_GUEST_H
#define TESTS_LIB_BENCH_GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/backing.h"
#include "analyze/image/guest.h"
#include "analyze/image/image.h"
#include "analyze/image/volume.h"
#include "analyze/unit.h"
#include "rules/rule.h"
#include "tests/lib/guest_qcow2.h"

enum { MIB = 1 << 20, SUB = (1 << 14) / 32 };

static const struct host no_host;

struct bench {
	struct guest_qcow2 q;
	struct unit u;
	struct source disk; /* the guest's */
	struct err e;
	uint8_t buf[64 << 10];
};

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	gq_init(&b->q, 9, 0);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;

	unit_close(&b->u);
	gq_free(&b->q);
	free(b);
	return 0;
}

static inline void make(struct bench *b, unsigned bits, uint64_t incompatible)
{
	gq_free(&b->q);
	gq_init(&b->q, bits, incompatible);
}

static inline void open_source(struct bench *b, const struct source *src)
{
	unit_close(&b->u);
	unit_read(&b->u, src, NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_READ);
	if (b->u.guest)
		b->disk = guest_source(b->u.guest);
}

static inline void open_it(struct bench *b)
{
	open_source(b, gq_source(&b->q));
	assert_non_null(b->u.guest);
}

static inline void read_at(struct bench *b, uint64_t off, size_t n)
{
	memset(b->buf, 0xee, sizeof(b->buf));
	if (source_read(&b->disk, off, b->buf, n, &b->e) != 0)
		fail_msg("%s", b->e.msg);
}

static inline void cannot_read(struct bench *b, uint64_t off, const char *why)
{
	assert_int_equal(source_read(&b->disk, off, b->buf, 1, &b->e), -1);
	assert_int_equal(b->e.code, ERR_UNREADABLE);
	if (!strstr(b->e.msg, why))
		fail_msg("'%s' has no '%s'", b->e.msg, why);
}

static inline void is_zero(struct bench *b, uint64_t off, size_t n)
{
	read_at(b, off, n);
	assert_true(view_is_zero((struct view){ b->buf, n }));
}

static inline void is_cluster(struct bench *b, uint64_t off, size_t cluster)
{
	read_at(b, off, b->q.cs);
	assert_memory_equal(b->buf, gq_cluster(&b->q, cluster), b->q.cs);
}

#endif
