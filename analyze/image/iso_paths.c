/* Path tables against the tree: each has one entry for each directory, in both byte orders.
 * ECMA-119, 6.9 and 9.4.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso_read.h"
#include "base/vec.h"
#include "base/banned.h"

enum {
	PATH_NAME_LEN = 0,
	PATH_LBA = 2,
	PATH_PARENT = 6,
	PATH_NAME = 8,
	PATHS_MAX = 1 << 20, /* bytes of one that are read */
	PLACES = 6, /* blocks about the other one where a lost one is looked for */
};

bool iso_path_next(const struct iso_paths *t, size_t *off, struct iso_path *out)
{
	size_t n, at = *off;

	if (!view_has(t->raw, at, PATH_NAME + 1))
		return false;
	n = view_u8(t->raw, at + PATH_NAME_LEN);
	if (n == 0 || !view_has(t->raw, at + PATH_NAME, n))
		return false;
	*out = (struct iso_path){
		.at = { t->at.src, t->at.off + at, PATH_NAME + n },
		.lba = { .v = t->big ? view_be32(t->raw, at + PATH_LBA)
				     : view_le32(t->raw, at + PATH_LBA),
			 .at = { t->at.src, t->at.off + at + PATH_LBA, 4 } },
		.parent = t->big ? view_be16(t->raw, at + PATH_PARENT)
				 : view_le16(t->raw, at + PATH_PARENT),
		.name = str_view(view_cut(t->raw, at + PATH_NAME, n)),
	};
	/* Of the last one the byte that makes its length even may be missing. */
	*off = at + PATH_NAME + n + n % 2;
	return true;
}

/* ---- against the tree ---- */

struct by_lba {
	uint32_t lba, dir;
};

static int lba_order(const void *a, const void *b)
{
	const struct by_lba *x = a, *y = b;

	return x->lba < y->lba ? -1 : x->lba > y->lba;
}

struct match {
	const struct iso_volume *v;
	struct by_lba *index;
	uint32_t *dir_of; /* of each entry, counted from 1: the directory */
	bool *used;
};

static bool find_dir(const struct match *m, uint64_t lba, uint32_t *dir)
{
	size_t lo = 0, hi = m->v->ndirs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->index[mid].lba < lba)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == m->v->ndirs || m->index[lo].lba != lba)
		return false;
	*dir = m->index[lo].dir;
	return true;
}

static bool entry_right(struct match *m, const struct iso_path *p, uint32_t number)
{
	const struct iso_dir *d;
	uint32_t dir;

	if (!find_dir(m, p->lba.v, &dir) || m->used[dir])
		return false;
	d = &m->v->dir[dir];
	/* The root stands for its own parent. */
	if (number == 1 ? dir != 0 || p->parent != 1
			: p->parent == 0 || p->parent >= number ||
				  m->dir_of[p->parent] != d->parent)
		return false;
	m->dir_of[number] = dir;
	m->used[dir] = true;
	return str_eq(p->name, d->name);
}

/* Sets t->right, or t->wrong_at. */
static void compare(struct match *m, struct iso_paths *t)
{
	const struct iso_volume *v = m->v;
	struct iso_path p;
	size_t off = 0;

	memset(m->used, 0, v->ndirs * sizeof(*m->used));
	t->right = false;
	for (uint32_t i = 1; i <= v->ndirs; i++) {
		size_t at = off;

		if (!iso_path_next(t, &off, &p)) {
			t->wrong_at = (struct span){ t->at.src, t->at.off + at,
						     u64_min(t->at.len - at, PATH_NAME) };
			if (at >= t->at.len)
				t->wrong_at = t->at;
			return;
		}
		if (!entry_right(m, &p, i)) {
			t->wrong_at = p.at;
			return;
		}
	}
	if (off < t->at.len) {
		t->wrong_at =
			(struct span){ t->at.src, t->at.off + off, t->at.len - off };
		return;
	}
	t->right = true;
}

/* ---- reading ---- */

static bool read_at(struct iso_reader *r, struct iso_paths *t, uint64_t lba, uint64_t n)
{
	uint64_t off;

	t->at = (struct span){ 0 };
	t->raw = (struct view){ 0 };
	if (!u64_mul(lba, ISO_SECTOR, &off) || !range_within(off, n, r->img->size))
		return false;
	if (n == 0 || n > PATHS_MAX)
		return true;
	t->raw = iso_look(r, off, (size_t)n);
	if (t->raw.n)
		t->at = look_span(&r->look, off, n);
	return true;
}

/* Somewhere about the other one, which is right. */
static void find_lost(struct iso_reader *r, struct match *m, struct iso_paths *t,
		      const struct iso_paths *other)
{
	struct iso_paths probe = { .big = t->big };
	uint64_t n = other->at.len, step = div_up(n, ISO_SECTOR);

	if (t->right || !other->right)
		return;
	for (uint64_t i = 1; i <= PLACES && !t->found; i++) {
		uint64_t at[] = { other->lba.v + i * step, other->lba.v - i * step,
				  other->lba.v + step + i - 1 };

		for (size_t k = 0; k < sizeof(at) / sizeof(at[0]) && !t->found; k++) {
			if (at[k] < ISO_FIRST || at[k] > UINT32_MAX ||
			    at[k] == t->lba.v || !read_at(r, &probe, at[k], n) ||
			    probe.raw.n == 0)
				continue;
			compare(m, &probe);
			/* A copy, of one that is there and damaged. */
			if (probe.right && iso_is_mostly(t->raw, probe.raw))
				return;
			t->found = probe.right ? (uint32_t)at[k] : 0;
		}
	}
}

static bool right_with(struct iso_reader *r, struct match *m, uint64_t n)
{
	struct iso_paths probe = { .big = false };

	if (!read_at(r, &probe, m->v->little.lba.v, n) || probe.raw.n == 0)
		return false;
	compare(m, &probe);
	return probe.right;
}

/* Which half of the size is that of a table that is right. */
static void prove_size(struct iso_reader *r, struct match *m, struct iso_pair *p)
{
	bool little, big;

	if (iso_pair_agrees(p))
		return;
	little = right_with(r, m, p->le.v);
	big = right_with(r, m, p->be.v);
	if (little != big)
		p->proven = little ? ISO_LITTLE : ISO_BIG;
}

void iso_paths_read(struct iso_reader *r, struct iso_volume *v)
{
	struct iso_paths *two[] = { &v->little, &v->big };
	struct match m = { .v = v,
			   .index = arena_array(r->a, v->ndirs, struct by_lba),
			   .dir_of = arena_array(r->a, v->ndirs + 1, uint32_t),
			   .used = arena_array(r->a, v->ndirs, bool) };

	for (uint32_t i = 0; i < v->ndirs; i++)
		m.index[i] = (struct by_lba){ v->dir[i].lba, i };
	sort_stable(m.index, v->ndirs, sizeof(*m.index), lba_order);
	if (v->complete)
		prove_size(r, &m, &v->paths_size);
	for (size_t i = 0; i < 2; i++) {
		struct iso_paths *t = two[i];

		t->outside = !read_at(r, t, t->lba.v, iso_value(&v->paths_size));
		/* Behind a truncated end it may well be right. */
		if (t->at.len && v->complete)
			compare(&m, t);
	}
	if (v->complete) {
		find_lost(r, &m, &v->little, &v->big);
		find_lost(r, &m, &v->big, &v->little);
	}
}
