/* Rules on a QCOW2's feature bits, compression type and encryption.
 * docs/interop/qcow2.txt of QEMU, "Header"; what QEMU does: 7.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "rules/qcow2_flaw.h"
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- qcow2-feature-unknown-* ---- */

/* The name that the image gives a bit: " ('name')", or "". */
static const char *bit_name(struct scan *s, const struct qcow2 *q, unsigned kind,
			    unsigned bit)
{
	for (size_t i = 0; i < q->nfeature_names; i++) {
		const struct qcow2_feature_name *n = &q->feature_name[i];

		if (n->kind == kind && n->bit == bit && n->name.n)
			return scan_printf(s, " ('%s')", shown(s, n->name));
	}
	return "";
}

static struct finding *unknown_bits(struct scan *s, const struct qcow2 *q, unsigned kind,
				    const char *word, struct field set, uint64_t known)
{
	uint64_t bits = set.v & ~known;
	unsigned first;

	if (!q->geometry || !set.at.len || bits == 0)
		return NULL;
	first = (unsigned)__builtin_ctzll(bits);
	if (bits & (bits - 1))
		return report(
			s, set.at,
			"%s feature bits %#llx are set, which are not known: %u%s and "
			"%d more",
			word, LLU(bits), first, bit_name(s, q, kind, first),
			__builtin_popcountll(bits) - 1);
	return report(s, set.at, "%s feature bit %u%s is set, which is not known", word,
		      first, bit_name(s, q, kind, first));
}

static void check_incompat(struct scan *s, const struct qcow2 *q)
{
	struct finding *f = unknown_bits(s, q, 0, "incompatible", q->incompatible,
					 QCOW2_INCOMPAT_KNOWN);

	if (f)
		report_label(s, f, "no more can be said of this image");
}

static void check_compat(struct scan *s, const struct qcow2 *q)
{
	unknown_bits(s, q, 1, "compatible", q->compatible, QCOW2_COMPAT_KNOWN);
}

static void check_autoclear(struct scan *s, const struct qcow2 *q)
{
	unknown_bits(s, q, 2, "autoclear", q->autoclear, QCOW2_AUTOCLEAR_KNOWN);
}

/* ---- qcow2-dirty ---- */

static void check_dirty(struct scan *s, const struct qcow2 *q)
{
	if (qcow2_understood(q) && (q->incompatible.v & QCOW2_INCOMPAT_DIRTY) &&
	    !qcow2_live(q))
		report(s, q->incompatible.at,
		       "the dirty bit is set, and nobody writes to the image: it was not "
		       "closed, and its refcounts may be out of date");
}

/* What QEMU would do at the next start, without freeing anything. The bit goes last of all. */
static bool fix_dirty(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	if (!qcow2_refcounts_are_right(q))
		return plan_refuse(p,
				   "the refcounts have to be right first, and all tables "
				   "known");
	plan_title(p, "clear the dirty bit: no refcount is too low");
	return plan_be64(p, STAGE_FREE, q->incompatible.at,
			 q->incompatible.v & ~QCOW2_INCOMPAT_DIRTY);
}

/* ---- qcow2-corrupt-flag ---- */

static void check_corrupt(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_understood(q) || !(q->incompatible.v & QCOW2_INCOMPAT_CORRUPT))
		return;
	f = report(s, q->incompatible.at,
		   "the corrupt bit is set: QEMU was about to write guest data over the "
		   "image's own tables, and stopped");
	report_label(s, f, "QEMU opens it read-only, or not at all");
}

/* Costs room, and no data. */
static bool is_harmless(enum qcow2_flaw_kind k)
{
	return k == QCOW2_FLAW_LEAK || k == QCOW2_FLAW_REFCOUNT_HIGH ||
	       k == QCOW2_FLAW_REFCOUNT_PAST_EOF || k == QCOW2_FLAW_L2_BEHIND_DISK;
}

static bool looks_like_a_table(enum qcow2_orphan_kind k)
{
	return k == QCOW2_ORPHAN_L1 || k == QCOW2_ORPHAN_L2 ||
	       k == QCOW2_ORPHAN_SNAPSHOT_TABLE || k == QCOW2_ORPHAN_UNSEEN;
}

/* Whatever QEMU saw: is there any of it? */
static bool is_sound(struct plan *p, const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;

	if (!c || !c->complete || !c->whole || c->limit || q->limit)
		return plan_refuse(p, "not all tables of the image can be read");
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (c->flaws[k].total && !is_harmless((enum qcow2_flaw_kind)k))
			return plan_refuse(p,
					   "what is damaged has to be mended first: %s "
					   "(%llu)",
					   qcow2_flaw_word((enum qcow2_flaw_kind)k),
					   LLU(c->flaws[k].total));
	}
	for (unsigned k = 0; k < QCOW2_ORPHAN_KINDS; k++) {
		if (c->orphans[k] && looks_like_a_table((enum qcow2_orphan_kind)k))
			return plan_refuse(p,
					   "a table that nobody refers to is in the "
					   "image: %s",
					   qcow2_orphan_word((enum qcow2_orphan_kind)k));
	}
	return true;
}

static bool fix_corrupt(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	if (!is_sound(p, q))
		return false;
	plan_title(p, "clear the corrupt bit: all tables and refcounts are right");
	return plan_be64(p, STAGE_FREE, q->incompatible.at,
			 q->incompatible.v & ~QCOW2_INCOMPAT_CORRUPT);
}

/* ---- qcow2-compression-type ---- */

static void check_compression(struct scan *s, const struct qcow2 *q)
{
	uint64_t type = q->compression.v;
	bool bit = q->incompatible.v & QCOW2_INCOMPAT_COMPRESSION;
	struct span at = q->compression.at.len ? q->compression.at : q->incompatible.at;
	struct finding *f;

	if (!qcow2_understood(q) || !q->v3)
		return;
	if (type > 1)
		f = report(s, at,
			   "the compression type is %llu, expected 0 (zlib) or 1 (zstd)",
			   LLU(type));
	else if (bit && type == 0)
		f = report(
			s, at,
			"the compression type is 0 (zlib), but incompatible feature bit 3 "
			"says that it is another one");
	else if (!bit && type != 0)
		f = report(
			s, at,
			"the compression type is 1 (zstd), but incompatible feature bit 3, "
			"which says so, is clear");
	else
		return;
	report_label(s, f, "QEMU refuses the image");
	report_related(s, f, q->incompatible.at, "incompatible features");
}

/* No cluster whose reading depends on the type. */
static bool nothing_is_compressed(const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;

	return c && c->complete && c->whole && c->ncompressed == 0 &&
	       q->nb_snapshots.v == 0 &&
	       c->flaws[QCOW2_FLAW_COMPRESSED_COPIED].total == 0 &&
	       c->flaws[QCOW2_FLAW_COMPRESSED_PAST_EOF].total == 0 &&
	       c->flaws[QCOW2_FLAW_COMPRESSED_CUT].total == 0;
}

static bool fix_compression(struct plan *p, const struct finding *f,
			    const struct qcow2 *q)
{
	(void)f;
	if (q->compression.v > 1)
		return plan_refuse(p, "it may be one of a later version");
	if (!nothing_is_compressed(q))
		return plan_refuse(p,
				   "there are, or may be, compressed clusters, and which "
				   "of the two is right has to be seen from them");
	if (q->compression.v == 0) {
		plan_title(p, "zlib: clear bit 3; no cluster is compressed");
		return plan_be64(p, STAGE_COMMIT, q->incompatible.at,
				 q->incompatible.v & ~QCOW2_INCOMPAT_COMPRESSION);
	}
	plan_title(p, "zlib: type 0; no cluster is compressed");
	return plan_u8(p, STAGE_COMMIT, q->compression.at, 0);
}

/* ---- qcow2-extl2-suspect ---- */

static void check_suspect(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_scan *c = qcow2_understood(q) ? q->scan : NULL;
	struct finding *f = NULL;

	if (c && qcow2_bitmaps_are_pointers(c))
		f = report(
			s, q->incompatible.at,
			"the bit for extended L2 entries is set, and %llu of %llu bitmaps "
			"of subclusters are pointers to clusters, as in tables without",
			LLU(c->npointers), LLU(c->nbitmaps));
	else if (c && qcow2_pointers_are_bitmaps(c))
		f = report(
			s, q->incompatible.at,
			"the bit for extended L2 entries is clear, and every second entry "
			"of L2 tables (%llu) is a bitmap of subclusters, as in tables with "
			"them",
			LLU(c->nmisfits[1]));
	if (f)
		report_label(s, f, "the guest sees its clusters in other places");
}

/* ---- qcow2-extl2-cluster ---- */

static void check_extl2(struct scan *s, const struct qcow2 *q)
{
	if (q->geometry && qcow2_no_subclusters(q))
		report(s, q->incompatible.at,
		       "extended L2 entries (feature bit 4) with clusters of %llu bytes, "
		       "expected at least 16 KiB",
		       LLU(q->cluster_size));
}

/* ---- qcow2-crypt-* ---- */

static void check_aes(struct scan *s, const struct qcow2 *q)
{
	if (qcow2_understood(q) && q->crypt_method.v == QCOW2_CRYPT_AES)
		report(s, q->crypt_method.at,
		       "the image is encrypted with AES-CBC as QEMU did it before LUKS");
}

static void check_luks_ext(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_crypto *c = &q->crypto;

	if (!c->ext) {
		report(s, q->crypt_method.at,
		       "encryption with LUKS, but no header extension says where its header "
		       "is");
	} else if (c->ext->len.v != 16) {
		report(s, c->ext->len.at,
		       "the extension for the LUKS header has %llu bytes, expected 16",
		       LLU(c->ext->len.v));
	} else if (c->offset.v == 0) {
		report(s, c->offset.at,
		       "the LUKS header is at offset 0, where the image's own is");
	} else if (c->offset.v % q->cluster_size != 0) {
		report(s, c->offset.at,
		       "the LUKS header is at %llu, expected a multiple of the cluster size, "
		       "%llu",
		       LLU(c->offset.v), LLU(q->cluster_size));
	} else if (qcow2_beyond(
			   q, (struct span){ .off = c->offset.v, .len = c->length.v })) {
		report(s, c->offset.at,
		       "the LUKS header, %llu bytes at %llu, goes past the end of the file, "
		       "%llu",
		       LLU(c->length.v), LLU(c->offset.v), LLU(q->file_size));
	} else if (!c->magic) {
		report(s, (struct span){ q->src, c->offset.v, 6 },
		       "no LUKS header is at %llu, where the header extension says that it "
		       "is",
		       LLU(c->offset.v));
	} else if (c->length.v < c->payload) {
		report(s, c->length.at,
		       "the LUKS header has %llu bytes, and says of itself that it has %llu",
		       LLU(c->length.v), LLU(c->payload));
	}
}

static void check_luks(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q))
		return;
	if (q->crypt_method.v == QCOW2_CRYPT_LUKS)
		check_luks_ext(s, q);
	else if (q->crypt_method.v > QCOW2_CRYPT_LUKS)
		report(s, q->crypt_method.at,
		       "the encryption method is %llu, expected 0 (none), 1 (AES) or 2 (LUKS)",
		       LLU(q->crypt_method.v));
	else if (q->crypto.ext)
		report(s, q->crypt_method.at,
		       "the encryption method is %llu, but a header extension says where the "
		       "LUKS header is, expected 2",
		       LLU(q->crypt_method.v));
}

const struct rule rules_qcow2_feature[] = {
	{ .id = "qcow2-compression-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the compression type and the feature bit that goes with it differ",
	  .why = "QEMU refuses the image: \"Compression type incompatible feature bit must "
		 "(not) be set\".",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", byte 104; block/qcow2.c, "
		    "validate_compression_type()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_compression, fix_compression) },
	{ .id = "qcow2-corrupt-flag",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "QEMU has marked the image as corrupt",
	  .why = "A VM with this disk does not start. The mark stays when the damage is gone, "
		 "and `qemu-img check` says nothing about it.",
	  .steps =
		  "The QEMU log of the time says which write it was. vmend clears the mark "
		  "once tables and refcounts are right; what the guest's file systems say of "
		  "their contents is another matter.",
	  .source = "QEMU, docs/interop/qcow2.txt, incompatible feature bit 1; "
		    "block/qcow2.c, qcow2_signal_corruption()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_corrupt, fix_corrupt) },
	{ .id = "qcow2-crypt-aes",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "encryption of a kind that QEMU no longer runs VMs with",
	  .why = "\"AES-CBC encrypted qcow2 images are no longer supported in system "
		 "emulators\"; its vectors can be predicted, and its key is the password "
		 "itself.",
	  .steps =
		  "`qemu-img convert` with --object secret,... reads it and writes a new one, "
		  "with -o encrypt.format=luks.",
	  .source = "QEMU, docs/system/qemu-block-drivers, \"qcow2\"; block/qcow2.c, "
		    "qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_aes) },
	{ .id = "qcow2-crypt-luks-header",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "encryption whose header cannot be found",
	  .why = "Without the LUKS header nobody can decrypt the disk: the key is in it. QEMU "
		 "refuses the image, and `qemu-img info` of 7.2 dies of one without the "
		 "extension.",
	  .steps =
		  "Keep the file as it is. A LUKS header begins with \"LUKS\" BA BE at a "
		  "whole cluster, most often behind the L1 table; a backup of it will do.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Full disk encryption header pointer\"; "
		  "block/qcow2.c, qcow2_read_extensions()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_luks) },
	{ .id = "qcow2-dirty",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the image was not closed, and its refcounts may be out of date",
	  .why = "QEMU repairs it on its own when it is next opened for writing, which frees "
		 "and punches out every cluster that it believes to be unused. `qemu-img "
		 "check` does not mention it.",
	  .steps =
		  "The refcounts are made right first, and nothing is freed. What else vmend "
		  "finds is to be looked at before a VM is started with it.",
	  .source = "QEMU, docs/interop/qcow2.txt, incompatible feature bit 0; "
		    "block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_dirty, fix_dirty) },
	{ .id = "qcow2-extl2-cluster",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "extended L2 entries with clusters that are too small for them",
	  .why = "QEMU refuses the image: \"Unsupported subcluster size\". Either the feature "
		 "bit or the cluster size is wrong, and each changes what every table means.",
	  .steps =
		  "Take the header from a copy or a backup. The feature is only there when "
		  "the image was made with extended_l2=on.",
	  .source = "QEMU, docs/interop/qcow2.txt, incompatible feature bit 4",
	  .since = "0.1.0",
	  CHECK(qcow2, check_extl2) },
	/* No fix: to clear it is to declare void what another program relies on. */
	{ .id = "qcow2-extl2-suspect",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "the bit for extended L2 entries contradicts the tables",
	  .why = "With the wrong one, every table is read as something else: the guest sees "
		 "zeros and old data, and half of its clusters seem to be leaked. QEMU and "
		 "`qemu-img check` do not notice. Nothing else in the image is mended.",
	  .steps =
		  "On a copy, change bit 4 (16) of byte 79 of the file, and check it again: "
		  "the rest of the findings should be gone.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, incompatible feature bit 4, \"Extended L2 "
		  "Entries\"",
	  .since = "0.1.0",
	  CHECK(qcow2, check_suspect) },
	{ .id = "qcow2-feature-unknown-autoclear",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "an autoclear feature that is not known",
	  .why = "A newer program keeps something with the image that is only right as long as "
		 "nobody else writes to it. QEMU clears the bit when it opens the image for "
		 "writing.",
	  .steps = "None, if the program that made the image is to go on with it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 88 to 95",
	  .since = "0.1.0",
	  CHECK(qcow2, check_autoclear) },
	{ .id = "qcow2-feature-unknown-compat",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a compatible feature that is not known",
	  .why = "It may be ignored, and what it was set for is not done here.",
	  .steps = "None.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 80 to 87",
	  .since = "0.1.0",
	  CHECK(qcow2, check_compat) },
	{ .id = "qcow2-feature-unknown-incompat",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an incompatible feature that is not known",
	  .why = "What the rest of the image means depends on it. QEMU refuses the image: "
		 "\"Unsupported qcow2 feature(s)\".",
	  .steps = "Open it with the program, or the version of QEMU, that made it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 72 to 79",
	  .since = "0.1.0",
	  CHECK(qcow2, check_incompat) },
};

RULES_END(qcow2_feature);
