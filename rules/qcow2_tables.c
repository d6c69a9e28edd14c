/* Rules on single entries of the L1 and L2 tables of a QCOW2 image: QEMU,
 * docs/interop/qcow2.txt, "Cluster mapping".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- help for fixes ---- */

/* A finding is on one kind, which check_* left in arg. */
static const struct qcow2_flaws *flaws_found(const struct qcow2 *q,
					     const struct finding *f)
{
	return flaws_of(q, (enum qcow2_flaw_kind)f->arg);
}

static void on_entries(struct scan *s, const struct qcow2 *q, enum qcow2_flaw_kind k,
		       const char *what, const char *label)
{
	struct finding *f = has_flaw(q, k) ? report_entries(s, q, k, what) : NULL;

	if (!f)
		return;
	f->arg = k;
	report_label(s, f, "%s", label);
}

static bool too_many(struct plan *p, const struct qcow2_flaws *v)
{
	return plan_refuse(p, "%llu entries have it, of which only some are known",
			   llu(v->total));
}

/* The entry is one of a table: else the bytes may be the guest's. */
static bool is_sure(struct plan *p, const struct qcow2 *q, const struct qcow2_flaw *f)
{
	if (qcow2_tables_known(q) && qcow2_is_table(q, f->at.off))
		return true;
	return plan_refuse(p,
			   "what is read as an L2 table at 0x%llx may be something else",
			   llu(f->at.off - f->at.off % q->cluster_size));
}

static struct qcow2_words words_of(const struct qcow2 *q, const struct qcow2_flaw *f,
				   unsigned stride)
{
	(void)q;
	return (struct qcow2_words){ .off = f->at.off, .n = f->n, .stride = stride };
}

/* Bits of all entries of the finding's kind. */
static bool change_bits(struct plan *p, const struct finding *f, const struct qcow2 *q,
			uint64_t clear, uint64_t set)
{
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	for (size_t i = 0; i < v->n; i++) {
		struct qcow2_words w = words_of(q, &v->v[i], (unsigned)q->l2_entry_size);

		if (!is_sure(p, q, &v->v[i]) ||
		    !qcow2_plan_bits(p, q, STAGE_HEADERS, &w, clear, set))
			return false;
	}
	return true;
}

/* ---- reserved bits ---- */

static void check_l1_reserved(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_L1_RESERVED, "in which reserved bits are set",
		   "QEMU takes the image for corrupt when it gets there");
}

static void check_l2_reserved(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_L2_RESERVED, "in which reserved bits are set",
		   "QEMU takes the image for corrupt when it gets there");
}

/* The rest of the entry makes sense: one bit more is an accident, others are not an
 * entry at all. */
static bool rest_is_right(struct plan *p, const struct qcow2 *q,
			  const struct qcow2_flaw *f)
{
	uint64_t off = f->entry & QCOW2_OFFSET_MASK, end;

	if (!q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (q->external_data)
		return plan_refuse(p, "it is one of an image with a data file");
	if (f->kind == QCOW2_FLAW_L2_RESERVED && !is_sure(p, q, f))
		return false;
	if (f->kind == QCOW2_FLAW_L1_RESERVED &&
	    (has_flaw(q, QCOW2_FLAW_L1_UNALIGNED) ||
	     has_flaw(q, QCOW2_FLAW_L1_PAST_EOF) || !qcow2_is_alone(q, f->at.off)))
		return plan_refuse(p, "the L1 table has more that is wrong");
	if (off == 0 && !(f->entry & QCOW2_COPIED))
		return true;
	if (off % q->cluster_size != 0 || off == 0 || !u64_add(f->cluster, f->n, &end) ||
	    end > q->host_clusters || !qcow2_is_undisputed(q, f->cluster, f->n))
		return plan_refuse(p,
				   "without these bits, 0x%016llx does not point at a "
				   "cluster that is its own either",
				   llu(f->entry));
	return true;
}

static bool fix_reserved(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	bool l1 = f->arg == QCOW2_FLAW_L1_RESERVED;
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	for (size_t i = 0; i < v->n; i++) {
		struct qcow2_words w =
			words_of(q, &v->v[i], l1 ? 8 : (unsigned)q->l2_entry_size);

		if (!rest_is_right(p, q, &v->v[i]) ||
		    !qcow2_plan_bits(p, q, STAGE_HEADERS, &w,
				     l1 ? QCOW2_L1_RESERVED : QCOW2_L2_RESERVED, 0))
			return false;
	}
	plan_title(p, "reserved bits cleared");
	return true;
}

/* ---- pointers ---- */

static void on_lost(struct scan *s, const struct qcow2 *q, enum qcow2_flaw_kind k,
		    const char *what, const char *label)
{
	struct finding *f = has_flaw(q, k) ? report_lost(s, q, k, what) : NULL;

	if (!f)
		return;
	f->arg = k;
	report_label(s, f, "%s", label);
}

static void check_l1_unaligned(struct scan *s, const struct qcow2 *q)
{
	on_lost(s, q, QCOW2_FLAW_L1_UNALIGNED,
		"whose offset is not a multiple of the cluster size",
		"QEMU takes the image for corrupt when it gets there");
}

static void check_l2_unaligned(struct scan *s, const struct qcow2 *q)
{
	on_lost(s, q, QCOW2_FLAW_L2_UNALIGNED,
		"whose offset is not a multiple of the cluster size",
		"QEMU takes the image for corrupt when it gets there");
}

/* What is there cannot be read, and no byte of it is touched; only where it was is no longer
 * known. */
static bool fix_lost(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	if (f->arg == QCOW2_FLAW_L1_UNALIGNED || f->arg == QCOW2_FLAW_L1_PAST_EOF) {
		plan_title(p, "no table there: unallocated");
		return qcow2_plan_no_tables(p, q, v->v, v->n);
	}
	plan_title(p, "zeros there");
	return qcow2_plan_zeros(p, q, v->v, v->n);
}

static bool fix_l1_unaligned(struct plan *p, const struct finding *f,
			     const struct qcow2 *q)
{
	struct plan_mark start = plan_mark(p);

	if (q->scan->complete && qcow2_plan_aligned(p, q))
		return true;
	plan_cut(p, start);
	return fix_lost(p, f, q);
}

static void check_zero_unaligned(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_L2_ZERO_UNALIGNED,
		   "reads as zeros, and its offset is not a multiple of the cluster size",
		   "a write there goes wrong");
}

static bool fix_zero_unaligned(struct plan *p, const struct finding *f,
			       const struct qcow2 *q)
{
	plan_title(p, "zeros without a cluster");
	if (!q->v3)
		return plan_refuse(p, "version 2 has no flag for zeros");
	/* With extended L2, the bitmap behind the entry says that it is zeros. */
	return change_bits(p, f, q, UINT64_MAX, q->extended_l2 ? 0 : QCOW2_ZERO);
}

static void check_nowhere(struct scan *s, const struct qcow2 *q)
{
	on_lost(s, q, QCOW2_FLAW_L1_PAST_EOF, "beyond the end of the file",
		"QEMU reads as if nothing was there");
	on_lost(s, q, QCOW2_FLAW_L2_PAST_EOF,
		"beyond the end of the file, for a cluster without refcount",
		"QEMU reads zeros, and qemu-img convert copies them without a word");
	on_lost(s, q, QCOW2_FLAW_COMPRESSED_PAST_EOF, "beyond the end of the file",
		"reading it fails");
	on_lost(s, q, QCOW2_FLAW_COMPRESSED_CUT,
		"compressed data that the end of the file cuts off", "reading it fails");
}

static void check_compressed_bad(struct scan *s, const struct qcow2 *q)
{
	on_lost(s, q, QCOW2_FLAW_COMPRESSED_BAD,
		"compressed data that does not inflate to a whole cluster",
		"reading it fails");
}

/* ---- flags ---- */

static void check_compressed_copied(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_COMPRESSED_COPIED,
		   "compressed, and COPIED (bit 63) is set",
		   "the format forbids it, and qemu-img check -r all leaves it");
}

static bool fix_compressed_copied(struct plan *p, const struct finding *f,
				  const struct qcow2 *q)
{
	plan_title(p, "COPIED cleared");
	return change_bits(p, f, q, QCOW2_COPIED, 0);
}

static void check_compressed_alone(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_COMPRESSED_DATA_FILE,
		   "compressed, in an image whose data are in another file",
		   "the format forbids it, and reading it fails");
	on_entries(s, q, QCOW2_FLAW_COMPRESSED_BITMAP,
		   "compressed, and its subclusters are described all the same",
		   "QEMU takes the image for corrupt when it gets there");
}

static void check_v2_zero(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_L2_ZERO_V2,
		   "reads as zeros, for which version 2 has no flag",
		   "reading it fails, and qemu-img check says nothing");
}

static bool fix_v2_zero(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	if (q->backing_offset.v)
		return plan_refuse(p, "without the flag, the backing file would show");
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].entry & QCOW2_OFFSET_MASK)
			return plan_refuse(p,
					   "without the flag, what is in host cluster "
					   "%llu would show",
					   llu(v->v[i].cluster));
	}
	plan_title(p, "no cluster, which reads as zeros");
	return change_bits(p, f, q, QCOW2_ZERO, 0);
}

/* ---- subclusters ---- */

static void check_subclusters(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_BITMAP_BOTH,
		   "and some of its subclusters are allocated and zeros at once",
		   "QEMU takes the image for corrupt when it gets there");
	on_lost(s, q, QCOW2_FLAW_BITMAP_NOWHERE,
		"and some of its subclusters are allocated, in no cluster",
		"QEMU takes the image for corrupt when it gets there");
}

/* Allocated is what has bytes; without a cluster there are none. */
static bool fix_subclusters(struct plan *p, const struct finding *f,
			    const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	if (f->arg == QCOW2_FLAW_BITMAP_NOWHERE) {
		plan_title(p, "zeros there");
		return qcow2_plan_zeros(p, q, v->v, v->n);
	}
	plan_title(p, "what is allocated shows");
	for (size_t i = 0; i < v->n; i++) {
		for (uint64_t k = 0; k < v->v[i].n; k++) {
			uint64_t at = v->v[i].at.off + k * q->l2_entry_size;

			if (!is_sure(p, q, &v->v[i]) || !qcow2_plan_one_state(p, q, at))
				return false;
		}
	}
	return true;
}

static void check_bit0(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_BITMAP_BIT0,
		   "in which bit 0 is set, reserved with extended L2 entries",
		   "a reader that knows it as the flag for zeros shows zeros");
}

static bool fix_bit0(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	plan_title(p, "bit 0 cleared");
	return change_bits(p, f, q, QCOW2_ZERO, 0);
}

/* ---- data files, and behind the disk ---- */

static void check_data_file(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_DATA_FILE_OFFSET,
		   "not its guest offset, which is where a data file has it",
		   "reading it fails");
}

static bool fix_data_file(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_found(q, f);

	if (!flaws_all_kept(v))
		return too_many(p, v);
	if (!q->data_file_ext)
		return plan_refuse(p, "no data file is named: there may be none");
	for (size_t i = 0; i < v->n; i++) {
		const struct qcow2_flaw *x = &v->v[i];

		if (!is_sure(p, q, x))
			return false;
		if ((x->entry & QCOW2_OFFSET_MASK) % q->cluster_size != 0 ||
		    has_flaw(q, QCOW2_FLAW_L2_RESERVED))
			return plan_refuse(p, "0x%016llx is not an entry at all",
					   llu(x->entry));
		/* These are the only words that say where the guest's data is. */
		if (qcow2_refs_marked(&q->scan->refs, QCOW2_MARK_LEAKED,
				      (x->entry & QCOW2_OFFSET_MASK) >>
					      q->cluster_bits.v))
			return plan_refuse(
				p, "what it points at is allocated in this file: "
				   "the data may be here, and not in a data file");
		for (uint64_t k = 0; k < x->n; k++) {
			struct qcow2_words w = { .off = x->at.off + k * q->l2_entry_size,
						 .n = 1,
						 .stride = 8 };

			if (!qcow2_plan_bits(p, q, STAGE_HEADERS, &w, QCOW2_OFFSET_MASK,
					     x->owner[0].guest + k * q->cluster_size))
				return false;
		}
	}
	plan_title(p, "offsets as the guest's");
	return true;
}

static void check_behind_disk(struct scan *s, const struct qcow2 *q)
{
	on_entries(s, q, QCOW2_FLAW_L2_BEHIND_DISK,
		   "which lies behind the end of the guest's disk",
		   "the guest never sees it; a larger disk would show it");
}

const struct rule rules_qcow2_tables[] = {
	{ .id = "qcow2-compressed-bad",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "a compressed cluster of a QCOW2 does not inflate",
	  .why = "Reading it fails, and qemu-img check says nothing, since it does not look into "
		 "compressed data. Only `vmend check --deep` does.",
	  .steps =
		  "Copy the image again from where it came, or what can be read: `qemu-img "
		  "convert --salvage -O qcow2 IMAGE NEW`. The fix makes the cluster zeros.",
	  .source = "QEMU, block/qcow2-threads.c, qcow2_zlib_decompress(), "
		    "qcow2_zstd_decompress()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_compressed_bad, fix_lost) },
	{ .id = "qcow2-compressed-copied",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a compressed cluster of a QCOW2 is marked COPIED",
	  .why = "COPIED allows to write in place, which nobody can do with compressed data; "
		 "qemu-img check calls it an error, and does not repair it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\", bit 63",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_compressed_copied, fix_compressed_copied) },
	{ .id = "qcow2-compressed-misplaced",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a compressed cluster of a QCOW2 where there can be none",
	  .why = "Compressed data cannot be in a data file, and has no subclusters: QEMU "
		 "refuses to read the cluster.",
	  .steps =
		  "Copy what can be read: `qemu-img convert --salvage -O qcow2 IMAGE NEW`.",
	  .source = "QEMU, block/qcow2-refcount.c, check_refcounts_l2()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_compressed_alone) },
	{ .id = "qcow2-datafile-offset",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an L2 entry does not point at its place in the data file",
	  .why = "In a data file every cluster stands where the guest has it; QEMU fails to "
		 "read one whose entry says otherwise, and qemu-img check says nothing.",
	  .source = "QEMU, block/qcow2-cluster.c, qcow2_get_host_offset()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_data_file, fix_data_file) },
	{ .id = "qcow2-extl2-bit0",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "bit 0 of an extended L2 entry of a QCOW2 is set",
	  .why = "It is reserved there, since the bitmap says which subclusters are zeros; "
		 "QEMU does not look at it, other readers may.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Extended L2 Entries\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_bit0, fix_bit0) },
	{ .id = "qcow2-extl2-bitmap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "the subclusters of a QCOW2's L2 entry contradict each other",
	  .why = "QEMU refuses to read the cluster and marks the image corrupt; qemu-img check "
		 "-r all does not repair it.",
	  .steps =
		  "Copy what can be read: `qemu-img convert --salvage -O qcow2 IMAGE NEW`. "
		  "The fix lets what is allocated show, and makes zeros of what has no cluster.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Extended L2 Entries\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_subclusters, fix_subclusters) },
	{ .id = "qcow2-l1-reserved",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "reserved bits are set in an L1 entry of a QCOW2",
	  .why = "QEMU refuses to go on and marks the image corrupt; qemu-img check -r all does "
		 "not repair it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"L1 table entry\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l1_reserved, fix_reserved) },
	{ .id = "qcow2-l1-unaligned",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "an L1 entry of a QCOW2 points into the middle of a cluster",
	  .why = "All that its L2 table maps cannot be read; what stands there by now is taken "
		 "for a table by qemu-img check, which then corrupts more.",
	  .steps =
		  "Do not run `qemu-img check -r`. Look for its L2 table among the clusters "
		  "that nothing refers to (qcow2-orphan-table). Where there is none, the fix "
		  "makes the entry empty, so that the image can be used: that part of the disk "
		  "then reads as zeros, or as the backing file has it.",
	  .source = "QEMU, block/qcow2-cluster.c, get_cluster_table()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l1_unaligned, fix_l1_unaligned) },
	{ .id = "qcow2-l2-behind-disk",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a QCOW2 has data behind the end of the guest's disk",
	  .why = "It is left over from a larger disk, or hidden; a disk that grows shows it "
		 "again.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\"",
	  .since = "0.1.0",
	  CHECK(qcow2, check_behind_disk) },
	{ .id = "qcow2-l2-reserved",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "reserved bits are set in an L2 entry of a QCOW2",
	  .why = "QEMU refuses to go on and marks the image corrupt; qemu-img check -r all does "
		 "not repair it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Standard Cluster Descriptor\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l2_reserved, fix_reserved) },
	{ .id = "qcow2-l2-unaligned",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "an L2 entry of a QCOW2 points into the middle of a cluster",
	  .why = "Reading it fails, and the image is marked corrupt; qemu-img check -r all does "
		 "not repair it.",
	  .steps =
		  "Copy what can be read: `qemu-img convert --salvage -O qcow2 IMAGE NEW`. "
		  "The cluster that it pointed at may be among those that nothing refers to. "
		  "The fix makes it zeros, so that the image can be used.",
	  .source = "QEMU, block/qcow2-cluster.c, qcow2_get_host_offset()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l2_unaligned, fix_lost) },
	{ .id = "qcow2-ptr-nowhere",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "an entry of a QCOW2's table points where nothing ever was",
	  .why = "What it pointed to is lost, or among the clusters that nothing refers to. QEMU "
		 "reads zeros or fails, and qemu-img check -r all does not repair it.",
	  .steps =
		  "Copy what can be read: `qemu-img convert --salvage -O qcow2 IMAGE NEW`. The "
		  "fix makes an L2 entry zeros, and not what a backing file has there, which is "
		  "older; of an L1 entry nobody knows what it mapped, and it becomes empty.",
	  .source = "QEMU, block/qcow2-refcount.c, qcow2_inc_refcounts_imrt()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_nowhere, fix_lost) },
	{ .id = "qcow2-v2-zero-flag",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a zero cluster in a QCOW2 of version 2",
	  .why = "Version 2 does not have them: reading one fails, although qemu-img check finds "
		 "nothing wrong.",
	  .source =
		  "QEMU, block/qcow2-cluster.c, \"Zero cluster entry found in pre-v3 image\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_v2_zero, fix_v2_zero) },
	{ .id = "qcow2-zero-alloc-unaligned",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a zero cluster of a QCOW2 points into the middle of a cluster",
	  .why = "It reads as zeros, wherever it points; but a write would be refused.",
	  .source =
		  "QEMU, block/qcow2-refcount.c, \"Preallocated cluster is not properly "
		  "aligned\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_zero_unaligned, fix_zero_unaligned) },
};

RULES_END(qcow2_tables);
