/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_write.h"
#include "analyze/image/guest.h"
#include "analyze/image/signs.h"
#include "analyze/image/image.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_alloc.h"
#include "base/banned.h"

enum {
	SUBCLUSTERS = 32,
	PIECE = 4096, /* of a new cluster: those that are zeros need not be written */
	/* Clusters that one plan may need: all of their bytes are in the journal. */
	NEW_BYTES_MAX = 64 << 20,
};

/* ---- may it be written at all? ---- */

/* They say no more than that something is in nobody's use, or is copied in vain. */
static bool is_harmless(enum qcow2_flaw_kind k)
{
	return k == QCOW2_FLAW_LEAK || k == QCOW2_FLAW_L1_COPIED_MISSING ||
	       k == QCOW2_FLAW_L2_COPIED_MISSING;
}

static const char *refused_scan(const struct qcow2_scan *s)
{
	if (!s || !s->complete || !s->whole || s->limit)
		return "what its clusters are used for is not known";
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (s->flaws[k].total && !is_harmless((enum qcow2_flaw_kind)k))
			return "the tables of the QCOW2 are not right: they have to be "
			       "repaired first";
	}
	return NULL;
}

/* One that records what is written: it would miss this. */
static const char *refused_bitmaps(const struct qcow2 *q)
{
	if (!(q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS) ||
	    q->bitmaps.state == QCOW2_LIST_NONE)
		return NULL;
	if (q->bitmaps.state != QCOW2_LIST_WHOLE)
		return "its bitmaps cannot be read, and may record what is written";
	for (size_t i = 0; i < q->bitmaps.n; i++) {
		uint64_t flags = q->bitmaps.v[i].flags.v;

		if (flags & QCOW2_BITMAP_AUTO && !(flags & QCOW2_BITMAP_IN_USE))
			return "a bitmap for incremental backups records what is "
			       "written, and would miss this: remove or disable it "
			       "first (qemu-img bitmap)";
	}
	return NULL;
}

/* Why nothing can be written to the disk in u as u is now; NULL: perhaps something can. */
static const char *qcow2_write_refused(const struct unit *u)
{
	const struct qcow2 *q = u->qcow2;
	const char *why;

	if (!q || !u->guest)
		return u->guest_why ? u->guest_why : "its disk cannot be seen";
	if (q->external_data)
		return "the disk's data is in another file, which is not written to";
	if (q->crypt_method.v != QCOW2_CRYPT_NONE)
		return "the guest's disk is encrypted";
	if (q->incompatible.v & QCOW2_INCOMPAT_CORRUPT)
		return "the QCOW2 is marked as corrupt: it has to be repaired first";
	if (q->incompatible.v & QCOW2_INCOMPAT_DIRTY)
		return "the QCOW2 is marked as dirty, its refcounts may be wrong: they "
		       "have to be repaired first";
	if (q->l1.state != QCOW2_TABLE_WHOLE || q->rt.state != QCOW2_TABLE_WHOLE)
		return "the tables of the QCOW2 cannot be read to their end";
	why = refused_scan(q->scan);
	return why ? why : refused_bitmaps(q);
}

static bool guest_fix(const struct unit *u, const struct finding *f, struct plan *p)
{
	struct plan_mark before = plan_mark(p);
	const char *why = qcow2_write_refused(u);

	p->title = p->refused = NULL;
	if (why)
		return plan_refuse(p, "%s", why);
	if (!rule_fix(f, p))
		return false;
	if (p->moves.n == 0 && p->size == p->src->size)
		return true;
	why = p->moves.n ? "it would move data within the disk of a QCOW2, which this "
			   "version does not do: it can be done on a raw copy"
			 : "the disk in the QCOW2 would have to be larger: qemu-img "
			   "resize makes it so";
	plan_cut(p, before);
	return plan_refuse(p, "%s", why);
}

bool qcow2_rule_fix(const struct unit *u, const struct finding *f, struct plan *p)
{
	const struct qcow2_scan *s = u->qcow2 ? u->qcow2->scan : NULL;

	if (s && (qcow2_bitmaps_are_pointers(s) || qcow2_pointers_are_bitmaps(s)))
		return plan_refuse(
			p, "the bit for extended L2 entries may be wrong: what the "
			   "tables say is not known");
	if (u->qcow2 && u->signs && u->signs->disk.len)
		return plan_refuse(
			p, "the file has the GPT of a raw disk of its length: its "
			   "header may be what a guest wrote");
	return f->at.src->is_guest ? guest_fix(u, f, p) : rule_fix(f, p);
}

/* ---- lowering ---- */

/* An L2 table that is needed. */
struct table {
	uint64_t slot;  /* of L1 */
	uint64_t old;   /* byte offset in the file; 0: there is none yet */
	bool writable;  /* where it is */
	uint64_t now;   /* where it is going to be */
	uint8_t *bytes; /* all of it, once it is to be a new one */
	const struct finding *because;
};

struct lower {
	struct plan *host;
	const struct qcow2 *q;
	struct source after; /* the guest's disk with the plan's edits */
	const struct source *before;
	struct edit *edit; /* of the guest's plan, by offset */
	size_t nedits, from;
	VEC(struct table) tables;
	struct qcow2_alloc alloc;
	uint8_t *was, *is; /* a cluster of the guest's disk */
	size_t sub;        /* bytes of what can be allocated on its own */
};

/* One cluster of the guest's disk, and what stands for it. */
struct spot {
	uint64_t guest;    /* byte offset */
	size_t n;          /* bytes, less than a cluster where the disk ends */
	size_t first, end; /* edits that lie in it */
	struct table *table;
	uint64_t index; /* in the table */
	uint64_t entry, bitmap;
	uint32_t touched; /* subclusters; bit 0 without */
};

static bool put(struct lower *l, enum stage stage, uint64_t off, struct view bytes)
{
	plan_grow(l->host, off + bytes.n);
	return plan_bytes(l->host, stage, off, bytes);
}

/* Where nothing was: zeros come by themselves. */
static bool put_new(struct lower *l, uint64_t off, const uint8_t *p, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		size_t k = i + PIECE < n ? PIECE : n - i;

		end = i + k;
		if (view_is_zero((struct view){ p + i, k }))
			continue;
		while (end < n) {
			k = end + PIECE < n ? PIECE : n - end;
			if (view_is_zero((struct view){ p + end, k }))
				break;
			end += k;
		}
		if (!put(l, STAGE_TABLES, off + i, (struct view){ p + i, end - i }))
			return false;
	}
	return true;
}

static bool refuse_err(struct lower *l, const struct err *e)
{
	return plan_refuse(l->host, "%s", e->msg);
}

/* A pointer changes when all that it leads to is durable. */
static enum stage switch_stage(const struct lower *l)
{
	return l->alloc.grown ? STAGE_COMMIT : STAGE_HEADERS;
}

static uint64_t table_entry_at(const struct lower *l, const struct spot *s)
{
	return s->index * l->q->l2_entry_size;
}

static struct table *find_table(struct lower *l, uint64_t slot)
{
	const struct qcow2 *q = l->q;
	struct table *t;
	uint64_t entry, count;

	for (size_t i = 0; i < l->tables.n; i++) {
		if (l->tables.v[i].slot == slot)
			return &l->tables.v[i];
	}
	if (slot >= q->l1.raw.n / 8) {
		(void)plan_refuse(l->host,
				  "the L1 table does not reach the end of the disk");
		return NULL;
	}
	entry = qcow2_entry(q->l1.raw, (size_t)slot);
	/* What the slot gets now, a lost table cannot get any more. */
	if (!(entry & QCOW2_OFFSET_MASK) &&
	    (q->scan->orphans[QCOW2_ORPHAN_L2] || q->scan->orphans[QCOW2_ORPHAN_L1])) {
		(void)plan_refuse(l->host,
				  "entry %llu of the L1 table is empty, and there are "
				  "tables that nothing refers to: see "
				  "qcow2-orphan-table",
				  (unsigned long long)slot);
		return NULL;
	}
	t = vec_add(&l->tables, l->host->arena);
	*t = (struct table){ .slot = slot, .old = entry & QCOW2_OFFSET_MASK };
	t->now = t->old;
	if (!t->old)
		return t;
	if (!qcow2_alloc_get(&l->alloc, t->old >> q->cluster_bits.v, &count))
		return NULL;
	t->writable = entry & QCOW2_COPIED && count == 1;
	return t;
}

static bool read_entry(struct lower *l, struct spot *s)
{
	uint8_t raw[16] = { 0 };
	uint64_t at = table_entry_at(l, s);
	size_t n = (size_t)l->q->l2_entry_size;
	struct err e = { 0 };

	if (s->table->bytes)
		memcpy(raw, s->table->bytes + at, n);
	else if (s->table->old &&
		 qcow2_read_padded(l->q, s->table->old + at, raw, n, &e) != 0)
		return refuse_err(l, &e);
	s->entry = qcow2_be64(raw);
	s->bitmap = qcow2_be64(raw + 8);
	return true;
}

/* A table that others have, too, or that is not there: a new one. */
static bool renew_table(struct lower *l, struct table *t)
{
	const struct qcow2 *q = l->q;
	struct err e = { 0 };

	if (t->writable || t->bytes)
		return true;
	t->bytes = arena_array(l->host->arena, (size_t)q->cluster_size, uint8_t);
	if (t->old &&
	    qcow2_read_padded(q, t->old, t->bytes, (size_t)q->cluster_size, &e) != 0)
		return refuse_err(l, &e);
	if (t->old && !qcow2_alloc_drop(&l->alloc, t->old >> q->cluster_bits.v))
		return false;
	return qcow2_alloc_take(&l->alloc, &t->now);
}

static bool write_entry(struct lower *l, const struct spot *s, uint64_t entry,
			uint64_t bitmap)
{
	uint8_t raw[16];
	size_t n = (size_t)l->q->l2_entry_size;
	size_t keep = entry == s->entry ? 8 : 0; /* only the bitmap changes */

	alloc_put64(raw, entry);
	alloc_put64(raw + 8, bitmap);
	if (!s->table->bytes)
		return put(l, switch_stage(l),
			   s->table->old + table_entry_at(l, s) + keep,
			   (struct view){ raw + keep, n - keep });
	memcpy(s->table->bytes + table_entry_at(l, s), raw, n);
	return true;
}

/* ---- one cluster ---- */

/* The part of an edit that lies in [from, to) of the disk, at `host` in the file. */
static bool put_edit(struct lower *l, const struct edit *e, uint64_t from, uint64_t to,
		     uint64_t host)
{
	uint64_t lo = u64_max(from, e->at.off), hi = u64_min(to, span_end(e->at));

	if (lo >= hi)
		return true;
	l->host->because = e->because;
	return put(l, e->stage, host + (lo - from),
		   view_cut(e->bytes, (size_t)(lo - e->at.off), (size_t)(hi - lo)));
}

/* The cluster at `host` is the disk's own. Subclusters of it that are not allocated yet are
 * written whole, where nobody looks before the bitmap says so. */
static bool write_in_place(struct lower *l, const struct spot *s, uint64_t host)
{
	uint32_t have = l->q->extended_l2 ? (uint32_t)s->bitmap : 1;
	uint32_t fresh = s->touched & ~have;
	uint64_t zeros = (uint64_t)fresh << SUBCLUSTERS;

	for (unsigned i = 0; i < SUBCLUSTERS; i++) {
		uint64_t from = s->guest + i * l->sub;
		uint64_t to = u64_min(from + l->sub, s->guest + s->n);

		if (!(s->touched >> i & 1))
			continue;
		if (fresh >> i & 1 && !put(l, STAGE_TABLES, host + i * l->sub,
					   (struct view){ l->is + i * l->sub, l->sub }))
			return false;
		for (size_t k = s->first; !(fresh >> i & 1) && k < s->end; k++) {
			if (!put_edit(l, &l->edit[k], from, to, host + i * l->sub))
				return false;
		}
	}
	l->host->because = l->edit[s->first].because;
	return !fresh || write_entry(l, s, s->entry, (s->bitmap | fresh) & ~zeros);
}

/* What the entry pointed to is no longer used by it. */
static bool let_go(struct lower *l, const struct spot *s)
{
	const struct qcow2 *q = l->q;
	uint64_t host = s->entry & QCOW2_OFFSET_MASK, len = 1;

	if (s->entry & QCOW2_COMPRESSED) {
		host = s->entry & q->compressed_offset;
		len = ((s->entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >>
		       q->compressed_shift) +
		      1;
		len = len * 512 - host % 512;
	}
	if (!host)
		return true;
	for (uint64_t c = host >> q->cluster_bits.v;
	     c <= (host + len - 1) >> q->cluster_bits.v; c++) {
		if (!qcow2_alloc_drop(&l->alloc, c))
			return false;
	}
	return true;
}

static bool write_elsewhere(struct lower *l, const struct spot *s)
{
	bool packed = s->entry & QCOW2_COMPRESSED, fine = l->q->extended_l2;
	uint32_t have = packed || !fine ? UINT32_MAX : (uint32_t)s->bitmap | s->touched;
	uint64_t zeros =
		s->bitmap & ~((uint64_t)have << SUBCLUSTERS) & ~(uint64_t)UINT32_MAX;
	uint64_t host;

	if (!renew_table(l, s->table) || !let_go(l, s) ||
	    !qcow2_alloc_take(&l->alloc, &host))
		return false;
	for (unsigned i = 0; fine && i < SUBCLUSTERS; i++) {
		if (!(have >> i & 1))
			memset(l->is + i * l->sub, 0, l->sub);
	}
	return put_new(l, host, l->is, (size_t)l->q->cluster_size) &&
	       write_entry(l, s, host | QCOW2_COPIED, fine ? zeros | have : 0);
}

/* Which of its subclusters get other bytes. */
static bool look(struct lower *l, struct spot *s)
{
	size_t size = (size_t)l->q->cluster_size;
	struct err e = { 0 };

	memset(l->was, 0, size);
	memset(l->is, 0, size);
	if (source_read(l->before, s->guest, l->was, s->n, &e) != 0 ||
	    source_read(&l->after, s->guest, l->is, s->n, &e) != 0)
		return refuse_err(l, &e);
	for (unsigned i = 0; i * l->sub < size; i++) {
		if (memcmp(l->was + i * l->sub, l->is + i * l->sub, l->sub) != 0)
			s->touched |= UINT32_C(1) << i;
	}
	return true;
}

static bool write_spot(struct lower *l, struct spot *s)
{
	const struct qcow2 *q = l->q;
	uint64_t cluster = s->guest / q->cluster_size;
	uint64_t host, count = 0;

	l->host->because = l->edit[s->first].because;
	if (!look(l, s))
		return false;
	if (!s->touched)
		return true;
	s->table = find_table(l, cluster / q->l2_entries);
	s->index = cluster % q->l2_entries;
	if (!s->table || !read_entry(l, s))
		return false;
	s->table->because = l->host->because;
	host = s->entry & QCOW2_OFFSET_MASK;
	if (s->entry & QCOW2_COMPRESSED || !host || !(s->entry & QCOW2_COPIED) ||
	    !s->table->writable || (!q->extended_l2 && s->entry & QCOW2_ZERO))
		return write_elsewhere(l, s);
	if (!qcow2_alloc_get(&l->alloc, host >> q->cluster_bits.v, &count))
		return false;
	return count == 1 ? write_in_place(l, s, host) : write_elsewhere(l, s);
}

/* ---- all of it ---- */

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at.off < y->at.off ? -1 : x->at.off > y->at.off;
}

static bool write_spots(struct lower *l)
{
	const struct qcow2 *q = l->q;
	uint64_t next = 0;

	for (size_t i = 0; i < l->nedits; i++) {
		uint64_t c = l->edit[i].at.off / q->cluster_size;
		uint64_t last = (span_end(l->edit[i].at) - 1) / q->cluster_size;

		for (c = u64_max(c, next); c <= last; c++) {
			struct spot s = { .guest = c * q->cluster_size, .first = i };

			s.n = (size_t)u64_min(q->cluster_size, l->before->size - s.guest);
			s.end = i + 1;
			while (s.end < l->nedits &&
			       l->edit[s.end].at.off < s.guest + q->cluster_size)
				s.end++;
			if (!write_spot(l, &s))
				return false;
			next = c + 1;
		}
	}
	return true;
}

static bool write_tables(struct lower *l)
{
	const struct qcow2 *q = l->q;
	uint8_t raw[8];

	for (size_t i = 0; i < l->tables.n; i++) {
		const struct table *t = &l->tables.v[i];

		if (!t->bytes)
			continue;
		l->host->because = t->because;
		alloc_put64(raw, t->now | QCOW2_COPIED);
		if (!put_new(l, t->now, t->bytes, (size_t)q->cluster_size) ||
		    !put(l, STAGE_COMMIT, q->l1.at.off + t->slot * 8,
			 (struct view){ raw, sizeof(raw) }))
			return false;
	}
	return true;
}

/* Who changes an image and does not know a feature of this kind takes it away. */
static bool clear_unknown(struct lower *l)
{
	const struct qcow2 *q = l->q;
	uint8_t raw[8];

	if (!q->autoclear.at.len || !(q->autoclear.v & ~QCOW2_AUTOCLEAR_KNOWN))
		return true;
	alloc_put64(raw, q->autoclear.v & QCOW2_AUTOCLEAR_KNOWN);
	return put(l, STAGE_TABLES, q->autoclear.at.off,
		   (struct view){ raw, sizeof(raw) });
}

static bool lower(struct lower *l)
{
	if (!qcow2_alloc_begin(&l->alloc, l->host, l->q, NEW_BYTES_MAX) ||
	    !clear_unknown(l) || !write_spots(l) || !write_tables(l))
		return false;
	return qcow2_alloc_write(&l->alloc);
}

bool qcow2_write(struct plan *host, const struct plan *guest, const struct unit *u)
{
	const struct qcow2 *q = u->qcow2;
	const char *why = qcow2_write_refused(u);
	struct lower l = { .host = host, .q = q, .before = guest->src };
	struct arena *a = host->arena;
	struct patch patch;
	bool done;

	BUG_ON(guest->moves.n || guest->size != guest->src->size);
	if (why)
		return plan_refuse(host, "%s", why);
	patch = plan_patch(guest, a);
	l.after = source_overlay(guest->src, &patch);
	l.edit = arena_array(a, guest->edits.n, struct edit);
	l.nedits = guest->edits.n;
	memcpy(l.edit, guest->edits.v, guest->edits.n * sizeof(*l.edit));
	sort_stable(l.edit, l.nedits, sizeof(*l.edit), by_offset);
	l.was = arena_array(a, (size_t)q->cluster_size, uint8_t);
	l.is = arena_array(a, (size_t)q->cluster_size, uint8_t);
	l.sub = (size_t)q->cluster_size / (q->extended_l2 ? SUBCLUSTERS : 1);
	if (l.nedits)
		host->because = l.edit[0].because;
	done = l.nedits == 0 || lower(&l);
	host->because = NULL;
	return done;
}
