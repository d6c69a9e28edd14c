/* Every compressed cluster of a QCOW2 image, inflated: qemu-img check does not look into
 * them, and a guest that reads one that is broken gets an error. For --deep.
 * docs/interop/qcow2.txt of QEMU, "Compressed Clusters Descriptor".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/guest.h"
#include "analyze/image/qcow2_tally.h"
#include "analyze/source.h"
#include "analyze/unit.h"
#include "base/banned.h"

enum { COMPRESSION_MAX = 1, SAY_EVERY = 16 };

struct deep {
	struct qcow2_tally *t;
	const struct deep_watch *watch;
	const char *path;
	uint64_t done, total; /* clusters */
	uint8_t *in, *out;
	size_t in_size;
	bool failed; /* t->e */
};

/* Streams are as long as the entry says: up to two clusters. */
static bool room(struct deep *d, uint64_t n)
{
	if (d->in_size >= n)
		return true;
	d->in = arena_try(d->t->scratch, n, 1);
	d->in_size = d->in ? (size_t)n : 0;
	return d->in != NULL;
}

static bool say(struct deep *d)
{
	const struct qcow2 *q = d->t->q;

	if (d->watch->go_on && (d->done % SAY_EVERY == 0 || d->done == d->total) &&
	    !d->watch->go_on(d->watch->ctx, d->path, d->done << q->cluster_bits.v,
			     d->total << q->cluster_bits.v)) {
		err_set(d->t->e, ERR_STOPPED,
			"stopped after %llu of %llu compressed clusters",
			(unsigned long long)d->done, (unsigned long long)d->total);
		d->failed = true;
	}
	return !d->failed;
}

static bool inflate_run(void *arg, const struct qcow2_run *r)
{
	struct deep *d = arg;
	const struct qcow2 *q = d->t->q;
	uint64_t off, len;

	if (r->again || !(r->entry & QCOW2_COMPRESSED))
		return true;
	d->done++;
	if (!say(d))
		return false;
	qcow2_compressed_at(q, r->entry, &off, &len);
	if (off >= q->file_size || !qcow2_in_file(q, off, len))
		return true; /* told already */
	len = u64_min(len, q->file_size - off);
	if (!room(d, len)) {
		qcow2_tally_limit(d->t, "compressed clusters");
		return false;
	}
	if (source_read(q->src, off, d->in, (size_t)len, d->t->e) != 0) {
		d->failed = true;
		return false;
	}
	if (!guest_unpack((unsigned)q->compression.v, (struct view){ d->in, (size_t)len },
			  d->out, (size_t)q->cluster_size))
		qcow2_tally_run_flaw(d->t, QCOW2_FLAW_COMPRESSED_BAD, r);
	return true;
}

int qcow2_deep(struct qcow2_tally *t)
{
	const struct qcow2 *q = t->q;
	struct deep d = { .t = t, .total = t->packed, .path = q->src->path };

	if (!q->unit || !q->unit->host->deep || q->external_data ||
	    q->compression.v > COMPRESSION_MAX)
		return 0;
	d.watch = q->unit->host->deep;
	if (d.total == 0)
		return 0;
	d.out = arena_try(t->scratch, q->cluster_size, 1);
	if (!d.out) {
		qcow2_tally_limit(t, "compressed clusters");
		return 0;
	}
	t->walk.l1_entry = NULL;
	t->walk.l2 = NULL;
	t->walk.run = inflate_run;
	t->walk.arg = &d;
	if (qcow2_walk_l2(&t->walk) != 0 || d.failed)
		return -1;
	return 0;
}
