/* Rules on an ISO 9660 image as a whole: its descriptors, its size, and its sum.
 * ECMA-119, 8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { VD_ID_SIZE = 7, BLOCK = 2048 };

/* ---- iso-pvd ---- */

static void check_primary(struct scan *s, const struct iso *iso)
{
	struct finding *f;

	if (iso->primary_lost.len) {
		f = report(
			s, iso->primary_lost,
			"sector 16 holds a primary volume descriptor that does not begin "
			"with 01, 'CD001' and 01");
		report_label(s, f, "no system mounts it");
	} else if (!iso->primary) {
		report(s,
		       (struct span){ iso->image->src, ISO_FIRST * ISO_SECTOR,
				      VD_ID_SIZE },
		       "none of its %zu volume descriptors is the primary one",
		       iso->ndescriptors);
	}
}

static bool fix_primary(struct plan *p, const struct finding *f, const struct iso *iso)
{
	(void)f;
	if (!iso->primary_lost.len)
		return plan_refuse(p, "there is nothing to make one of");
	plan_title(p, "what a primary volume descriptor begins with");
	return plan_bytes(p, STAGE_COMMIT, iso->primary_lost.off,
			  (struct view){ (const uint8_t *)"\1CD001\1", VD_ID_SIZE });
}

/* ---- iso-vd-id, iso-vd-terminator ---- */

/* What a sector is that has lost its first bytes, by all the others. */
enum lost_kind { LOST_UNKNOWN, LOST_BOOT, LOST_VOLUME, LOST_END };

static enum lost_kind lost_kind(const struct iso *iso, struct view *v)
{
	struct view head = iso->image->head;
	uint64_t off = iso->unended.off;

	*v = (struct view){ 0 };
	if (!iso->unended.len || !range_within(off, ISO_SECTOR, head.n))
		return LOST_UNKNOWN;
	*v = view_cut(head, (size_t)off, ISO_SECTOR);
	if (view_is_zero(view_cut(*v, VD_ID_SIZE, ISO_SECTOR - VD_ID_SIZE)))
		return LOST_END;
	if (view_eq(*v, ISO_VD_BOOT_SYSTEM, "EL TORITO", 9))
		return LOST_BOOT;
	if (view_le16(*v, ISO_VD_BLOCK_SIZE) == BLOCK &&
	    view_be16(*v, ISO_VD_BLOCK_SIZE + 2) == BLOCK &&
	    view_u8(*v, ISO_VD_ROOT) == ISO_DR_MIN)
		return LOST_VOLUME;
	return LOST_UNKNOWN;
}

static void check_id(struct scan *s, const struct iso *iso)
{
	struct view v;
	struct finding *f;
	enum lost_kind kind = lost_kind(iso, &v);

	if (iso->terminator.len || (kind != LOST_BOOT && kind != LOST_VOLUME))
		return;
	f = report(s, (struct span){ iso->image->src, iso->unended.off, VD_ID_SIZE },
		   "sector %llu holds %s that does not say 'CD001'",
		   LLU(iso->unended.off / ISO_SECTOR),
		   kind == LOST_BOOT ? "the boot record" : "a further volume descriptor");
	report_label(s, f, "readers stop here, or pass over it");
}

static bool fix_id(struct plan *p, const struct finding *f, const struct iso *iso)
{
	uint8_t bytes[VD_ID_SIZE] = { 0, 'C', 'D', '0', '0', '1', 1 };
	struct view v;

	if (lost_kind(iso, &v) == LOST_VOLUME) {
		bytes[0] = 2;
		/* Only Joliet has an escape sequence; a copy of the primary is all like it. */
		bytes[6] = view_u8(v, ISO_VD_ESCAPES) ? 1 : 2;
		if (iso->primary &&
		    view_eq(v, VD_ID_SIZE, iso->primary->raw.p + VD_ID_SIZE,
			    ISO_SECTOR - VD_ID_SIZE))
			bytes[0] = bytes[6] = 1;
	}
	plan_title(p, "what a volume descriptor begins with");
	return plan_bytes(p, STAGE_COMMIT, f->at.off,
			  (struct view){ bytes, sizeof(bytes) });
}

static void check_terminator(struct scan *s, const struct iso *iso)
{
	struct span at = iso->unended;
	struct view v;

	if (iso->terminator.len || !iso->unended.len || iso->primary_lost.len)
		return;
	switch (lost_kind(iso, &v)) {
	case LOST_BOOT:
	case LOST_VOLUME:
		return; /* iso-vd-id */
	case LOST_END:
	case LOST_UNKNOWN:
		break;
	}
	at.len = VD_ID_SIZE;
	report(s, at, "the %zu volume descriptors are not ended by a terminator",
	       iso->ndescriptors);
}

static bool fix_terminator(struct plan *p, const struct finding *f, const struct iso *iso)
{
	struct view v;

	if (lost_kind(iso, &v) != LOST_END || iso_in_use(iso, iso->unended, NULL))
		return plan_refuse(p, "something else is where it belongs");
	plan_title(p, "a terminator behind the volume descriptors");
	return plan_bytes(p, STAGE_COMMIT, f->at.off,
			  (struct view){ (const uint8_t *)"\377CD001\1", VD_ID_SIZE });
}

/* ---- iso-truncated, iso-trailing ---- */

static void check_truncated(struct scan *s, const struct iso *iso)
{
	uint64_t n = iso_missing(iso);
	struct finding *f;

	if (!n)
		return;
	f = report(s, iso_pair_at(&iso->primary->space),
		   "the volume has %llu bytes, and the file %llu: %llu are missing",
		   LLU(iso->volume_end), LLU(iso->image->size), LLU(n));
	report_label(s, f, "a download that has not ended");
}

static void check_trailing(struct scan *s, const struct iso *iso)
{
	uint64_t end = u64_max(iso->volume_end, iso->disk.end), have = iso->image->size;

	if (!iso->primary || !iso_pair_agrees(&iso->primary->space) || end >= have)
		return;
	report(s, (struct span){ iso->image->src, end, have - end },
	       "%llu bytes follow the end of the volume, and no partition table has them",
	       LLU(have - end));
}

/* ---- iso-rock-ridge, iso-udf-anchor, iso-no-joliet-rr-udf ---- */

static void check_susp(struct scan *s, const struct iso *iso)
{
	struct finding *f;

	if (!iso->susp.len || iso->susp_ok)
		return;
	f = report(s, iso->susp,
		   "the root directory has Rock Ridge, and its mark SP is damaged");
	report_label(s, f, "names are those of ISO 9660 then, in capitals and cut");
}

static bool fix_susp(struct plan *p, const struct finding *f, const struct iso *iso)
{
	static const uint8_t mark[] = { 'S', 'P', 7, 1, 0xbe, 0xef };

	(void)f;
	plan_title(p, "the mark of Rock Ridge");
	return plan_bytes(p, STAGE_HEADERS, iso->susp.off,
			  (struct view){ mark, sizeof(mark) });
}

static void check_anchor(struct scan *s, const struct iso *iso)
{
	struct finding *f;

	if (!iso->udf || iso->udf_anchor)
		return;
	f = report(s, iso->udf_at, "there is a UDF, but no anchor of it in sector 256");
	report_label(s, f, "Windows reads the UDF of such media, and nothing else");
}

static void check_names(struct scan *s, const struct iso *iso)
{
	if (!iso->primary || iso->rock_ridge || iso->udf || iso->nvolumes > 1 ||
	    !iso->terminator.len || iso->primary->nfiles == 0)
		return;
	report(s, iso->primary->at,
	       "neither Rock Ridge nor Joliet nor UDF: names have "
	       "ISO 9660's own few characters");
}

/* ---- iso-block-size ---- */

static void check_block(struct scan *s, const struct iso *iso)
{
	const struct iso_pair *p = iso->primary ? &iso->primary->block_size : NULL;

	if (!p || !iso_pair_agrees(p) || p->le.v == BLOCK)
		return;
	report(s, iso_pair_at(p), "logical blocks have %llu bytes, expected 2048",
	       LLU(p->le.v));
}

static bool fix_block(struct plan *p, const struct finding *f, const struct iso *iso)
{
	static const uint8_t bytes[] = { 0x00, 0x08, 0x08, 0x00 };

	/* The tree was found by counting in 2048 bytes. */
	if (!iso->primary->complete || iso->primary->ndirs < 2 ||
	    iso->primary->nflaws_all)
		return plan_refuse(p, "it may be so");
	plan_title(p, "blocks of 2048 bytes, as its directories count");
	return plan_bytes(p, STAGE_COMMIT, f->at.off,
			  (struct view){ bytes, sizeof(bytes) });
}

/* ---- iso-md5-mismatch ---- */

static const char *hex(struct scan *s, const uint8_t sum[16])
{
	const char *text = "";

	for (unsigned i = 0; i < 16; i++)
		text = scan_printf(s, "%s%02x", text, sum[i]);
	return text;
}

static void check_sum(struct scan *s, const struct iso *iso)
{
	const struct iso_md5 *m = &iso->md5;
	struct finding *f;

	if (!m->checked || iso_md5_right(m))
		return;
	f = report(s, m->at, "its implanted MD5 is %s, and what is there has %s",
		   hex(s, m->sum), hex(s, m->actual));
	report_label(s, f, "what it was made as, and what it is now, differ");
	if (m->changed.len)
		report_related(s, f, m->changed,
			       "the first change is in these %llu bytes",
			       LLU(m->changed.len));
}

const struct rule rules_iso[] = {
	{ .id = "iso-block-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "logical blocks that are not 2048 bytes",
	  .why = "All numbers of blocks are then read as places that they are not, and nothing "
		 "is found.",
	  .source = "ECMA-119, 8.4.12; Linux, fs/isofs/inode.c",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_block, fix_block) },
	{ .id = "iso-md5-mismatch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "the image is not the one that its implanted MD5 was made of",
	  .why = "Installers that check their medium stop, and what was changed may be what is "
		 "installed.",
	  .steps =
		  "Download the image again. One that was changed on purpose gets a new sum with "
		  "`implantisomd5 -f IMAGE`. Asked only with --deep.",
	  .source = "isomd5sum 1.2.3, checkisomd5(1)",
	  .since = "0.1.0",
	  CHECK(iso, check_sum) },
	{ .id = "iso-no-joliet-rr-udf",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "no long names",
	  .why = "Names are cut to what ISO 9660 allows, and Linux shows them in small letters. "
		 "Installers that look for a file by its name may not find it.",
	  .steps = "Make it with Rock Ridge and Joliet: `xorriso -as mkisofs -r -J`.",
	  .source = "ECMA-119, 7.5",
	  .since = "0.1.0",
	  CHECK(iso, check_names) },
	{ .id = "iso-pvd",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the primary volume descriptor is damaged, or not there",
	  .why = "It is what every reader begins with.",
	  .source = "ECMA-119, 8.4",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_primary, fix_primary) },
	{ .id = "iso-rock-ridge",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the mark of Rock Ridge is damaged",
	  .why = "Linux ignores all of Rock Ridge then: names, permissions and links are lost, and "
		 "boot loaders do not find their files.",
	  .source = "SUSP 1.12, 5.3; Linux, fs/isofs/rock.c",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_susp, fix_susp) },
	{ .id = "iso-trailing",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "bytes behind the end of the volume",
	  .why = "No reader of the medium sees them, and no sum of its own covers them.",
	  .steps = "They may be padding, or a second download in the same file.",
	  .source = "ECMA-119, 8.4.8",
	  .since = "0.1.0",
	  CHECK(iso, check_trailing) },
	{ .id = "iso-truncated",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "the image ends before its volume does",
	  .why = "It often boots, and fails when a file is read that is not there.",
	  .steps =
		  "Let the download go on (`curl -C - -O URL`), and compare its checksum.",
	  .source = "ECMA-119, 8.4.8",
	  .since = "0.1.0",
	  CHECK(iso, check_truncated) },
	{ .id = "iso-udf-anchor",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a UDF without its anchor",
	  .why = "The anchor says where all the rest of a UDF is: systems that prefer the UDF find "
		 "nothing.",
	  .steps = "Download the image again. Its ISO 9660 half can still be read: "
		   "`mount -t iso9660`.",
	  .source = "ECMA-167, 3/8.4.2.1; OSTA UDF 2.60, 2.2.3",
	  .since = "0.1.0",
	  CHECK(iso, check_anchor) },
	{ .id = "iso-vd-id",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a volume descriptor that does not say what it is",
	  .why = "Readers stop at it: the boot catalog or the long names behind it are gone.",
	  .source = "ECMA-119, 8.1",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_id, fix_id) },
	{ .id = "iso-vd-terminator",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the volume descriptors have no terminator",
	  .why = "Readers go on looking, some without end: checkisomd5 1.2 does.",
	  .source = "ECMA-119, 8.3; rhinstaller/isomd5sum issue 37",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_terminator, fix_terminator) },
};

RULES_END(iso);
