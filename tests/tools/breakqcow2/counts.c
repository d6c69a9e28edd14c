/* Breaks of refcounts. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include <unistd.h>

#include "base/banned.h"

/* Where the refcount of a cluster is; 0 when no block has it. */
static uint64_t count_at(const struct image *m, uint64_t cluster, unsigned *shift)
{
	uint64_t per_block = m->cluster * 8 / m->refcount_bits;
	uint64_t block = get(m, m->rt + cluster / per_block * 8, 8);
	uint64_t bit = cluster % per_block * m->refcount_bits;

	/* Below a byte: the first is in the lowest bits. */
	*shift = m->refcount_bits < 8 ? (unsigned)(bit % 8) : 0;
	return block ? block + bit / 8 : 0;
}

static uint64_t width_mask(const struct image *m)
{
	return m->refcount_bits < 64 ? (UINT64_C(1) << m->refcount_bits) - 1 : UINT64_MAX;
}

static uint64_t get_count(const struct image *m, uint64_t cluster)
{
	unsigned shift, bytes = m->refcount_bits < 8 ? 1 : m->refcount_bits / 8;
	uint64_t at = count_at(m, cluster, &shift);

	return at ? get(m, at, bytes) >> shift & width_mask(m) : 0;
}

static void put_count(struct image *m, uint64_t cluster, uint64_t v)
{
	unsigned shift, bytes = m->refcount_bits < 8 ? 1 : m->refcount_bits / 8;
	uint64_t at = count_at(m, cluster, &shift), old = get_count(m, cluster), all;

	say(m, "refcount of cluster %llu: %llu -> %llu", (unsigned long long)cluster,
	    (unsigned long long)old, (unsigned long long)(v & width_mask(m)));
	if (!at)
		return;
	all = get(m, at, bytes) & ~(width_mask(m) << shift);
	put(m, at, bytes, all | (v & width_mask(m)) << shift);
}

/* A cluster with a refcount that is at least so. */
static uint64_t counted(struct image *m, uint64_t least)
{
	uint64_t n = m->size / m->cluster, c = pick(m, n);

	for (uint64_t i = 0; i < n; i++) {
		if (get_count(m, (c + i) % n) >= least)
			return (c + i) % n;
	}
	return c;
}

void break_count_zero(struct image *m)
{
	put_count(m, counted(m, 1), 0);
}

void break_count_low(struct image *m)
{
	uint64_t c = counted(m, 2);

	put_count(m, c, get_count(m, c) - 1);
}

void break_count_high(struct image *m)
{
	uint64_t c = counted(m, 1), v = get_count(m, c);

	/* One bit cannot say more. */
	put_count(m, c, v == width_mask(m) ? v - 1 : v + 1 + pick(m, 2));
}

/* What a crash leaves: a cluster that was taken, and what somebody wrote there. */
void break_leak(struct image *m)
{
	uint64_t c = (m->size + m->cluster - 1) / m->cluster;

	if (ftruncate(m->fd, (off_t)((c + 1) * m->cluster)) != 0)
		die("cannot make it longer");
	if (pick(m, 2))
		scribble(m, c * m->cluster, 512);
	put_count(m, c, 1);
}

void break_refblock_gone(struct image *m)
{
	uint64_t at = pick_place(m, &m->refblocks);

	zero(m, at, m->cluster);
	say(m, "the refcount block at 0x%llx is zeros", (unsigned long long)at);
}

void break_refblock_noise(struct image *m)
{
	uint64_t at = pick_place(m, &m->refblocks);

	scribble(m, at, m->cluster);
	say(m, "noise over the refcount block at 0x%llx", (unsigned long long)at);
}

/* ---- the refcount table ---- */

static void change_rt(struct image *m, uint64_t at, uint64_t v)
{
	change(m, "RT entry", at, 8, v);
}

void break_rt_zero(struct image *m)
{
	change_rt(m, pick_place(m, &m->rt_entries), 0);
}

void break_rt_wild(struct image *m)
{
	change_rt(m, pick_place(m, &m->rt_entries), some_cluster(m));
}

void break_rt_unaligned(struct image *m)
{
	uint64_t at = pick_place(m, &m->rt_entries);

	change_rt(m, at, get(m, at, 8) + 512 * (1 + pick(m, m->cluster / 512)));
}

void break_rt_reserved(struct image *m)
{
	uint64_t at = pick_place(m, &m->rt_entries);

	change_rt(m, at, get(m, at, 8) ^ UINT64_C(1) << pick(m, 9));
}

void break_rt_eof(struct image *m)
{
	change_rt(m, pick_place(m, &m->rt_entries),
		  (m->size / m->cluster + 1 + pick(m, 1000)) * m->cluster);
}

void break_rt_offset(struct image *m)
{
	uint64_t v = m->rt;

	switch (pick(m, 4)) {
	case 0:
		v = 0;
		break;
	case 1:
		v += UINT64_C(8) << pick(m, 6);
		break;
	case 2:
		v = some_cluster(m);
		break;
	case 3:
		v = (m->size / m->cluster + pick(m, 1000)) * m->cluster;
		break;
	}
	change(m, "refcount table offset", 48, 8, v);
}

void break_rt_clusters(struct image *m)
{
	static const uint32_t counts[] = { 0, 2, 1000, UINT32_MAX };

	change(m, "refcount table clusters", 56, 4, counts[pick(m, 4)]);
}
