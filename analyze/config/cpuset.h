/* Sets of CPUs and of NUMA nodes as libvirt writes them: "0-3,^2,8".
 * libvirt, src/util/virbitmap.c (virBitmapParse)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_CPUSET_H
#define ANALYZE_CONFIG_CPUSET_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* VIR_DOMAIN_CPUMASK_LEN */
enum { CPUSET_BITS = 16384, CPUSET_WORDS = CPUSET_BITS / 64 };

struct cpuset {
	uint64_t words[CPUSET_WORDS];
};

/* False: libvirt cannot read it. */
bool cpuset_read(struct cpuset *c, struct str text);

bool cpuset_has(const struct cpuset *c, unsigned bit);
void cpuset_add(struct cpuset *c, unsigned bit);
bool cpuset_empty(const struct cpuset *c);
bool cpuset_same(const struct cpuset *a, const struct cpuset *b);
bool cpuset_meet(const struct cpuset *a, const struct cpuset *b);   /* any in both */
bool cpuset_within(const struct cpuset *a, const struct cpuset *b); /* all of a in b */
/* The first from there on; CPUSET_BITS: none. */
unsigned cpuset_next(const struct cpuset *c, unsigned from);
/* Drops all from there on. */
void cpuset_shrink(struct cpuset *c, uint64_t bits);
unsigned cpuset_count(const struct cpuset *c);

#endif
