/* What refers to which host cluster of a QCOW2 image, and what is wrong with the entries
 * that do. docs/interop/qcow2.txt of QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_tally.h"
#include "base/banned.h"

enum { SECTOR = 512 };
/* Bytes of bitmaps' tables that are read, one over another or not. */
#define BITMAP_TABLES_MAX (UINT64_C(256) << 20)

/* ---- metadata by range ---- */

struct ranges {
	struct qcow2_tally *t;
	bool (*f)(struct qcow2_tally *t, const struct qcow2_range *r);
	struct qcow2_range r;
	bool enough;
};

static void one(struct ranges *x, enum qcow2_use use, struct span at, uint64_t off,
		uint64_t len)
{
	x->r.owner.use = use;
	x->r.owner.at = at;
	x->r.off = off;
	x->r.len = len;
	if (len && !x->enough && !x->f(x->t, &x->r))
		x->enough = true;
}

static void refcount_blocks(struct ranges *x)
{
	const struct qcow2 *q = x->t->q;

	for (size_t i = 0; i < q->rt.raw.n / 8 && !x->enough; i++) {
		uint64_t entry = qcow2_be64(q->rt.raw.p + i * 8);

		if (!entry)
			continue;
		x->r.owner.entry = entry;
		x->r.owner.index = i;
		one(x, QCOW2_USE_REFCOUNT_BLOCK, qcow2_span(q, q->rt.at.off + i * 8, 8),
		    entry & QCOW2_RT_MASK, q->cluster_size);
	}
}

static bool bitmap_entry(void *arg, uint64_t i, uint64_t entry)
{
	struct ranges *x = arg;
	const struct qcow2 *q = x->t->q;
	const struct qcow2_table *table = &q->bitmaps.v[x->r.owner.index].table;

	x->r.owner.entry = entry;
	if (entry & ~UINT64_C(1))
		one(x, QCOW2_USE_BITMAP_DATA, qcow2_span(q, table->at.off + i * 8, 8),
		    entry & QCOW2_OFFSET_MASK, q->cluster_size);
	return !x->enough;
}

static int bitmaps(struct ranges *x)
{
	const struct qcow2 *q = x->t->q;
	const struct qcow2_bitmaps *b = &q->bitmaps;
	uint64_t bytes = 0;

	one(x, QCOW2_USE_BITMAP_DIRECTORY, b->directory_offset.at, b->at.off, b->at.len);
	for (size_t i = 0; i < b->n && !x->enough; i++) {
		const struct qcow2_table *t = &b->v[i].table;

		x->r.owner.index = i;
		x->r.owner.entry = b->v[i].table_offset.v;
		one(x, QCOW2_USE_BITMAP_TABLE, b->v[i].table_offset.at, t->at.off,
		    t->at.len);
		if (t->state != QCOW2_TABLE_WHOLE && t->state != QCOW2_TABLE_CUT)
			continue;
		bytes += u64_min(t->at.len, q->file_size - t->at.off);
		if (bytes > BITMAP_TABLES_MAX) {
			qcow2_tally_limit(x->t, "tables of bitmaps");
			return 0;
		}
		if (qcow2_each_entry(q, t->at.off, t->n, bitmap_entry, x, x->t->e) != 0)
			return -1;
	}
	return 0;
}

int qcow2_each_bitmap(struct qcow2_tally *t,
		      bool (*f)(struct qcow2_tally *t, const struct qcow2_range *r))
{
	struct ranges x = { .t = t, .f = f, .r.owner.snapshot = QCOW2_ACTIVE };

	return t->q->bitmaps.ext ? bitmaps(&x) : 0;
}

int qcow2_each_range(struct qcow2_tally *t,
		     bool (*f)(struct qcow2_tally *t, const struct qcow2_range *r))
{
	const struct qcow2 *q = t->q;
	struct ranges x = { .t = t, .f = f, .r.owner.snapshot = QCOW2_ACTIVE };

	one(&x, QCOW2_USE_HEADER, qcow2_span(q, 0, q->header_length.v), 0,
	    q->cluster_size);
	x.r.owner.entry = q->l1_offset.v;
	one(&x, QCOW2_USE_L1, q->l1_offset.at, q->l1.at.off, q->l1.at.len);
	x.r.owner.entry = q->rt_offset.v;
	one(&x, QCOW2_USE_REFCOUNT_TABLE, q->rt_offset.at, q->rt.at.off, q->rt.at.len);
	x.r.owner.entry = q->snapshots_offset.v;
	one(&x, QCOW2_USE_SNAPSHOT_TABLE, q->snapshots_offset.at, q->snapshots.at.off,
	    q->snapshots.at.len);
	for (size_t i = 0; i < q->snapshots.n; i++) {
		const struct qcow2_snapshot *s = &q->snapshots.v[i];

		x.r.owner.snapshot = (uint32_t)i;
		x.r.owner.index = i;
		x.r.owner.entry = s->l1_offset.v;
		one(&x, QCOW2_USE_SNAPSHOT_L1, s->l1_offset.at, s->l1.at.off,
		    s->l1.at.len);
	}
	x.r.owner.snapshot = QCOW2_ACTIVE;
	x.r.owner.index = 0;
	if (q->crypto.ext && q->crypto.offset.v &&
	    q->crypt_method.v == QCOW2_CRYPT_LUKS) {
		x.r.owner.entry = q->crypto.offset.v;
		one(&x, QCOW2_USE_CRYPTO, q->crypto.offset.at, q->crypto.offset.v,
		    q->crypto.length.v);
	}
	/* Without the autoclear bit they are stale, and nobody's. */
	if (q->bitmaps.ext && q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS &&
	    bitmaps(&x) != 0)
		return -1;
	refcount_blocks(&x);
	return 0;
}

static void range_flaw(struct qcow2_tally *t, enum qcow2_flaw_kind k,
		       const struct qcow2_range *r)
{
	const struct qcow2_flaw f = { .kind = k,
				      .at = r->owner.at,
				      .n = 1,
				      .entry = r->owner.entry,
				      .cluster = r->off >> t->q->cluster_bits.v,
				      .owner = &r->owner,
				      .nowners = 1 };

	qcow2_tally_flaw(t, &f);
}

static enum qcow2_table_state state_of(const struct qcow2 *q, const struct qcow2_range *r)
{
	switch (r->owner.use) {
	case QCOW2_USE_SNAPSHOT_L1:
		return q->snapshots.v[r->owner.index].l1.state;
	case QCOW2_USE_BITMAP_TABLE:
		return q->bitmaps.v[r->owner.index].table.state;
	case QCOW2_USE_L1:
		return q->l1.state;
	case QCOW2_USE_REFCOUNT_TABLE:
		return q->rt.state;
	case QCOW2_USE_REFCOUNT_BLOCK:
	case QCOW2_USE_BITMAP_DATA:
		if (r->off % q->cluster_size != 0)
			return QCOW2_TABLE_UNALIGNED;
		return QCOW2_TABLE_WHOLE;
	case QCOW2_USE_HEADER:
	case QCOW2_USE_SNAPSHOT_TABLE:
	case QCOW2_USE_BITMAP_DIRECTORY:
	case QCOW2_USE_CRYPTO:
		return QCOW2_TABLE_WHOLE;
	case QCOW2_USE_L2:
	case QCOW2_USE_DATA:
	case QCOW2_USE_COMPRESSED:
	case QCOW2_USE_VM_STATE:
		break;
	}
	BUG("use %u is no range", (unsigned)r->owner.use);
}

static bool entry_is_reserved(const struct qcow2_range *r)
{
	if (r->owner.use == QCOW2_USE_BITMAP_DATA)
		return r->owner.entry & QCOW2_BME_RESERVED ||
		       (r->off && r->owner.entry & 1);
	return r->owner.use == QCOW2_USE_REFCOUNT_BLOCK &&
	       r->owner.entry & QCOW2_RT_RESERVED;
}

bool qcow2_range_counts(const struct qcow2 *q, const struct qcow2_range *r)
{
	enum qcow2_table_state s = state_of(q, r);
	bool entry = r->owner.use == QCOW2_USE_BITMAP_DATA ||
		     r->owner.use == QCOW2_USE_REFCOUNT_BLOCK;

	/* A block whose entry has reserved bits set is in use all the same; the bits of a
	 * bitmap can be lost, those who read it will not. */
	if (r->owner.use == QCOW2_USE_BITMAP_DATA && entry_is_reserved(r))
		return false;
	return (r->off || !entry) && s != QCOW2_TABLE_UNALIGNED &&
	       s != QCOW2_TABLE_TOO_LARGE && qcow2_in_file(q, r->off, r->len);
}

static void look_at_range(struct qcow2_tally *t, const struct qcow2_range *r)
{
	/* RT, bitmaps, everything else */
	static const enum qcow2_flaw_kind unaligned[] = { QCOW2_FLAW_RT_UNALIGNED,
							  QCOW2_FLAW_BME_UNALIGNED,
							  QCOW2_FLAW_TABLE_UNALIGNED };
	static const enum qcow2_flaw_kind past_eof[] = { QCOW2_FLAW_RT_PAST_EOF,
							 QCOW2_FLAW_BME_PAST_EOF,
							 QCOW2_FLAW_TABLE_PAST_EOF };
	enum qcow2_table_state s = state_of(t->q, r);
	size_t i = 2;

	if (r->owner.use == QCOW2_USE_REFCOUNT_BLOCK)
		i = 0;
	else if (r->owner.use == QCOW2_USE_BITMAP_DATA)
		i = 1;
	if (entry_is_reserved(r))
		range_flaw(t, i ? QCOW2_FLAW_BME_RESERVED : QCOW2_FLAW_RT_RESERVED, r);
	if (s == QCOW2_TABLE_UNALIGNED)
		range_flaw(t, unaligned[i], r);
	else if (s == QCOW2_TABLE_TOO_LARGE)
		range_flaw(t, QCOW2_FLAW_TABLE_TOO_LARGE, r);
	else if (!qcow2_in_file(t->q, r->off, r->len))
		range_flaw(t, past_eof[i], r);
}

static bool count_range(struct qcow2_tally *t, const struct qcow2_range *r)
{
	unsigned bits = (unsigned)t->q->cluster_bits.v;
	uint64_t first = r->off >> bits, last = (r->off + r->len - 1) >> bits;

	look_at_range(t, r);
	/* What is not shared must have refcount 1, as COPIED says of others. */
	return !qcow2_range_counts(t->q, r) ||
	       qcow2_refs_add(&t->scan->refs, first, last - first + 1, 1,
			      QCOW2_REF_COPIED);
}

/* ---- L1 entries ---- */

static void l1_flaw(struct qcow2_tally *t, enum qcow2_flaw_kind k,
		    const struct qcow2_l1 *l1, uint64_t slot, uint64_t entry)
{
	const struct qcow2_owner owner = {
		.use = QCOW2_USE_L2,
		.snapshot = l1->snapshot,
		.at = qcow2_span(t->q, l1->off + slot * 8, 8),
		.entry = entry,
		.guest = slot * t->q->l2_bytes,
		.index = slot,
	};
	const struct qcow2_flaw f = { .kind = k,
				      .at = owner.at,
				      .n = 1,
				      .entry = entry,
				      .cluster = (entry & QCOW2_OFFSET_MASK) >>
						 t->q->cluster_bits.v,
				      .owner = &owner,
				      .nowners = 1 };

	qcow2_tally_flaw(t, &f);
}

static void look_at_l1_entry(void *arg, const struct qcow2_l1 *l1, uint64_t slot,
			     uint64_t entry)
{
	struct qcow2_tally *t = arg;
	uint64_t off = entry & QCOW2_OFFSET_MASK;

	/* One entry that is wrong is one flaw: of a pointer that leads nowhere the flags
	 * mean nothing. */
	if (!qcow2_in_file(t->q, off, t->q->cluster_size))
		l1_flaw(t, QCOW2_FLAW_L1_PAST_EOF, l1, slot, entry);
	else if (off % t->q->cluster_size != 0)
		l1_flaw(t, QCOW2_FLAW_L1_UNALIGNED, l1, slot, entry);
	else if (entry & QCOW2_L1_RESERVED)
		l1_flaw(t, QCOW2_FLAW_L1_RESERVED, l1, slot, entry);
	else if (!off && entry & QCOW2_COPIED)
		l1_flaw(t, QCOW2_FLAW_L1_COPIED_WRONG, l1, slot, entry);
}

static unsigned how_of(bool active, uint64_t entry)
{
	if (!active)
		return 0;
	return entry & QCOW2_COPIED ? QCOW2_REF_COPIED : QCOW2_REF_SHARED;
}

static bool count_l2(void *arg, const struct qcow2_l2 *l2)
{
	struct qcow2_tally *t = arg;
	struct qcow2_refs *refs = &t->scan->refs;
	uint64_t off = qcow2_l2_offset(l2), c = off >> t->q->cluster_bits.v;

	if (!qcow2_in_file(t->q, off, t->q->cluster_size))
		return true;
	return qcow2_refs_add(refs, c, 1, l2->weight, how_of(l2->active, l2->entry));
}

/* ---- L2 entries ---- */

void qcow2_compressed_at(const struct qcow2 *q, uint64_t entry, uint64_t *off,
			 uint64_t *len)
{
	uint64_t more =
		(entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >> q->compressed_shift;

	*off = entry & q->compressed_offset;
	*len = (more + 1) * SECTOR - *off % SECTOR;
}

struct qcow2_owner qcow2_owner_of_l2(const struct qcow2_tally *t,
				     const struct qcow2_l2 *l2)
{
	const struct qcow2_l1 *l1 = &t->walk.l1[l2->l1];

	return (struct qcow2_owner){
		.use = QCOW2_USE_L2,
		.snapshot = l1->snapshot,
		.at = qcow2_span(t->q, l1->off + (uint64_t)l2->slot * 8, 8),
		.entry = l2->entry,
		.guest = l2->slot * t->q->l2_bytes,
		.index = l2->slot,
	};
}

struct qcow2_owner qcow2_owner_of_run(const struct qcow2_tally *t,
				      const struct qcow2_run *r)
{
	enum qcow2_use use = QCOW2_USE_DATA;

	if (r->guest >= t->vm_state)
		use = QCOW2_USE_VM_STATE;
	else if (r->entry & QCOW2_COMPRESSED)
		use = QCOW2_USE_COMPRESSED;
	return (struct qcow2_owner){
		.use = use,
		.snapshot = t->walk.l1[r->l2->l1].snapshot,
		.at = qcow2_span(t->q, r->at, t->q->l2_entry_size),
		.entry = r->entry,
		.guest = r->guest,
		.index = r->l2->slot,
	};
}

void qcow2_tally_run_flaw(struct qcow2_tally *t, enum qcow2_flaw_kind k,
			  const struct qcow2_run *r)
{
	struct qcow2_owner owner;
	struct qcow2_flaw f;

	if (r->again)
		return;
	owner = qcow2_owner_of_run(t, r);
	f = (struct qcow2_flaw){ .kind = k,
				 .at = owner.at,
				 .n = r->n,
				 .entry = r->entry,
				 .cluster = (r->entry & QCOW2_OFFSET_MASK) >>
					    t->q->cluster_bits.v,
				 .owner = &owner,
				 .nowners = 1 };
	if (r->entry & QCOW2_COMPRESSED)
		f.cluster = (r->entry & t->q->compressed_offset) >> t->q->cluster_bits.v;
	qcow2_tally_flaw(t, &f);
}

/* The entries of r from the i-th on. */
static struct qcow2_run rest_of(const struct qcow2 *q, const struct qcow2_run *r,
				uint64_t i)
{
	struct qcow2_run x = *r;

	x.at += i * q->l2_entry_size;
	x.guest += i * q->cluster_size;
	x.entry += i * r->step;
	x.n -= (size_t)i;
	return x;
}

static unsigned how_of_run(const struct qcow2_run *r)
{
	return how_of(r->active, r->entry) | (r->again ? QCOW2_REF_AGAIN : 0);
}

static bool count_compressed(struct qcow2_tally *t, const struct qcow2_run *r)
{
	const struct qcow2 *q = t->q;
	uint64_t off, len, first, last;

	qcow2_compressed_at(q, r->entry, &off, &len);
	t->packed += !r->again;
	if (q->external_data) {
		qcow2_tally_run_flaw(t, QCOW2_FLAW_COMPRESSED_DATA_FILE, r);
		return true;
	}
	if (off >= q->file_size || !qcow2_in_file(q, off, len)) {
		qcow2_tally_run_flaw(t, QCOW2_FLAW_COMPRESSED_PAST_EOF, r);
		/* In the file's last cluster, behind its last byte, QEMU counts it. */
		if (!qcow2_in_file(q, off, len))
			return true;
	}
	if (r->entry & QCOW2_COPIED)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_COMPRESSED_COPIED, r);
	if (r->bitmap)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_COMPRESSED_BITMAP, r);
	if (off < q->file_size && off + len > div_up(q->file_size, SECTOR) * SECTOR)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_COMPRESSED_CUT, r);
	first = off >> q->cluster_bits.v;
	last = (off + len - 1) >> q->cluster_bits.v;
	return qcow2_refs_later(&t->scan->refs, first, last - first + 1, r->weight,
				QCOW2_REF_PACKED | (r->again ? QCOW2_REF_AGAIN : 0));
}

/* The offset in a data file is the guest's, and nothing of it is in this file. */
static void look_at_data_file(struct qcow2_tally *t, const struct qcow2_run *r)
{
	if (!(r->entry & QCOW2_OFFSET_MASK) && !(r->entry & QCOW2_COPIED))
		return;
	if ((r->entry & QCOW2_OFFSET_MASK) != r->guest)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_DATA_FILE_OFFSET, r);
	if (r->active && !(r->entry & QCOW2_COPIED))
		qcow2_tally_run_flaw(t, QCOW2_FLAW_L2_COPIED_MISSING, r);
}

static bool reads_zeros(const struct qcow2 *q, const struct qcow2_run *r)
{
	return q->extended_l2 ? !(r->bitmap & UINT32_MAX) : r->entry & QCOW2_ZERO;
}

/* Pointers into the middle of a cluster: nobody can read them, so that they are no
 * references. What they pointed to, where a bit was flipped, is leaked. */
static void look_at_unaligned(struct qcow2_tally *t, const struct qcow2_run *r)
{
	qcow2_tally_run_flaw(t,
			     reads_zeros(t->q, r) ? QCOW2_FLAW_L2_ZERO_UNALIGNED
						  : QCOW2_FLAW_L2_UNALIGNED,
			     r);
}

static void look_at_flags(struct qcow2_tally *t, const struct qcow2_run *r)
{
	const struct qcow2 *q = t->q;
	uint64_t off = r->entry & QCOW2_OFFSET_MASK;

	/* Of a pointer that leads nowhere the flags mean nothing. */
	if (!q->external_data &&
	    (off % q->cluster_size != 0 || off >> q->cluster_bits.v >= q->host_clusters))
		return;
	if (r->entry & QCOW2_L2_RESERVED)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_L2_RESERVED, r);
	if (r->entry & QCOW2_ZERO && q->extended_l2)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_BITMAP_BIT0, r);
	else if (r->entry & QCOW2_ZERO && !q->v3)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_L2_ZERO_V2, r);
	if (r->bitmap & r->bitmap >> 32)
		qcow2_tally_run_flaw(t, QCOW2_FLAW_BITMAP_BOTH, r);
	if (r->bitmap & UINT32_MAX && !(r->entry & QCOW2_OFFSET_MASK) &&
	    !(q->external_data && r->entry & QCOW2_COPIED))
		qcow2_tally_run_flaw(t, QCOW2_FLAW_BITMAP_NOWHERE, r);
}

/* Whether the other kind of L2 entries would make more sense. */
static void count_shapes(struct qcow2_tally *t, const struct qcow2_run *r)
{
	const struct qcow2 *q = t->q;
	struct qcow2_scan *s = t->scan;
	uint64_t v = q->extended_l2 ? r->bitmap : r->entry, off = v & QCOW2_OFFSET_MASK;
	bool even = r->at / 8 % 2 == 0;

	if (q->extended_l2) {
		bool pointer = v & QCOW2_COPIED &&
			       !(v & (QCOW2_COMPRESSED | QCOW2_L2_RESERVED)) && off &&
			       off % q->cluster_size == 0 && off < q->file_size;

		s->nbitmaps += v ? r->n : 0;
		s->npointers += pointer ? r->n : 0;
		return;
	}
	s->nslots[0] += (r->n + even) / 2;
	s->nslots[1] += (r->n + !even) / 2;
	/* What is allocated is not zeros as well; and no pointer is like that. */
	if (r->n == 1 && !(v & QCOW2_COMPRESSED) && v & UINT32_MAX && !(v >> 32 & v) &&
	    off % q->cluster_size != 0)
		s->nmisfits[!even]++;
}

/* Entries of the active tables: what the disk consists of, and what lies behind it. */
static void count_guest(struct qcow2_tally *t, const struct qcow2_run *r)
{
	struct qcow2_scan *s = t->scan;
	uint64_t end = t->q->guest_clusters, first = r->guest >> t->q->cluster_bits.v;
	uint64_t inside = first < end ? u64_min(r->n, end - first) : 0;
	bool used = r->entry & (QCOW2_OFFSET_MASK | QCOW2_COMPRESSED);

	if (r->entry & QCOW2_COMPRESSED) {
		s->ncompressed += inside;
	} else if (reads_zeros(t->q, r)) {
		s->nzero += inside;
	} else if (used) {
		s->nnormal += inside;
		s->nstretches += inside != 0;
	}
	if (inside == r->n || !used)
		return;
	if (r->guest >= t->vm_state) {
		s->nvm_state += r->n;
	} else {
		struct qcow2_run x = rest_of(t->q, r, inside);

		qcow2_tally_run_flaw(t, QCOW2_FLAW_L2_BEHIND_DISK, &x);
	}
}

/* A run that readers of the disk need no table for. */
static void keep_extent(struct qcow2_tally *t, const struct qcow2_run *r)
{
	const struct qcow2 *q = t->q;

	if (r->n < QCOW2_EXTENT_MIN || t->extents.n == QCOW2_EXTENTS_KEPT || r->bitmap ||
	    r->entry & (QCOW2_L2_RESERVED | QCOW2_ZERO))
		return;
	*vec_add(&t->extents, t->a) =
		(struct qcow2_extent){ .guest = r->guest,
				       .len = r->n * q->cluster_size,
				       .host = r->entry & QCOW2_OFFSET_MASK };
}

static bool count_run(void *arg, const struct qcow2_run *r)
{
	struct qcow2_tally *t = arg;
	const struct qcow2 *q = t->q;
	uint64_t off = r->entry & QCOW2_OFFSET_MASK, c = off >> q->cluster_bits.v, n;

	if (r->active && !r->again) {
		count_shapes(t, r);
		count_guest(t, r);
	}
	if (r->entry & QCOW2_COMPRESSED)
		return count_compressed(t, r);
	if (r->entry & (QCOW2_L2_RESERVED | QCOW2_ZERO) || r->bitmap)
		look_at_flags(t, r);
	if (q->external_data) {
		look_at_data_file(t, r);
		return true;
	}
	if (!off)
		return true;
	if (off % q->cluster_size != 0 && c < q->host_clusters) {
		look_at_unaligned(t, r);
		return true;
	}
	n = c < q->host_clusters ? u64_min(r->n, q->host_clusters - c) : 0;
	if (n < r->n) {
		struct qcow2_run x = rest_of(q, r, n);

		qcow2_tally_run_flaw(t, QCOW2_FLAW_L2_PAST_EOF, &x);
	} else if (r->active && !r->again) {
		keep_extent(t, r);
	}
	return qcow2_refs_later(&t->scan->refs, c, n, r->weight, how_of_run(r));
}

int qcow2_count(struct qcow2_tally *t)
{
	const struct qcow2 *q = t->q;

	if (!u64_mul(q->l1_needed, q->l2_bytes, &t->vm_state))
		t->vm_state = UINT64_MAX;
	t->walk = (struct qcow2_walk){ .q = q,
				       .a = t->scratch,
				       .e = t->e,
				       .arg = t,
				       .l1_entry = look_at_l1_entry,
				       .l2 = count_l2,
				       .run = count_run };
	if (q->external_data && q->snapshots.n) {
		struct qcow2_range r = { .owner = { .use = QCOW2_USE_SNAPSHOT_TABLE,
						    .snapshot = QCOW2_ACTIVE,
						    .at = q->nb_snapshots.at,
						    .entry = q->nb_snapshots.v },
					 .off = q->snapshots.at.off };

		range_flaw(t, QCOW2_FLAW_SNAPSHOTS_DATA_FILE, &r);
	}
	if (qcow2_each_range(t, count_range) != 0 || qcow2_walk_l1(&t->walk) != 0 ||
	    qcow2_walk_l2(&t->walk) != 0)
		return -1;
	if (t->walk.limit)
		qcow2_tally_limit(t, t->walk.limit);
	qcow2_refs_flush(&t->scan->refs); /* over the budget: it says so itself */
	return 0;
}
