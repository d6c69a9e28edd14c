/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/qcow2_tally.h"
#include "analyze/source.h"

#include "base/banned.h"

/* What one scan may hold at a time, beside what the unit holds already. The first ones are
 * for files of any kind; a file that takes up more may ask for a part of that, up to the
 * others. 16 TiB in clusters of 64 KiB that lie anywhere, with snapshots, need 200 MiB of
 * counts; a million L2 tables need 60 MiB of scratch. */
enum {
	COUNTS_SMALL = 20 << 20,
	COUNTS_MOST = 512 << 20,
	SCRATCH_SMALL = 18 << 20,
	SCRATCH_MOST = 256 << 20,
	PART = 4,
};

const char *qcow2_use_title(enum qcow2_use u)
{
	static const char *const title[] = {
#define X(name, title) title,
		QCOW2_USES(X)
#undef X
	};

	return title[u];
}

bool qcow2_use_is_metadata(enum qcow2_use u)
{
	return u != QCOW2_USE_DATA && u != QCOW2_USE_COMPRESSED &&
	       u != QCOW2_USE_VM_STATE;
}

const char *qcow2_flaw_word(enum qcow2_flaw_kind k)
{
	static const char *const word[] = {
#define X(name, word) word,
		QCOW2_FLAWS(X)
#undef X
	};

	return word[k];
}

const char *qcow2_orphan_word(enum qcow2_orphan_kind k)
{
	static const char *const word[] = {
#define X(name, word) word,
		QCOW2_ORPHANS(X)
#undef X
	};

	return word[k];
}

void qcow2_tally_limit(struct qcow2_tally *t, const char *what)
{
	if (!t->scan->limit)
		t->scan->limit = what;
}

/* ---- flaws ---- */

/* What f says is what comes next after all that `last` says. */
static bool goes_on(const struct qcow2 *q, const struct qcow2_flaw *last,
		    const struct qcow2_flaw *f)
{
	uint64_t bytes;

	if (last->cluster + last->n != f->cluster || last->stored != f->stored ||
	    last->counted != f->counted)
		return false;
	switch (f->kind) {
	case QCOW2_FLAW_REFCOUNT_ZERO:
	case QCOW2_FLAW_REFCOUNT_LOW:
	case QCOW2_FLAW_REFCOUNT_HIGH:
	case QCOW2_FLAW_LEAK:
	case QCOW2_FLAW_REFCOUNT_PAST_EOF:
		return true;
	case QCOW2_FLAW_L2_RESERVED:
	case QCOW2_FLAW_L2_UNALIGNED:
	case QCOW2_FLAW_L2_ZERO_UNALIGNED:
	case QCOW2_FLAW_L2_PAST_EOF:
	case QCOW2_FLAW_L2_COPIED_WRONG:
	case QCOW2_FLAW_L2_COPIED_MISSING:
	case QCOW2_FLAW_L2_ZERO_V2:
	case QCOW2_FLAW_L2_BEHIND_DISK:
	case QCOW2_FLAW_BITMAP_BOTH:
	case QCOW2_FLAW_BITMAP_BIT0:
	case QCOW2_FLAW_DATA_FILE_OFFSET:
		bytes = last->n * q->l2_entry_size;
		return last->at.off + bytes == f->at.off &&
		       last->entry + last->n * q->cluster_size == f->entry;
	case QCOW2_FLAW_L1_RESERVED:
	case QCOW2_FLAW_L1_UNALIGNED:
	case QCOW2_FLAW_L1_PAST_EOF:
	case QCOW2_FLAW_L1_COPIED_WRONG:
	case QCOW2_FLAW_L1_COPIED_MISSING:
	case QCOW2_FLAW_COMPRESSED_COPIED:
	case QCOW2_FLAW_COMPRESSED_PAST_EOF:
	case QCOW2_FLAW_COMPRESSED_CUT:
	case QCOW2_FLAW_COMPRESSED_DATA_FILE:
	case QCOW2_FLAW_COMPRESSED_BITMAP:
	case QCOW2_FLAW_COMPRESSED_BAD:
	case QCOW2_FLAW_BITMAP_NOWHERE:
	case QCOW2_FLAW_TABLE_PAST_EOF:
	case QCOW2_FLAW_TABLE_UNALIGNED:
	case QCOW2_FLAW_TABLE_TOO_LARGE:
	case QCOW2_FLAW_SNAPSHOTS_DATA_FILE:
	case QCOW2_FLAW_BME_RESERVED:
	case QCOW2_FLAW_BME_UNALIGNED:
	case QCOW2_FLAW_BME_PAST_EOF:
	case QCOW2_FLAW_RT_RESERVED:
	case QCOW2_FLAW_RT_UNALIGNED:
	case QCOW2_FLAW_RT_PAST_EOF:
	case QCOW2_FLAW_DATA_DATA:
	case QCOW2_FLAW_DATA_METADATA:
	case QCOW2_FLAW_L2_SHARED:
	case QCOW2_FLAW_METADATA_METADATA:
		return false;
	}
	return false;
}

struct qcow2_flaw *qcow2_tally_flaw(struct qcow2_tally *t, const struct qcow2_flaw *f)
{
	struct qcow2_owner *owner;
	struct qcow2_flaw *kept;
	size_t n = t->flaws[f->kind].n;

	t->scan->flaws[f->kind].total += f->n;
	if (n && goes_on(t->q, &t->flaws[f->kind].v[n - 1], f)) {
		t->flaws[f->kind].v[n - 1].n += f->n;
		return NULL;
	}
	if (n >= QCOW2_FLAWS_SURE &&
	    (n >= QCOW2_FLAWS_KEPT || t->kept >= QCOW2_FLAWS_KEPT_ALL))
		return NULL;
	kept = vec_add(&t->flaws[f->kind], t->a);
	*kept = *f;
	t->kept++;
	if (f->nowners) {
		owner = arena_array(t->a, f->nowners, struct qcow2_owner);
		memcpy(owner, f->owner, f->nowners * sizeof(*owner));
		kept->owner = owner;
	}
	return kept;
}

static int by_place(const void *a, const void *b)
{
	const struct qcow2_flaw *x = a, *y = b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

static int by_guest(const void *a, const void *b)
{
	const struct qcow2_extent *x = a, *y = b;

	return (x->guest > y->guest) - (x->guest < y->guest);
}

/* ---- the whole ---- */

static bool table_is_whole(const struct qcow2_table *t)
{
	return t->state == QCOW2_TABLE_NONE || t->state == QCOW2_TABLE_WHOLE;
}

static bool list_is_whole(enum qcow2_list_state s)
{
	return s == QCOW2_LIST_NONE || s == QCOW2_LIST_WHOLE;
}

static bool is_whole(const struct qcow2_tally *t)
{
	static const enum qcow2_flaw_kind lost[] = {
		QCOW2_FLAW_L1_RESERVED,     QCOW2_FLAW_L1_UNALIGNED,
		QCOW2_FLAW_L1_PAST_EOF,     QCOW2_FLAW_TABLE_PAST_EOF,
		QCOW2_FLAW_TABLE_UNALIGNED, QCOW2_FLAW_TABLE_TOO_LARGE,
		QCOW2_FLAW_BME_RESERVED,    QCOW2_FLAW_BME_UNALIGNED,
		QCOW2_FLAW_BME_PAST_EOF,    QCOW2_FLAW_RT_RESERVED,
		QCOW2_FLAW_RT_UNALIGNED,    QCOW2_FLAW_RT_PAST_EOF,
	};
	const struct qcow2 *q = t->q;

	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		if (t->scan->flaws[lost[i]].total)
			return false;
	}
	return t->scan->complete && qcow2_header_agrees(q) && table_is_whole(&q->l1) &&
	       table_is_whole(&q->rt) && list_is_whole(q->snapshots.state) &&
	       list_is_whole(q->bitmaps.state) && q->l1.n >= q->l1_needed;
}

/* Tables for which there was no memory: nothing can be said about refcounts. */
static bool no_room(const struct qcow2 *q)
{
	return q->l1.state == QCOW2_TABLE_NO_ROOM || q->rt.state == QCOW2_TABLE_NO_ROOM ||
	       q->snapshots.state == QCOW2_LIST_NO_ROOM ||
	       q->bitmaps.state == QCOW2_LIST_NO_ROOM;
}

/* What was found before the bound was reached is no fact. */
static void forget_refcounts(struct qcow2_tally *t)
{
	static const enum qcow2_flaw_kind kinds[] = {
		QCOW2_FLAW_REFCOUNT_ZERO,   QCOW2_FLAW_REFCOUNT_LOW,
		QCOW2_FLAW_REFCOUNT_HIGH,   QCOW2_FLAW_LEAK,
		QCOW2_FLAW_L1_COPIED_WRONG, QCOW2_FLAW_L1_COPIED_MISSING,
		QCOW2_FLAW_L2_COPIED_WRONG, QCOW2_FLAW_L2_COPIED_MISSING,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		t->scan->flaws[kinds[i]].total = 0;
		t->flaws[kinds[i]].n = 0;
	}
}

static int passes(struct qcow2_tally *t)
{
	struct qcow2_scan *s = t->scan;

	if (qcow2_count(t) != 0)
		return -1;
	if (no_room(t->q))
		qcow2_tally_limit(t, t->q->limit);
	if (s->refs.limit)
		qcow2_tally_limit(t, "more clusters than there is memory for");
	s->complete = !s->limit;
	if (s->complete && qcow2_compare(t) != 0)
		return -1;
	if (s->complete && qcow2_owners(t) != 0)
		return -1;
	if (!s->complete)
		forget_refcounts(t);
	s->whole = is_whole(t);
	if (s->complete && (qcow2_orphans(t) != 0 || qcow2_lost(t) != 0))
		return -1;
	return qcow2_deep(t);
}

static size_t bound(const struct qcow2 *q, size_t small, size_t most)
{
	uint64_t part = u64_min(source_stored(q->src) / PART, most);

	return (size_t)u64_max(part, small);
}

int qcow2_scan(const struct qcow2_scan **out, const struct qcow2 *q, struct arena *a,
	       struct arena *counts, struct err *e)
{
	struct qcow2_scan *s = arena_new(a, struct qcow2_scan);
	size_t left = a->used < a->budget ? a->budget - a->used : 0, small;
	struct arena scratch;
	struct qcow2_tally t = { .q = q,
				 .scan = s,
				 .a = a,
				 .scratch = &scratch,
				 .e = e,
				 .window_at = UINT64_MAX };
	int rc;

	*out = s;
	s->qcow2 = q;
	/* Half of what is left stays for what is read after this. */
	small = (size_t)u64_min(COUNTS_SMALL, left / 2);
	arena_init(counts, bound(q, small, COUNTS_MOST));
	qcow2_refs_init(&s->refs, counts, counts->budget);
	arena_init(&scratch, bound(q, SCRATCH_SMALL, SCRATCH_MOST));
	rc = passes(&t);
	arena_free(&scratch);
	a->budget -= (size_t)u64_min(counts->used, small);
	if (t.extents.n)
		vec_sort(&t.extents, by_guest);
	s->extent = t.extents.v;
	s->nextents = t.extents.n;
	for (size_t k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (t.flaws[k].n)
			vec_sort(&t.flaws[k], by_place);
		s->flaws[k].v = t.flaws[k].v;
		s->flaws[k].n = t.flaws[k].n;
	}
	return rc;
}
