/* What the guest keeps on its disk tells where a lost L2 table belongs: the table is laid into
 * a slot, and the disk is looked at through it.
 *
 * What counts names its own place on the disk, or is named by what does: a copy of the GPT, a
 * file system that begins where the partition table has a partition of its size, the spare
 * superblocks and headers of a file system that is there already. Data says nothing. A slot
 * where a spare should stand and does not is none. Reads some KiB for each slot, and only for
 * those that have such places.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_content.h"

#include "analyze/format.h"
#include "analyze/image/disk.h"
#include "analyze/image/gpt.h"
#include "analyze/image/guest.h"
#include "analyze/image/mbr.h"
#include "analyze/image/spare.h"
#include "analyze/unit.h"
#include "base/vec.h"
#include "base/banned.h"

enum {
	LOOK_BUDGET = 24 << 20, /* bytes of memory for one look */
	INFLATE_MAX = 16 << 20,
};

/* The guest's disk, through tables as they would be. */
struct look {
	struct arena a;
	struct patch patch;
	struct source host, disk;
	struct qcow2 q;
	struct guest guest;
	struct guest_packed packed;
	struct image img;
};

/* How much of what there is agrees. */
struct tally {
	unsigned tables, volumes, boots, spares;
};

struct qcow2_content {
	const struct qcow2 *q;
	struct look now; /* without any lost table */
	struct tally tally;
	VEC(struct spare) spares; /* of its volumes */
};

/* ---- a disk ---- */

/* entry at `at`, over whatever lies over the file already. at 0: nothing more. */
static bool lay(struct look *l, const struct qcow2 *q, uint64_t at, uint64_t entry)
{
	const struct patch *was = q->src->patch;
	size_t n = was ? was->n : 0;
	struct patch_run *v = arena_array(&l->a, n + 1, struct patch_run);
	uint8_t *raw = arena_alloc(&l->a, 8, 1);
	struct source base = *q->src;

	for (unsigned i = 0; i < 8; i++)
		raw[i] = (uint8_t)(entry >> 8 * (7 - i));
	for (size_t i = 0; i < n; i++)
		v[i] = was->v[i];
	v[n] = (struct patch_run){ at, { raw, 8 } };
	l->patch = was ? *was : (struct patch){ .size = q->src->size };
	l->patch.v = v;
	l->patch.n = n + (at != 0);
	base.patch = NULL;
	l->host = source_overlay(&base, &l->patch);
	l->q = *q;
	l->q.src = &l->host;
	return !guest_refused(&l->q) && !q->external_data;
}

static bool look_through(struct look *l, const struct qcow2 *q, uint64_t at,
			 uint64_t entry)
{
	struct err e = { 0 };

	arena_init(&l->a, LOOK_BUDGET);
	if (!lay(l, q, at, entry))
		return false;
	l->packed = (struct guest_packed){ .left = INFLATE_MAX };
	guest_init(&l->guest, &l->q, &l->packed, &l->a);
	if (q->unit->guest) {
		l->guest.backing = q->unit->guest->backing;
		l->guest.backing_why = q->unit->guest->backing_why;
	}
	l->disk = guest_source(&l->guest);
	l->img = (struct image){ .src = &l->disk, .size = l->disk.size };
	return source_view(&l->disk, &l->a, 0, u64_min(l->disk.size, PROBE_HEAD),
			   &l->img.head, &e) == 0 &&
	       disk_read_table(&l->img, &l->a, &e) == 0;
}

static void look_end(struct look *l)
{
	arena_free(&l->a);
}

/* Its table can be believed: else its volumes are anything. */
static bool has_table(const struct image *img)
{
	return img->gpt ? img->gpt->good != NULL : mbr_plausible(img->head);
}

/* A file system fills its partition, but for what is less than a unit of its own. */
static bool fills(const struct volume *v)
{
	return v->fs && v->fs->size.at.len && v->fs->size.v <= v->len &&
	       v->fs->size.v >= v->len - v->len / 16;
}

static struct tally tally_of(const struct image *img)
{
	const struct gpt *g = img->gpt;
	struct tally t = { 0 };

	if (!has_table(img))
		return t;
	t.tables = !g || g->good != NULL;
	if (g && gpt_table_ok(&g->primary) && gpt_table_ok(&g->backup) &&
	    guid_eq(g->primary.disk_guid, g->backup.disk_guid))
		t.tables = 2;
	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (!fills(v))
			continue;
		t.volumes++;
		for (size_t k = 1; k < v->nboot; k++)
			t.boots += v->boot[k].start.v == v->boot[0].start.v;
	}
	return t;
}

/* ---- what is known without it ---- */

static void list_spares(struct qcow2_content *c)
{
	struct spare v[SPARES_MAX];
	const struct image *img = &c->now.img;

	for (size_t i = 0; i < img->nvolumes; i++) {
		size_t n = has_table(img) && fills(&img->volumes[i])
				   ? spares_of(&img->volumes[i], v, &c->now.a)
				   : 0;

		for (size_t k = 0; k < n; k++)
			*vec_add(&c->spares, &c->now.a) = v[k];
	}
}

struct qcow2_content *qcow2_content_new(const struct qcow2 *q, struct arena *a)
{
	struct qcow2_content *c = arena_new(a, struct qcow2_content);

	c->q = q;
	if (!look_through(&c->now, q, 0, 0)) {
		look_end(&c->now);
		return NULL;
	}
	c->tally = tally_of(&c->now.img);
	list_spares(c);
	return c;
}

void qcow2_content_free(struct qcow2_content *c)
{
	if (c)
		look_end(&c->now);
}

/* ---- one slot ---- */

static bool is_within(const struct qcow2_content *c, uint64_t slot, uint64_t off)
{
	return off / c->q->l2_bytes == slot;
}

/* Something of that kind may stand there. */
static bool is_asked(const struct qcow2_content *c, uint64_t slot)
{
	const struct image *img = &c->now.img;

	if (slot == 0 || is_within(c, slot, img->size - 1))
		return true;
	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (is_within(c, slot, v->off) || is_within(c, slot, v->off + v->len - 1))
			return true;
	}
	for (size_t i = 0; i < c->spares.n; i++) {
		if (is_within(c, slot, c->spares.v[i].off))
			return true;
	}
	return false;
}

/* False: one is missing. A backing file may have some as well. */
static bool count_spares(const struct qcow2_content *c, struct look *l, uint64_t slot,
			 struct tally *t)
{
	for (size_t i = 0; i < c->spares.n; i++) {
		const struct spare *s = &c->spares.v[i];

		if (!is_within(c, slot, s->off))
			continue;
		if (!spare_stands(s, &l->img, &l->a))
			return false;
		t->spares += !spare_stands(s, &c->now.img, &l->a);
	}
	return true;
}

static bool says_more(const struct tally *was, const struct tally *is)
{
	return is->tables >= was->tables && is->volumes >= was->volumes &&
	       is->boots >= was->boots &&
	       is->tables + is->volumes + is->boots + is->spares >
		       was->tables + was->volumes + was->boots;
}

enum qcow2_told qcow2_content_tells(const struct qcow2_content *c, uint64_t cluster,
				    uint64_t slot)
{
	uint64_t at = c->q->l1.at.off + slot * 8, off = cluster << c->q->cluster_bits.v;
	enum qcow2_told told = QCOW2_TOLD_NOTHING;
	struct look l;
	struct tally t;

	if (!is_asked(c, slot))
		return told;
	if (look_through(&l, c->q, at, off | QCOW2_COPIED)) {
		t = tally_of(&l.img);
		if (count_spares(c, &l, slot, &t) && says_more(&c->tally, &t))
			told = t.tables > c->tally.tables ? QCOW2_TOLD_TABLE
							  : QCOW2_TOLD_CONTENT;
	}
	look_end(&l);
	return told;
}
