/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/map.h"
#include "base/banned.h"

struct map_range *map_add(struct map *m, struct arena *a, uint64_t off, uint64_t len)
{
	struct map_range *r = vec_add(&m->v, a);

	r->off = off;
	if (!u64_add(off, len, &r->end))
		r->end = UINT64_MAX;
	r->key = "";
	r->what = "";
	return r;
}

static int by_place(const void *va, const void *vb)
{
	const struct map_range *a = va, *b = vb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return 0;
}

void map_sort(struct map *m)
{
	vec_sort(&m->v, by_place);
}

void map_gaps(const struct map *m, struct arena *a, uint64_t off, uint64_t end,
	      bool containers, map_gap gap, void *ctx)
{
	VEC(struct map_range) v = { 0 };
	uint64_t at = off;

	/* A copy: gap() may add to the map. */
	for (size_t i = 0; i < m->v.n; i++) {
		const struct map_range *r = &m->v.v[i];

		if (r->off < r->end && (containers || r->kind != MAP_CONTAINER))
			*vec_add(&v, a) = *r;
	}
	vec_sort(&v, by_place);
	for (size_t i = 0; i < v.n && at < end; i++) {
		if (v.v[i].off > at)
			gap(ctx, at, u64_min(v.v[i].off, end));
		at = u64_max(at, v.v[i].end);
	}
	if (at < end)
		gap(ctx, at, end);
}

uint64_t map_alignment(uint64_t off)
{
	uint64_t a = MAP_ALIGN_MAX;

	while (off % a != 0)
		a /= 2;
	return a;
}

void buf_extent(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t unit = 1024, rest;
	unsigned u = 0;

	if (bytes < 1024) {
		buf_printf(out, "%llu B", (unsigned long long)bytes);
		return;
	}
	while (u < 5 && bytes / 1024 >= unit) {
		unit *= 1024;
		u++;
	}
	rest = bytes % unit;
	buf_printf(out, "%llu", (unsigned long long)(bytes / unit));
	if (rest)
		buf_printf(out, ".%llu", (unsigned long long)(rest * 10 / unit));
	buf_printf(out, " %s", units[u]);
}

void map_free(struct map *m)
{
	for (size_t i = 0; i < m->v.n; i++)
		buf_free(&m->v.v[i].marks);
}
