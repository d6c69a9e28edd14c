/* Rules on the persistent bitmaps of a QCOW2: which clusters changed since a backup.
 * docs/interop/qcow2.txt of QEMU, "Bitmaps extension", "Bitmap directory".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "rewrite/qcow2_edit.h"
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	EXT_LENGTH = 24,
	GRANULARITY_MIN = 9,
	GRANULARITY_MAX = 31,
	TYPE_DIRTY = 1,
	BITS_MAX = 512 << 20, /* bytes of one: QEMU's BME_MAX_PHYS_SIZE */
	SHOWN_MAX = 8,
	COMPARED_MAX = 1024, /* names are compared each with each */
};
#define DIRECTORY_MAX (UINT64_C(65535) * 1024)

/* QEMU reads bitmaps only when the bit says that they are right. */
static bool in_force(const struct qcow2 *q)
{
	return q->bitmaps.ext && (q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS);
}

/* ---- qcow2-bitmap-dir ---- */

static bool check_ext(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_bitmaps *b = &q->bitmaps;
	struct finding *f;

	if (b->ext->len.v != EXT_LENGTH)
		f = report(s, b->ext->len.at,
			   "the extension for bitmaps has %llu bytes, expected %d",
			   LLU(b->ext->len.v), EXT_LENGTH);
	else if (b->reserved.v)
		f = report(
			s, b->reserved.at,
			"the reserved field of the extension for bitmaps is %#llx, expected "
			"0",
			LLU(b->reserved.v));
	else if (b->count.v == 0 || b->count.v > QCOW2_BITMAPS_MAX)
		f = report(
			s, b->count.at,
			"the extension for bitmaps says that there are %llu, expected 1 to "
			"%d",
			LLU(b->count.v), QCOW2_BITMAPS_MAX);
	else if (b->directory_size.v == 0 || b->directory_size.v > DIRECTORY_MAX)
		f = report(s, b->directory_size.at,
			   "the bitmap directory has %llu bytes, expected 1 to %llu",
			   LLU(b->directory_size.v), LLU(DIRECTORY_MAX));
	else if (b->directory_offset.v == 0 || b->directory_offset.v % q->cluster_size)
		f = report(s, b->directory_offset.at,
			   "the bitmap directory is at %llu, expected a multiple of the "
			   "cluster size, %llu",
			   LLU(b->directory_offset.v), LLU(q->cluster_size));
	else if (qcow2_beyond(q, b->at))
		f = report(
			s, b->directory_offset.at,
			"the bitmap directory, %llu bytes at %llu, goes past the end of the "
			"file, %llu",
			LLU(b->directory_size.v), LLU(b->directory_offset.v),
			LLU(q->file_size));
	else
		return true;
	report_label(s, f, "QEMU refuses the image");
	return false;
}

/* The bits of its table cover the disk. One in use may have been made for another size. */
static bool covers_disk(const struct qcow2 *q, const struct qcow2_bitmap *b)
{
	uint64_t bytes;

	return (b->flags.v & QCOW2_BITMAP_IN_USE) ||
	       !u64_mul(b->table_size.v, q->cluster_size * 8, &bytes) ||
	       !u64_mul(bytes, UINT64_C(1) << b->granularity_bits.v, &bytes) ||
	       bytes >= q->size.v;
}

static struct finding *bad_table(struct scan *s, const struct qcow2 *q,
				 const struct qcow2_bitmap *b, const char *name)
{
	switch (b->table.state) {
	case QCOW2_TABLE_NONE:
	case QCOW2_TABLE_TOO_LARGE:
		return report(
			s, b->table_size.at,
			"the table of bitmap '%s' has %llu entries, expected 1 to %d",
			name, LLU(b->table_size.v), 1 << 27);
	case QCOW2_TABLE_ZERO:
	case QCOW2_TABLE_UNALIGNED:
		return report(
			s, b->table_offset.at,
			"the table of bitmap '%s' is at %llu, expected a multiple of the "
			"cluster size, %llu, and not 0",
			name, LLU(b->table_offset.v), LLU(q->cluster_size));
	case QCOW2_TABLE_CUT:
		if (!qcow2_beyond(q, b->table.at))
			return NULL;
		return report(s, b->table_size.at,
			      "the table of bitmap '%s' goes past the end of the file",
			      name);
	case QCOW2_TABLE_OUTSIDE:
		return report(
			s, b->table_offset.at,
			"the table of bitmap '%s' is at %llu, and the file ends at %llu",
			name, LLU(b->table_offset.v), LLU(q->file_size));
	case QCOW2_TABLE_WHOLE:
	case QCOW2_TABLE_NO_ROOM:
		return NULL;
	}
	return NULL;
}

static bool check_bitmap(struct scan *s, const struct qcow2 *q,
			 const struct qcow2_bitmap *b)
{
	const char *name = shown(s, b->name);
	struct finding *f;

	if (b->name.n == 0 || b->name.n > QCOW2_NAME_MAX)
		f = report(s, b->name_length.at,
			   "the name of a bitmap has %zu bytes, expected 1 to %d",
			   b->name.n, QCOW2_NAME_MAX);
	else if (b->type.v != TYPE_DIRTY)
		f = report(s, b->type.at, "bitmap '%s' is of type %llu, expected %d",
			   name, LLU(b->type.v), TYPE_DIRTY);
	else if (b->granularity_bits.v < GRANULARITY_MIN ||
		 b->granularity_bits.v > GRANULARITY_MAX)
		f = report(
			s, b->granularity_bits.at,
			"bitmap '%s' has a granularity of %llu bits, expected %d to %d",
			name, LLU(b->granularity_bits.v), GRANULARITY_MIN,
			GRANULARITY_MAX);
	else if (b->flags.v & ~UINT64_C(3))
		f = report(s, b->flags.at,
			   "bitmap '%s' has flags %#llx, expected at most 3", name,
			   LLU(b->flags.v));
	else if (b->extra_size.v)
		f = report(s, b->extra_size.at,
			   "bitmap '%s' has %llu bytes of extra data, expected none",
			   name, LLU(b->extra_size.v));
	else if (b->table.state != QCOW2_TABLE_TOO_LARGE &&
		 b->table_size.v > BITS_MAX / q->cluster_size)
		f = report(s, b->table_size.at,
			   "the table of bitmap '%s' has %llu entries, expected at most "
			   "%llu: %d MiB of bits",
			   name, LLU(b->table_size.v), LLU(BITS_MAX / q->cluster_size),
			   BITS_MAX >> 20);
	else if (!covers_disk(q, b))
		f = report(
			s, b->table_size.at,
			"the table of bitmap '%s' has %llu entries, too few for a disk of "
			"%llu bytes",
			name, LLU(b->table_size.v), LLU(q->size.v));
	else
		f = bad_table(s, q, b, name);
	if (f)
		report_label(s, f, "QEMU refuses the image");
	return !f;
}

static void check_names(struct scan *s, const struct qcow2_bitmaps *l)
{
	for (size_t i = 1; i < u64_min(l->n, COMPARED_MAX); i++) {
		for (size_t j = 0; j < i; j++) {
			struct finding *f;

			if (!str_eq(l->v[i].name, l->v[j].name) || l->v[i].name.n == 0)
				continue;
			f = report(s, l->v[i].name_at, "two bitmaps have the name '%s'",
				   shown(s, l->v[i].name));
			report_related(s, f, l->v[j].at, "the other one");
			report_label(s, f, "QEMU refuses the image");
			return;
		}
	}
}

static void check_directory(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_bitmaps *b = &q->bitmaps;
	uint64_t used = 0;
	size_t bad = 0;

	if (!qcow2_understood(q) || !in_force(q) || !check_ext(s, q))
		return;
	for (size_t i = 0; bad < SHOWN_MAX && i < b->n; i++)
		bad += !check_bitmap(s, q, &b->v[i]);
	if (b->n)
		used = span_end(b->v[b->n - 1].at) - b->at.off;
	if (b->state == QCOW2_LIST_CUT)
		report(s, b->count.at,
		       "nb_bitmaps is %llu, and the directory of %llu bytes ends after %zu",
		       LLU(b->count.v), LLU(b->directory_size.v), b->n);
	else if (b->state == QCOW2_LIST_WHOLE && used < b->directory_size.v)
		report(s, b->directory_size.at,
		       "the bitmap directory has %llu bytes, and what is in it (%zu) takes %llu",
		       LLU(b->directory_size.v), b->n, LLU(used));
	check_names(s, b);
}

/* Only the length of the extension is wrong: with 24 bytes, the next one begins where one
 * can. */
static bool only_length_is_wrong(const struct qcow2 *q)
{
	uint64_t off = q->bitmaps.ext->data_at.off;
	uint64_t room = span_end(q->ext_area) - off;
	uint64_t next = off + EXT_LENGTH;

	if (q->bitmaps.ext->len.v == EXT_LENGTH || room < EXT_LENGTH)
		return false;
	return room == EXT_LENGTH || qcow2_extensions_from(q, next) ||
	       (room >= EXT_LENGTH + 8 &&
		view_is_zero(view_cut(q->head, (size_t)next, 8)));
}

/* Takes the extension out; those behind it move up. What stands behind the last one stays. */
static bool drop_ext(struct plan *p, const struct qcow2 *q)
{
	const struct qcow2_ext *last = &q->ext[q->next - 1];
	uint64_t from = UINT64_MAX;
	size_t n = 0;
	uint8_t *b;

	for (size_t i = 0; i < q->next; i++) {
		if (q->ext[i].type.v == QCOW2_EXT_BITMAPS)
			from = u64_min(from, q->ext[i].at.off);
	}
	BUG_ON(from > last->at.off);
	b = arena_alloc(p->arena, (size_t)(span_end(last->at) - from), 1);
	for (size_t i = 0; i < q->next; i++) {
		struct span at = q->ext[i].at;
		struct view v = view_cut(q->head, (size_t)at.off, (size_t)at.len);

		if (at.off < from || q->ext[i].type.v == QCOW2_EXT_BITMAPS)
			continue;
		memcpy(b + n, v.p, v.n);
		n += v.n;
	}
	return plan_bytes(p, STAGE_COMMIT, from,
			  (struct view){ b, (size_t)(span_end(last->at) - from) });
}

static bool extensions_are_whole(const struct qcow2 *q)
{
	return q->ext_stop == QCOW2_EXT_STOP_MARK || q->ext_stop == QCOW2_EXT_STOP_FULL;
}

static bool fix_directory(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_bitmaps *b = &q->bitmaps;

	if (b->reserved.at.len && f->at.off == b->reserved.at.off) {
		plan_title(p, "zero the reserved field");
		return plan_be32(p, STAGE_COMMIT, b->reserved.at, 0);
	}
	if (only_length_is_wrong(q)) {
		plan_title(p, "a length of %d", EXT_LENGTH);
		return plan_be32(p, STAGE_COMMIT, b->ext->len.at, EXT_LENGTH);
	}
	if (!extensions_are_whole(q))
		return plan_refuse(p, "the header extensions have to be right first");
	plan_title(p, "no bitmaps: the next backup is a full one");
	return drop_ext(p, q) &&
	       plan_be64(p, STAGE_COMMIT, q->autoclear.at,
			 q->autoclear.v & ~QCOW2_AUTOCLEAR_BITMAPS) &&
	       qcow2_plan_free_bitmaps(p, q);
}

/* ---- qcow2-bitmap-inuse ---- */

static void check_inuse(struct scan *s, const struct qcow2 *q)
{
	size_t n = 0;

	if (!qcow2_understood(q) || !in_force(q) || qcow2_live(q))
		return;
	for (size_t i = 0; n < SHOWN_MAX && i < q->bitmaps.n; i++) {
		const struct qcow2_bitmap *b = &q->bitmaps.v[i];

		if (!(b->flags.v & QCOW2_BITMAP_IN_USE))
			continue;
		report(s, b->flags.at,
		       "bitmap '%s' is in use, and nobody writes to the image: it was not "
		       "saved when the VM ended",
		       shown(s, b->name));
		n++;
	}
}

/* ---- qcow2-bitmap-stale ---- */

static void check_stale(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q) || !q->bitmaps.ext || in_force(q))
		return;
	report(s, q->bitmaps.ext->at,
	       "there is an extension for bitmaps, but autoclear feature bit 0 is clear: a "
	       "program that knows no bitmaps has written to the image");
}

static bool fix_stale(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	if (!extensions_are_whole(q))
		return plan_refuse(p, "the header extensions have to be right first");
	plan_title(p, "drop the extension, as QEMU does; what only they used is free");
	return drop_ext(p, q) && qcow2_plan_free_bitmaps(p, q);
}

/* ---- qcow2-bitmap-autoclear-noext ---- */

static void check_noext(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_understood(q) || q->bitmaps.ext ||
	    !(q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS))
		return;
	f = report(s, q->autoclear.at,
		   "autoclear feature bit 0 says that there are bitmaps, but no header "
		   "extension says where");
	report_label(s, f, "QEMU marks the image as corrupt at the first write");
}

static bool fix_noext(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;

	(void)f;
	if (!extensions_are_whole(q) && q->ext_area.len)
		return plan_refuse(p, "the header extensions have to be right first");
	if (qcow2_name_in_header(q))
		return plan_refuse(p,
				   "the name of the backing file hides the extensions");
	if (!c || !c->complete || c->limit)
		return plan_refuse(p, "not all tables of the image can be read");
	if (c->norphans)
		return plan_refuse(p,
				   "clusters that nobody refers to are in the image, and "
				   "may be those of the bitmaps");
	plan_title(p, "no bitmaps: clear autoclear bit 0");
	return plan_be64(p, STAGE_COMMIT, q->autoclear.at,
			 q->autoclear.v & ~QCOW2_AUTOCLEAR_BITMAPS);
}

const struct rule rules_qcow2_bitmap[] = {
	{ .id = "qcow2-bitmap-autoclear-noext",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "bitmaps are announced, and there are none",
	  .why = "`qemu-img check` finds nothing wrong. At the first write QEMU takes the "
		 "missing bitmap directory for one that is about to be overwritten, fails the "
		 "write, and marks the image as corrupt.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, autoclear feature bit 0; "
		  "block/qcow2-refcount.c, qcow2_check_metadata_overlap(), seen with 7.2",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_noext, fix_noext) },
	{ .id = "qcow2-bitmap-dir",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "bitmaps that cannot be read",
	  .why = "QEMU then refuses the whole image, also for `qemu-img check -r`. Bitmaps say "
		 "what changed since a backup; the disk's contents do not depend on them.",
	  .source = "QEMU, block/qcow2-bitmap.c, check_constraints_on_bitmap(), "
		    "bitmap_list_load(); block/qcow2.c, qcow2_read_extensions()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_directory, fix_directory) },
	{ .id = "qcow2-bitmap-inuse",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a bitmap that was not saved",
	  .why = "What was written since it was loaded is not in it. QEMU calls it inconsistent "
		 "and does not use it: an incremental backup fails.",
	  .steps =
		  "`qemu-img bitmap --remove IMAGE NAME`, then a full backup with a new one.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Bitmap directory\", flag 0",
	  .since = "0.1.0",
	  CHECK(qcow2, check_inuse) },
	{ .id = "qcow2-bitmap-stale",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "bitmaps that another program's writes have made void",
	  .why = "QEMU warns each time that it opens the image, ignores them, and drops the "
		 "extension at the next chance to write. Their clusters remain as leaks.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, autoclear feature bit 0: the extension must "
		  "be considered inconsistent; block/qcow2.c, qcow2_read_extensions()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_stale, fix_stale) },
};

RULES_END(qcow2_bitmap);
