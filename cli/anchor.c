/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/anchor.h"

#include "analyze/medium.h"

#include "base/banned.h"

static void add(struct buf *out, const struct unit *u, const struct lines *lines,
		const struct line_hashes *hashes, const struct disk *d)
{
	const struct fact *f = fact_known(&d->source) ? &d->source : &d->made_from;
	struct anchor x = { 0 };

	if (!fact_known(f) || !d->medium || f->at.src != &u->src)
		return;
	x.dev = d->medium->file.st.st_dev;
	x.ino = d->medium->file.st.st_ino;
	x.from = lines_pos(lines, f->at.off);
	x.to = lines_pos(lines, span_end(f->at));
	line_hash_text(hashes, x.from.line, x.hash);
	buf_add_bytes(out, &x, sizeof(x));
}

static bool names_media(const struct unit *u)
{
	for (size_t i = 0; i < u->nvms; i++) {
		for (size_t k = 0; k < u->vms[i].ndisks; k++) {
			if (u->vms[i].disks[k].medium)
				return true;
		}
	}
	return false;
}

void anchors_read(struct buf *out, const struct unit *u)
{
	struct line_hashes hashes;
	struct lines lines;
	struct arena a;

	if (!unit_has_lines(u) || !names_media(u))
		return;
	arena_init(&a, ARENA_BUDGET);
	lines = lines_of(u->text, &a);
	hashes = line_hashes(u->text, &a);
	for (size_t i = 0; i < u->nvms; i++) {
		for (size_t k = 0; k < u->vms[i].ndisks; k++)
			add(out, u, &lines, &hashes, &u->vms[i].disks[k]);
	}
	arena_free(&a);
}

void anchors_take(struct anchors *all, const char *path, struct buf *read,
		  struct arena *a)
{
	for (size_t at = 0; at < read->n; at += sizeof(struct anchor)) {
		struct anchor *x = vec_add(&all->v, a);

		memcpy(x, read->p + at, sizeof(*x));
		x->path = path;
	}
	buf_free(read);
}

const struct anchor *anchors_find(const struct anchors *all, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < all->v.n; i++) {
		if (all->v.v[i].dev == dev && all->v.v[i].ino == ino)
			return &all->v.v[i];
	}
	return NULL;
}
