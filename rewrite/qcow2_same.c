/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_same.h"
#include "analyze/image/backing.h"
#include "analyze/image/guest.h"
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_edit.h"
#include "base/banned.h"

enum {
	PIECE = 256 << 10,
	RUNS_MAX = 64 << 20,    /* of both mappings */
	BYTES_MAX = 1 << 30,    /* that are read and compared */
	SCRATCH_MAX = 32 << 20, /* memory for the tables of one disk */
};

struct range {
	uint64_t off, end;
};

/* One disk before and after: the active one, or a snapshot's. */
struct side {
	struct qcow2 q; /* as the unit's, but for L1 table and size */
	struct guest guest;
	struct source src;
};

struct compare {
	struct qcow2_same *s;
	const char *whose;  /* "" or "snapshot 1: " */
	struct range *edit; /* in the file, by offset */
	size_t nedits;
	bool same_backing, same_data;
	bool active,
		sealed; /* sealed: the bytes cannot be read, since they are encrypted */
	struct side was, is;
	struct source should; /* was, with what the plan for the guest writes */
	uint64_t runs, bytes; /* that are left */
	uint8_t *x, *y;
	struct err *e;
};

static void refute(struct compare *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void refute(struct compare *c, const char *fmt, ...)
{
	const char *what;
	va_list ap;

	va_start(ap, fmt);
	what = arena_vprintf(c->s->arena, fmt, ap);
	va_end(ap);
	c->s->why = arena_printf(c->s->arena, "%s%s", c->whose, what);
}

/* False: it has to end here, with an error or a reason. */
static bool failed(struct compare *c)
{
	if (c->e->code != ERR_IO)
		refute(c, "%s", c->e->msg);
	return false;
}

/* ---- bytes ---- */

/* What was read there was not the guest's: the L1 table pointed at no L2 table. */
static bool was_no_table(const struct compare *c, uint64_t off)
{
	const struct qcow2 *q = &c->was.q;
	uint64_t slot = off / q->l2_bytes, at;
	struct err e = { 0 };
	struct view raw;

	if (!c->active || c->s->reach < FIX_UNSAFE || slot >= q->l1.raw.n / 8)
		return false;
	at = qcow2_entry(q->l1.raw, (size_t)slot) & QCOW2_OFFSET_MASK;
	return range_within(at, q->cluster_size, q->file_size) &&
	       source_view(q->src, c->s->arena, at, q->cluster_size, &raw, &e) == 0 &&
	       qcow2_is_no_table(q, raw);
}

static bool compare_piece(struct compare *c, uint64_t off, size_t n)
{
	if (c->bytes < n) {
		refute(c, "more would have to be compared than is allowed");
		return false;
	}
	c->bytes -= n;
	if (source_read(&c->should, off, c->x, n, c->e) != 0) {
		/* A stream that is broken was so before. */
		if (c->e->code != ERR_UNREADABLE)
			return failed(c);
		*c->e = (struct err){ 0 };
		return true;
	}
	if (source_read(&c->is.src, off, c->y, n, c->e) != 0)
		return failed(c);
	for (size_t i = 0; i < n; i++) {
		if (c->x[i] != c->y[i]) {
			if (was_no_table(c, off))
				return true;
			refute(c, "byte 0x%llx of the guest's disk would change",
			       (unsigned long long)(off + i));
			return false;
		}
	}
	return true;
}

static bool compare_bytes(struct compare *c, uint64_t off, uint64_t len)
{
	if (c->sealed) {
		refute(c,
		       "encrypted data at 0x%llx of the guest's disk would be elsewhere",
		       (unsigned long long)off);
		return false;
	}
	for (uint64_t done = 0; done < len; done += PIECE) {
		if (!compare_piece(c, off + done, (size_t)u64_min(PIECE, len - done)))
			return false;
	}
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static int ends_before(const void *elem, const void *key)
{
	const struct range *x = elem;
	const uint64_t *off = key;

	return x->end <= *off ? -1 : 1;
}

/* Both map r to the same place of the file: what does the plan write there? */
static bool compare_written(struct compare *c, const struct guest_run *r)
{
	uint64_t len = r->kind == GUEST_PACKED ? r->host_len : r->len;
	uint64_t end = r->host + len;

	for (size_t i = sorted_find(c->edit, c->nedits, sizeof(*c->edit), &r->host,
				    ends_before);
	     i < c->nedits && c->edit[i].off < end; i++) {
		uint64_t lo = u64_max(c->edit[i].off, r->host);
		uint64_t hi = u64_min(c->edit[i].end, end);

		if (r->kind == GUEST_PACKED)
			return compare_bytes(c, r->off, r->len);
		if (!compare_bytes(c, r->off + (lo - r->host), hi - lo))
			return false;
	}
	return true;
}

/* ---- mappings ---- */

static bool same_place(const struct compare *c, const struct guest_run *x,
		       const struct guest_run *y)
{
	if (x->kind != y->kind)
		return false;
	switch (x->kind) {
	case GUEST_ZERO:
		return true;
	case GUEST_BACKING:
		return c->same_backing && x->host == y->host;
	case GUEST_DATA:
		return c->same_data && x->host == y->host;
	case GUEST_PACKED:
		return x->host == y->host && x->host_len == y->host_len;
	case GUEST_BAD:
		break;
	}
	return false;
}

/* A repair that makes a best guess may show again what seemed not to be there. Cuts *len
 * to what was looked at. */
static bool may_appear(struct compare *c, const struct guest_run *x, uint64_t *len,
		       bool *may)
{
	const struct qcow2 *q = &c->was.q;
	uint8_t raw[16] = { 0 };

	*may = false;
	if (c->s->reach < FIX_UNSAFE || (c->s->guest && c->s->guest->edits.n) ||
	    (x->kind != GUEST_ZERO && x->kind != GUEST_BACKING))
		return true;
	if (x->entry >= q->l1.at.off && x->entry < span_end(q->l1.at)) {
		*may = true;
		return true;
	}
	*len = u64_min(*len, q->cluster_size - x->off % q->cluster_size);
	if (qcow2_read_padded(q, x->entry, raw, (size_t)q->l2_entry_size, c->e) != 0)
		return failed(c);
	/* Nor is it said to be zeros by what cannot be an entry. */
	*may = q->extended_l2 ? qcow2_be64(raw + 8) >> 32 == 0
			      : !(qcow2_be64(raw) & QCOW2_ZERO) ||
					!qcow2_may_be_l2_entry(q, qcow2_be64(raw));
	return true;
}

/* The run x of the disk as it was; *len: how much of it was looked at. */
static bool compare_run(struct compare *c, const struct guest_run *x, uint64_t *len)
{
	struct guest_run y;
	bool may;

	if (x->off >= c->is.guest.size) {
		refute(c, "the L1 table would no longer reach 0x%llx of the guest's disk",
		       (unsigned long long)x->off);
		return false;
	}
	if (guest_map(&c->is.guest, x->off, x->len, &y, c->e) != 0)
		return failed(c);
	*len = y.len;
	if (y.kind == GUEST_BAD) {
		refute(c, "0x%llx of the guest's disk could no longer be read: %s",
		       (unsigned long long)x->off, y.why);
		return false;
	}
	if (same_place(c, x, &y)) {
		struct guest_run both = *x;

		both.len = *len;
		return (x->kind != GUEST_DATA && x->kind != GUEST_PACKED) ||
		       x->src != c->was.q.src || compare_written(c, &both);
	}
	if (!may_appear(c, x, len, &may))
		return false;
	return may || compare_bytes(c, x->off, *len);
}

static bool compare_runs(struct compare *c)
{
	uint64_t size = c->was.guest.size, len;

	for (uint64_t off = 0; off < size; off += len) {
		struct guest_run x;

		if (c->runs-- == 0) {
			refute(c, "it is in too many pieces to be compared");
			return false;
		}
		if (guest_map(&c->was.guest, off, size - off, &x, c->e) != 0)
			return failed(c);
		len = x.len;
		if (x.kind != GUEST_BAD && !compare_run(c, &x, &len))
			return false;
	}
	return true;
}

/* ---- a disk ---- */

static void init_side(struct side *d, const struct unit *u, const struct qcow2_table *l1,
		      struct guest_packed *packed, struct arena *a)
{
	d->q = *u->qcow2;
	d->q.l1 = *l1;
	d->q.crypt_method.v = QCOW2_CRYPT_NONE;
	/* All that the table maps, VM state behind the disk, too. */
	d->q.size.v = u64_min(l1->n, QCOW2_L1_MAX / 8) * d->q.l2_bytes;
	guest_init(&d->guest, &d->q, packed, a);
	if (u->guest) {
		d->guest.data = u->guest->data;
		d->guest.data_why = u->guest->data_why;
		d->guest.backing = u->guest->backing;
		d->guest.backing_why = u->guest->backing_why;
	} else if (u->qcow2->backing.state == QCOW2_NAME_READ) {
		d->guest.backing_why = "its backing file was not looked at";
	}
	d->src = guest_source(&d->guest);
}

/* What the guest wants written has to be there, too. */
static bool compare_wanted(struct compare *c)
{
	const struct plan *p = c->s->guest;

	for (size_t i = 0; c->active && p && i < p->edits.n; i++) {
		if (!compare_bytes(c, p->edits.v[i].at.off, p->edits.v[i].at.len))
			return false;
	}
	return true;
}

static bool compare_disk(struct compare *c, const struct qcow2_table *was,
			 const struct qcow2_table *is)
{
	struct guest_packed packed = { .left = GUEST_INFLATE_MAX };
	struct patch patch = { 0 };
	struct arena scratch;
	bool same;

	arena_init(&scratch, SCRATCH_MAX);
	init_side(&c->was, c->s->was, was, &packed, &scratch);
	init_side(&c->is, c->s->is, is, &packed, &scratch);
	c->should = c->was.src;
	if (c->active && c->s->guest) {
		patch = plan_patch(c->s->guest, c->s->arena);
		patch.size = c->was.src.size;
		c->should = source_overlay(&c->was.src, &patch);
	}
	same = compare_runs(c) && compare_wanted(c);
	arena_free(&scratch);
	return same;
}

/* ---- all of them ---- */

static const struct qcow2_snapshot *same_snapshot(const struct compare *c, size_t i)
{
	const struct qcow2_snapshots *was = &c->s->was->qcow2->snapshots;
	const struct qcow2_snapshots *is = &c->s->is->qcow2->snapshots;

	if (was->n == is->n)
		return &is->v[i];
	for (size_t k = 0; k < is->n; k++) {
		if (is->v[k].at.off == was->v[i].at.off)
			return &is->v[k];
	}
	return NULL;
}

static bool compare_snapshots(struct compare *c)
{
	const struct qcow2_snapshots *was = &c->s->was->qcow2->snapshots;

	c->active = false;
	for (size_t i = 0; i < was->n; i++) {
		const struct qcow2_snapshot *s = same_snapshot(c, i);

		c->whose = arena_printf(c->s->arena, "snapshot %s: ",
					str_shown(c->s->arena, was->v[i].id));
		if (!s) {
			refute(c, "it would no longer be seen");
			return false;
		}
		if (!compare_disk(c, &was->v[i].l1, &s->l1))
			return false;
	}
	return true;
}

static bool same_file(const struct backing *x, const struct backing *y)
{
	if (!x || !y)
		return x == y;
	return x->state == y->state && (x->source != NULL) == (y->source != NULL) &&
	       (!x->source || (x->file.st.st_dev == y->file.st.st_dev &&
			       x->file.st.st_ino == y->file.st.st_ino &&
			       x->source->size == y->source->size &&
			       x->source->is_guest == y->source->is_guest));
}

static bool same_chain(const struct backing *x, const struct backing *y)
{
	while (x && y && same_file(x, y) && same_file(x->data_file, y->data_file)) {
		x = x->backing;
		y = y->backing;
	}
	return !x && !y;
}

static bool begin(struct compare *c)
{
	const struct unit *was = c->s->was, *is = c->s->is;
	const struct plan *host = c->s->host;
	const char *why = guest_refused(is->qcow2);

	c->sealed = was->qcow2->crypt_method.v != QCOW2_CRYPT_NONE;
	c->same_backing = same_chain(was->backing, is->backing);
	c->same_data = was->qcow2->external_data == is->qcow2->external_data &&
		       same_file(was->data_file, is->data_file);
	if (why && !c->sealed)
		refute(c, "the guest's disk could no longer be seen: %s", why);
	else if (was->qcow2->crypt_method.v != is->qcow2->crypt_method.v ||
		 was->qcow2->cluster_size != is->qcow2->cluster_size)
		refute(c, "its tables would mean something else");
	else if (is->qcow2->size.v < was->qcow2->size.v)
		refute(c, "the guest's disk would become smaller");
	c->edit = arena_array(c->s->arena, host->edits.n, struct range);
	c->nedits = host->edits.n;
	for (size_t i = 0; i < c->nedits; i++)
		c->edit[i] = (struct range){ host->edits.v[i].at.off,
					     span_end(host->edits.v[i].at) };
	sort_stable(c->edit, c->nedits, sizeof(*c->edit), by_offset);
	c->x = arena_array(c->s->arena, PIECE, uint8_t);
	c->y = arena_array(c->s->arena, PIECE, uint8_t);
	return !c->s->why;
}

/* Could anything be read before? Encrypted clusters are where they are, at least. */
static bool was_seen(const struct qcow2 *q)
{
	return q->geometry &&
	       (!guest_refused(q) || q->crypt_method.v != QCOW2_CRYPT_NONE);
}

int qcow2_same(struct qcow2_same *s, struct err *e)
{
	struct compare c = { .s = s,
			     .whose = "",
			     .active = true,
			     .e = e,
			     .runs = RUNS_MAX,
			     .bytes = BYTES_MAX };
	struct err before = *e;

	s->why = NULL;
	if (!was_seen(s->was->qcow2))
		return 0;
	*e = (struct err){ 0 };
	if (!begin(&c) || !compare_disk(&c, &s->was->qcow2->l1, &s->is->qcow2->l1) ||
	    !compare_snapshots(&c))
		return s->why ? 0 : -1;
	*e = before;
	return 0;
}
