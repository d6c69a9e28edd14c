/* Is the table that has a cluster of a QCOW2 image, beside others, one? A pointer that went wrong
 * makes a table of whatever it points at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_sound.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

enum { MISTAKES = 16 }; /* refcounts that are wrong, in a block that still is one */

bool qcow2_is_sound_l1(const struct qcow2 *q)
{
	const struct qcow2_flaws *v = q->scan->flaws;

	return !v[QCOW2_FLAW_L1_RESERVED].total && !v[QCOW2_FLAW_L1_UNALIGNED].total &&
	       !v[QCOW2_FLAW_L1_PAST_EOF].total;
}

static bool is_within(const struct qcow2_flaw *f, uint64_t off, uint64_t len)
{
	return f->at.off < off + len && off < f->at.off + u64_max(f->at.len, 1);
}

bool qcow2_is_sound_l2(const struct qcow2 *q, uint64_t off, uint8_t *buf)
{
	struct err e = { 0 };

	if (qcow2_read_padded(q, off, buf, (size_t)q->cluster_size, &e) != 0)
		return false;
	for (uint64_t i = 0; i < q->l2_entries; i++) {
		const uint8_t *p = buf + i * q->l2_entry_size;
		uint64_t entry = qcow2_be64(p), at = entry & QCOW2_OFFSET_MASK, count;
		bool known;

		if (entry & QCOW2_COMPRESSED)
			at = entry & q->compressed_offset;
		else if (entry & QCOW2_L2_RESERVED || at % q->cluster_size != 0)
			return false;
		if (at >= q->file_size || (at && (qcow2_stored(q, at >> q->cluster_bits.v,
							       &count, &known, &e) != 0 ||
						  !known || count == 0)))
			return false;
	}
	return true;
}

static bool is_sound_block(const struct qcow2 *q, uint64_t cluster)
{
	static const enum qcow2_flaw_kind kinds[] = {
		QCOW2_FLAW_REFCOUNT_ZERO,
		QCOW2_FLAW_REFCOUNT_LOW,
		QCOW2_FLAW_REFCOUNT_HIGH,
		QCOW2_FLAW_LEAK,
	};
	uint64_t off = cluster << q->cluster_bits.v, wrong = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		const struct qcow2_flaws *v = &q->scan->flaws[kinds[k]];

		for (size_t i = 0; i < v->n; i++) {
			if (is_within(&v->v[i], off, q->cluster_size))
				wrong++;
		}
	}
	return wrong < MISTAKES && !q->scan->flaws[QCOW2_FLAW_RT_UNALIGNED].total &&
	       !q->scan->flaws[QCOW2_FLAW_RT_PAST_EOF].total;
}

static bool is_sound(const struct qcow2 *q, const struct qcow2_owner *o, uint64_t cluster,
		     uint8_t *buf)
{
	switch (o->use) {
	case QCOW2_USE_L2:
		return qcow2_is_sound_l2(q, cluster << q->cluster_bits.v, buf);
	case QCOW2_USE_L1:
	case QCOW2_USE_SNAPSHOT_L1:
		return qcow2_is_sound_l1(q);
	case QCOW2_USE_REFCOUNT_TABLE:
		return !q->scan->flaws[QCOW2_FLAW_RT_RESERVED].total &&
		       !q->scan->flaws[QCOW2_FLAW_RT_UNALIGNED].total &&
		       !q->scan->flaws[QCOW2_FLAW_RT_PAST_EOF].total;
	case QCOW2_USE_REFCOUNT_BLOCK:
		return is_sound_block(q, cluster);
	case QCOW2_USE_SNAPSHOT_TABLE:
		return q->snapshots.state == QCOW2_LIST_WHOLE && qcow2_is_sound_l1(q);
	case QCOW2_USE_BITMAP_DIRECTORY:
	case QCOW2_USE_BITMAP_TABLE:
		return q->bitmaps.state == QCOW2_LIST_WHOLE &&
		       !q->scan->flaws[QCOW2_FLAW_BME_RESERVED].total &&
		       !q->scan->flaws[QCOW2_FLAW_BME_UNALIGNED].total &&
		       !q->scan->flaws[QCOW2_FLAW_BME_PAST_EOF].total;
	case QCOW2_USE_HEADER: /* else nothing of all this would have been read */
	case QCOW2_USE_DATA:
	case QCOW2_USE_COMPRESSED:
	case QCOW2_USE_VM_STATE:
		return true;
	case QCOW2_USE_BITMAP_DATA: /* any bits will do */
	case QCOW2_USE_CRYPTO:
		break;
	}
	return false;
}

bool qcow2_tables_are_sound(struct plan *p, const struct qcow2 *q,
			    const struct qcow2_flaw *f, uint8_t *buf)
{
	for (size_t i = 0; i < f->nowners; i++) {
		for (uint64_t k = 0; k < f->n; k++) {
			if (!is_sound(q, &f->owner[i], f->cluster + k, buf))
				return plan_refuse(
					p,
					"host cluster %llu is no whole table any more, or "
					"nobody can tell: which of its owners is right "
					"cannot be known",
					(unsigned long long)(f->cluster + k));
		}
	}
	return f->nowners < QCOW2_OWNERS_KEPT ||
	       plan_refuse(p, "host cluster %llu has too many owners",
			   (unsigned long long)f->cluster);
}
