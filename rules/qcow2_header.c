/* Rules on a QCOW2's header: its version, its geometry, and the two tables that it names.
 * docs/interop/qcow2.txt of QEMU, "Header"; what QEMU does: 7.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- qcow2-magic-version ---- */

static void check_version(struct scan *s, const struct qcow2 *q)
{
	uint64_t needs = q->version.v == 2 ? QCOW2_HEADER_V2 : QCOW2_HEADER_V3;

	if (q->version.v != 2 && q->version.v != 3)
		report(s, q->version.at,
		       "the image is of version %llu, expected 2 or 3: the rest of it was "
		       "not looked at",
		       LLU(q->version.v));
	else if (q->file_size < needs)
		report(s, q->version.at,
		       "the file has %llu bytes, and a header of version %llu has %llu",
		       LLU(q->file_size), LLU(q->version.v), LLU(needs));
}

/* ---- qcow2-cluster-bits, qcow2-refcount-order ---- */

static bool has_header(const struct qcow2 *q)
{
	return (q->version.v == 2 || q->version.v == 3) && q->cluster_bits.at.len &&
	       (q->version.v == 2 || q->refcount_order.at.len);
}

static void check_cluster_bits(struct scan *s, const struct qcow2 *q)
{
	if (has_header(q) && (q->cluster_bits.v < QCOW2_CLUSTER_BITS_MIN ||
			      q->cluster_bits.v > QCOW2_CLUSTER_BITS_MAX))
		report(s, q->cluster_bits.at,
		       "cluster_bits is %llu, expected %d to %d (clusters of 512 bytes to "
		       "2 MiB): the rest of the image was not looked at",
		       LLU(q->cluster_bits.v), QCOW2_CLUSTER_BITS_MIN,
		       QCOW2_CLUSTER_BITS_MAX);
}

static void check_refcount_order(struct scan *s, const struct qcow2 *q)
{
	if (has_header(q) && q->refcount_order.v > QCOW2_REFCOUNT_ORDER_MAX)
		report(s, q->refcount_order.at,
		       "refcount_order is %llu, expected at most %d (refcounts of 64 bits): "
		       "the rest of the image was not looked at",
		       LLU(q->refcount_order.v), QCOW2_REFCOUNT_ORDER_MAX);
}

/* ---- qcow2-header-length ---- */

/* The extensions are elsewhere, at the end of a header of today: none is seen. */
static bool length_hides(const struct qcow2 *q)
{
	return q->next == 0 && q->header_length.v > QCOW2_HEADER_FULL &&
	       qcow2_extensions_from(q, QCOW2_HEADER_FULL);
}

static void check_header_length(struct scan *s, const struct qcow2 *q)
{
	uint64_t n = q->header_length.v;
	struct finding *f;

	if (!q->geometry || !q->v3)
		return;
	if (n < QCOW2_HEADER_V3) {
		f = report(s, q->header_length.at,
			   "header_length is %llu, expected at least %d", LLU(n),
			   QCOW2_HEADER_V3);
	} else if (n > q->cluster_size) {
		f = report(s, q->header_length.at,
			   "header_length is %llu, and a cluster has %llu bytes", LLU(n),
			   LLU(q->cluster_size));
	} else if (n % 8 != 0) {
		f = report(s, q->header_length.at,
			   "header_length is %llu, expected a multiple of 8", LLU(n));
		report_label(s, f, "extensions are looked for where none begins");
		return;
	} else if (length_hides(q)) {
		f = report(s, q->header_length.at,
			   "header_length is %llu, and header extensions begin at %d",
			   LLU(n), QCOW2_HEADER_FULL);
		report_label(s, f, "they are not seen: what they say does not count");
		return;
	} else {
		return;
	}
	report_label(s, f, "QEMU refuses the image");
}

/* Where a header of 112 bytes has its compression type, and nothing else. */
static bool full_header_fits(const struct qcow2 *q)
{
	struct view v = view_cut(q->head, QCOW2_OFF_COMPRESSION, 8);
	uint8_t type = view_u8(v, 0);

	return view_is_zero(view_cut(v, 1, 7)) &&
	       type == (q->incompatible.v & QCOW2_INCOMPAT_COMPRESSION ? 1 : 0);
}

static bool fix_header_length(struct plan *p, const struct finding *f,
			      const struct qcow2 *q)
{
	uint32_t length = 0;

	(void)f;
	if (!qcow2_understood(q))
		return plan_refuse(p, "the image has features that are not known here");
	if (view_has(q->head, 0, QCOW2_HEADER_FULL) && full_header_fits(q) &&
	    qcow2_extensions_from(q, QCOW2_HEADER_FULL))
		length = QCOW2_HEADER_FULL;
	else if (qcow2_extensions_from(q, QCOW2_HEADER_V3))
		length = QCOW2_HEADER_V3;
	else
		return plan_refuse(p,
				   "no extension that is known begins at %d or %d, so "
				   "what the length was cannot be told",
				   QCOW2_HEADER_V3, QCOW2_HEADER_FULL);
	plan_title(p, "header_length %u, where the extensions begin", length);
	return plan_be32(p, STAGE_COMMIT, q->header_length.at, length);
}

/* ---- qcow2-size-* ---- */

static void check_size_unaligned(struct scan *s, const struct qcow2 *q)
{
	uint64_t over = q->size.v % 512;
	struct finding *f;

	if (!qcow2_understood(q) || over == 0)
		return;
	f = report(s, q->size.at,
		   "the disk has %llu bytes, %llu more than whole sectors of 512",
		   LLU(q->size.v), LLU(over));
	report_label(s, f, "QEMU does not show the last part of a sector");
}

static bool fix_size_unaligned(struct plan *p, const struct finding *f,
			       const struct qcow2 *q)
{
	uint64_t size;

	(void)f;
	if (!u64_add(q->size.v, 512 - q->size.v % 512, &size) ||
	    div_up(size, q->l2_bytes) > q->l1_size.v)
		return plan_refuse(p, "the L1 table has no entry for one more sector");
	if (q->external_data)
		return plan_refuse(p, "the external data file would be too short");
	plan_title(p, "a whole last sector: %llu bytes", LLU(size));
	return plan_be64(p, STAGE_COMMIT, q->size.at, size);
}

static void check_size_zero(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q) || q->size.v != 0)
		return;
	/* A file that holds the RAM of saved VMs needs no disk. */
	for (size_t i = 0; i < q->snapshots.n; i++) {
		if (qcow2_vm_state(&q->snapshots.v[i]))
			return;
	}
	report(s, q->size.at, "the disk has 0 bytes: every read of it fails");
}

/* Where the L1 table ends when it has n entries. */
static struct span l1_of(const struct qcow2 *q, uint64_t n)
{
	struct span at = q->l1_offset.at;

	at.off = q->l1_offset.v;
	at.len = n > UINT64_MAX / 8 ? UINT64_MAX : n * 8;
	return at;
}

static void check_size_exceeds_l1(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_understood(q) || q->l1_needed <= q->l1_size.v)
		return;
	f = report(s, q->l1_size.at,
		   "l1_size is %llu, and a disk of %llu bytes needs %llu entries",
		   LLU(q->l1_size.v), LLU(q->size.v), LLU(q->l1_needed));
	report_label(s, f, "QEMU refuses the image");
	report_related(s, f, q->size.at, "the disk's size");
}

/* The entries are in clusters that are the table's anyway, and may be there still. */
static bool fix_size_exceeds_l1(struct plan *p, const struct finding *f,
				const struct qcow2 *q)
{
	uint64_t has = u64_max(1, div_up(q->l1_size.v * 8, q->cluster_size));

	(void)f;
	if (q->l1_offset.v == 0 || q->l1_offset.v % q->cluster_size != 0 ||
	    q->l1_offset.v >= q->file_size)
		return plan_refuse(p, "the L1 table is not where it could be");
	if (q->l1_needed > has * q->cluster_size / 8)
		return plan_refuse(p,
				   "%llu entries reach out of the table's %llu "
				   "cluster%s: it may be the disk's size that is wrong",
				   LLU(q->l1_needed), LLU(has), has == 1 ? "" : "s");
	plan_title(p, "l1_size %llu, as the disk's size wants it", LLU(q->l1_needed));
	return plan_be32(p, STAGE_COMMIT, q->l1_size.at, (uint32_t)q->l1_needed);
}

/* ---- qcow2-l1-oversized ---- */

static bool l1_oversized(const struct qcow2 *q)
{
	return q->l1_needed <= q->l1_size.v &&
	       (q->l1.state == QCOW2_TABLE_TOO_LARGE ||
		(q->l1.state == QCOW2_TABLE_CUT && qcow2_beyond(q, q->l1.at) &&
		 !qcow2_beyond(q, l1_of(q, q->l1_needed))));
}

static void check_l1_oversized(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_understood(q) || !l1_oversized(q))
		return;
	if (q->l1.state == QCOW2_TABLE_TOO_LARGE) {
		f = report(s, q->l1_size.at,
			   "the L1 table has %llu entries, expected at most %d (32 MiB)",
			   LLU(q->l1_size.v), QCOW2_L1_MAX / 8);
		report_label(s, f, "QEMU refuses the image; the disk needs %llu",
			     LLU(q->l1_needed));
		return;
	}
	f = report(s, q->l1_size.at,
		   "an L1 table of %llu entries reaches %llu bytes past the end of the "
		   "file, and the disk needs %llu",
		   LLU(q->l1_size.v), LLU(span_end(q->l1.at) - q->file_size),
		   LLU(q->l1_needed));
	report_label(s, f, "new clusters will be taken from within the table");
}

/* What may belong to the table behind the entries that are needed: to the end of their
 * last cluster. */
static bool spare_entries_are_zero(const struct qcow2 *q)
{
	uint64_t from = q->l1_needed * 8;
	uint64_t to =
		u64_min(div_up(from, q->cluster_size) * q->cluster_size, q->l1.raw.n);

	return from >= to ||
	       view_is_zero(view_cut(q->l1.raw, (size_t)from, (size_t)(to - from)));
}

static bool fix_l1_oversized(struct plan *p, const struct finding *f,
			     const struct qcow2 *q)
{
	(void)f;
	if (q->l1_needed == 0)
		return plan_refuse(p, "the disk has no size to go by");
	if (qcow2_beyond(q, l1_of(q, q->l1_needed)))
		return plan_refuse(p,
				   "what the disk needs of the table is not in the file");
	if (!spare_entries_are_zero(q))
		return plan_refuse(p,
				   "entries behind those that the disk needs are in use");
	plan_title(p, "l1_size %llu, as the disk's size wants it", LLU(q->l1_needed));
	return plan_be32(p, STAGE_COMMIT, q->l1_size.at, (uint32_t)q->l1_needed);
}

/* ---- qcow2-l1-offset ---- */

static bool spans_meet(struct span a, struct span b)
{
	return a.len && b.len && a.off < span_end(b) && b.off < span_end(a);
}

static void l1_over_refcounts(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	/* A table of absurd size meets everything; that is another rule's. */
	if (q->rt.state != QCOW2_TABLE_WHOLE ||
	    !spans_meet(l1_of(q, q->l1_needed), q->rt.at))
		return;
	f = report(s, q->l1_offset.at,
		   "the L1 table at %llu and the refcount table at %llu overlap",
		   LLU(q->l1_offset.v), LLU(q->rt_offset.v));
	report_related(s, f, q->rt_offset.at, "the refcount table");
}

static void check_l1_offset(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q))
		return;
	switch (q->l1.state) {
	case QCOW2_TABLE_NONE:
	case QCOW2_TABLE_TOO_LARGE:
	case QCOW2_TABLE_NO_ROOM:
		return;
	case QCOW2_TABLE_ZERO:
		report(s, q->l1_offset.at,
		       "the L1 table is at offset 0, over the header");
		return;
	case QCOW2_TABLE_UNALIGNED:
		report(s, q->l1_offset.at,
		       "the L1 table is at %llu, expected a multiple of the cluster size, "
		       "%llu",
		       LLU(q->l1_offset.v), LLU(q->cluster_size));
		return;
	case QCOW2_TABLE_OUTSIDE:
		report(s, q->l1_offset.at,
		       "the L1 table is at %llu, and the file ends at %llu",
		       LLU(q->l1_offset.v), LLU(q->file_size));
		return;
	case QCOW2_TABLE_CUT:
		if (qcow2_beyond(q, l1_of(q, q->l1_needed)))
			report(s, q->l1_offset.at,
			       "the file ends at %llu, within the L1 table: %llu of the "
			       "%llu entries that the disk needs are there",
			       LLU(q->file_size), LLU(q->l1.raw.n / 8),
			       LLU(q->l1_needed));
		else
			l1_over_refcounts(s, q);
		return;
	case QCOW2_TABLE_WHOLE:
		l1_over_refcounts(s, q);
		return;
	}
}

/* ---- qcow2-limits ---- */

static void check_limits(struct scan *s, const struct qcow2 *q)
{
	const char *what = q->limit;

	if (!what && q->scan)
		what = q->scan->limit;
	if (qcow2_understood(q) && what)
		report(s, qcow2_whole(q),
		       "not all of the image was looked at: %s went beyond a limit of "
		       "vmend",
		       what);
}

const struct rule rules_qcow2_header[] = {
	{ .id = "qcow2-cluster-bits",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a QCOW2 with a cluster size that does not exist",
	  .why = "Every offset in the image is counted in clusters. QEMU refuses it: "
		 "\"Unsupported cluster size\".",
	  .steps =
		  "Take the header from a copy or a backup. The usual value is 16 (64 KiB).",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 20 to 23",
	  .since = "0.1.0",
	  CHECK(qcow2, check_cluster_bits) },
	{ .id = "qcow2-header-length",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a QCOW2 with a header length that cannot be",
	  .why = "QEMU refuses the image, or looks for the header's extensions at a wrong "
		 "place: format of the backing file, bitmaps, keys, data file.",
	  .steps = "QEMU up to 5.0 writes 104, later ones 112.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 100 to 103; "
		    "block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_header_length, fix_header_length) },
	{ .id = "qcow2-l1-offset",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the L1 table of a QCOW2 cannot be where it is said to be",
	  .why = "All of the disk is found through the L1 table. QEMU opens an image whose L1 "
		 "table is at offset 0, past the end or over the refcount table, and "
		 "`qemu-img check -r` then frees, punches out or overwrites the real one.",
	  .steps =
		  "Do not run `qemu-img check -r` on it, and do not start the VM. Copy the "
		  "file. The L1 table was in a cluster of its own, most often the fourth; "
		  "`vmend inspect` lists clusters that look like one.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 40 to 47; "
		    "block/qcow2-refcount.c",
	  .since = "0.1.0",
	  CHECK(qcow2, check_l1_offset) },
	{ .id = "qcow2-l1-oversized",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an L1 table with entries that are not in the file",
	  .why = "Above 32 MiB QEMU refuses the image. Below, it takes new clusters from "
		 "within the table, notices the overlap at the next write, and marks the "
		 "image corrupt.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(); block/qcow2-refcount.c, "
		    "qcow2_check_metadata_overlap()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l1_oversized, fix_l1_oversized) },
	{ .id = "qcow2-limits",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "not all of a QCOW2 was looked at",
	  .why = "Something in the image is larger than anything that vmend is ready to read, "
		 "as in an image made to exhaust its readers. What is behind it was not "
		 "judged.",
	  .steps =
		  "An image of unknown origin with such a thing is best not opened at all.",
	  .source = "SPEC.md, section 2, \"Limits\"",
	  .since = "0.1.0",
	  CHECK(qcow2, check_limits) },
	{ .id = "qcow2-magic-version",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a QCOW2 of a version that is not known, or without a whole header",
	  .why = "Nothing of the image can be read. QEMU refuses it: \"Unsupported qcow2 "
		 "version\".",
	  .steps = "Take the header from a copy or a backup; there are versions 2 and 3.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 4 to 7",
	  .since = "0.1.0",
	  CHECK(qcow2, check_version) },
	{ .id = "qcow2-refcount-order",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a QCOW2 with refcounts of more than 64 bits",
	  .why = "QEMU refuses the image: \"Reference count entry width too large\".",
	  .steps =
		  "Take the header from a copy or a backup. The usual value is 4 (16 bits).",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 96 to 99",
	  .since = "0.1.0",
	  CHECK(qcow2, check_refcount_order) },
	{ .id = "qcow2-size-exceeds-l1",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an L1 table that is too short for the disk's size",
	  .why = "QEMU refuses the image: \"L1 table is too small\".",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_size_exceeds_l1, fix_size_exceeds_l1) },
	{ .id = "qcow2-size-unaligned",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "the disk of a QCOW2 does not end with a whole sector",
	  .why = "QEMU rounds the size down and says nothing: the last bytes, and a backup GPT "
		 "that counts on them, cannot be reached.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 24 to 31; "
		    "block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_size_unaligned, fix_size_unaligned) },
	{ .id = "qcow2-size-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a QCOW2 whose disk has no size",
	  .why = "`qemu-img check` finds nothing wrong with it, and every read fails.",
	  .steps =
		  "`qemu-img resize` gives it the size that it had. Clusters that are in use "
		  "can be read again from then on.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 24 to 31",
	  .since = "0.1.0",
	  CHECK(qcow2, check_size_zero) },
};

RULES_END(qcow2_header);
