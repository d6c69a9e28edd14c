/* Rules on the other files that a QCOW2 is made of, as they were found: its backing file,
 * that one's, and its data file. What is said about names alone: qcow2_names.c. QEMU,
 * block.c, bdrv_open_backing_file(); docs/interop/qcow2.txt.
 *
 * A file that is not where vmend may look is not known to be missing: the report says that
 * the disk was not looked at, and nothing is found.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/backing.h"
#include "analyze/image/container.h"
#include "rewrite/qcow2_edit.h"
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static const struct backing *backing_of(const struct qcow2 *q)
{
	return q->unit && qcow2_understood(q) && !qcow2_name_in_header(q)
		       ? q->unit->backing
		       : NULL;
}

static const struct backing *data_of(const struct qcow2 *q)
{
	return q->unit && qcow2_understood(q) ? q->unit->data_file : NULL;
}

/* "the backing file 'a.img'", or "the backing file 'a.img' of the backing file 'b.qcow2'" */
static const char *called(struct scan *s, const struct backing *b,
			  const struct backing *over)
{
	const char *what = scan_printf(s, "the backing file '%s'", shown(s, b->name));

	return over ? scan_printf(s, "%s of the backing file '%s'", what,
				  shown(s, over->name))
		    : what;
}

/* Each file of the chain, and the one over it; NULL: that is the image. */
#define EACH_BACKING(b, over, q)                                                         \
	for (const struct backing *b = backing_of(q), *over = NULL; b;                   \
	     over = (b), (b) = (b)->backing)

/* ---- qcow2-backing-missing ---- */

static void check_missing(struct scan *s, const struct qcow2 *q)
{
	EACH_BACKING(b, over, q)
	{
		struct finding *f;

		if (b->state == BACKING_MISSING)
			f = report(s, q->backing.at, "%s is not there",
				   called(s, b, over));
		else if (b->state == BACKING_SPECIAL)
			f = report(s, q->backing.at,
				   "%s is neither a regular file nor a block device",
				   called(s, b, over));
		else
			continue;
		report_label(s, f, "QEMU does not open the image; looked for at %s",
			     shown(s, str_of(b->path)));
	}
}

/* ---- qcow2-backing-loop ---- */

static void check_loop(struct scan *s, const struct qcow2 *q)
{
	EACH_BACKING(b, over, q)
	{
		struct finding *f;

		if (b->state != BACKING_LOOP)
			continue;
		f = report(s, q->backing.at, "%s is %s", called(s, b, over),
			   over ? "part of the chain already" : "the image itself");
		report_label(s, f, "QEMU and qemu-img go round it without end");
	}
}

/* ---- qcow2-backing-format-mismatch ---- */

static void check_mismatch(struct scan *s, const struct qcow2 *q)
{
	EACH_BACKING(b, over, q)
	{
		const char *declared = shown(s, b->declared), *begins;
		struct finding *f;

		if (!b->found || b->declared.n == 0 ||
		    !container_contradicts(declared, b->found))
			continue;
		begins = strcmp(b->found, "raw") == 0
				 ? "does not begin like one"
				 : scan_printf(s, "begins like one of format %s",
					       b->found);
		f = report(s, over ? q->backing.at : q->backing_format_ext->data_at,
			   "%s is declared as %s, and %s", called(s, b, over), declared,
			   begins);
		if (strcmp(declared, "raw") == 0)
			report_label(s, f,
				     "the guest sees that file's header and tables");
		else
			report_label(s, f, "QEMU does not open the image");
	}
}

/* ---- qcow2-backing-size ---- */

static void check_size(struct scan *s, const struct qcow2 *q)
{
	const struct backing *b = backing_of(q);
	uint64_t disk = q->size.v - q->size.v % 512, under;

	if (!b || !b->source || disk == 0)
		return;
	under = b->source->size - b->source->size % 512;
	if (under > disk)
		report(s, q->size.at,
		       "the disk has %llu bytes, and that of the backing file '%s' %llu: "
		       "the last %llu of these are not seen",
		       LLU(disk), shown(s, b->name), LLU(under), LLU(under - disk));
}

/* ---- qcow2-backing-no-format ---- */

static void check_no_format(struct scan *s, const struct qcow2 *q)
{
	struct str name = qcow2_name_effective(&q->backing);
	struct finding *f;

	/* Where extensions could not be read, another rule says so. */
	if (!qcow2_understood(q) || name.n == 0 || q->backing_format.n ||
	    q->ext_stop == QCOW2_EXT_STOP_OVERRUN ||
	    q->ext_stop == QCOW2_EXT_STOP_TOO_MANY || qcow2_name_in_header(q))
		return;
	f = report(s, q->backing.at,
		   "the format of the backing file '%s' is not recorded", shown(s, name));
	report_label(s, f, "who opens it guesses the format from its content");
}

static bool is_named_like_a_container(struct str name)
{
	static const char *const ends[] = { ".qcow2", ".qcow", ".qed", ".vmdk", ".vdi",
					    ".vhd",   ".vhdx", ".vpc", ".dmg" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (str_ends(name, ends[i]))
			return true;
	}
	return false;
}

/* The format that everybody finds who looks, when it cannot be another one. NULL: it can,
 * and the plan says why. */
static const char *certain_format(struct plan *p, const struct backing *b)
{
	if (!b || !b->found) {
		plan_refuse(p, "the backing file was not opened: %s",
			    b && b->why ? b->why : "it has no name");
	} else if (strcmp(b->found, "raw") == 0) {
		if (b->footer)
			plan_refuse(p,
				    "the backing file ends like one of format %s: raw or "
				    "that, its content does not say",
				    b->footer);
		else if (is_named_like_a_container(b->name))
			plan_refuse(p, "the backing file's name says that it is not raw, "
				       "and its content does not show what it is");
		else if (!b->content)
			plan_refuse(p, "nothing in the backing file shows that it is a "
				       "disk: its header may be gone");
		else
			return "raw";
	} else if (strcmp(b->found, "qcow2") != 0) {
		plan_refuse(p, "the backing file is of format %s, which is not read here",
			    b->found);
	} else if (!b->qcow2 || !b->guest || !qcow2_understood(b->qcow2)) {
		plan_refuse(p, "the backing file begins like a QCOW2, and cannot be read "
			       "as one");
	} else if (b->qcow2->backing_offset.v || b->qcow2->external_data) {
		/* CVE-2008-2004 */
		plan_refuse(p, "the backing file is a QCOW2 that names another file: a "
			       "guest that had it as a raw disk could have written that");
	} else {
		return "qcow2";
	}
	return NULL;
}

enum { EXT_BYTES = 16, MARK_BYTES = 8 };

/* The extension and an end mark, in the place of the mark that is there. */
static bool put_format(struct plan *p, uint64_t mark, const char *format)
{
	uint8_t bytes[EXT_BYTES + MARK_BYTES] = { 0xe2, 0x79, 0x2a, 0xca };
	size_t n = strlen(format);

	bytes[7] = (uint8_t)n;
	memcpy(bytes + 8, format, n);
	return plan_bytes(p, STAGE_COMMIT, mark, (struct view){ bytes, sizeof(bytes) });
}

/* The name goes behind where it is; what was there is zeros then. Whoever reads in between
 * finds the old extensions, and one of two equal names. */
static bool move_name(struct plan *p, const struct qcow2 *q, uint64_t mark)
{
	uint64_t end = span_end(q->backing.at), n = q->backing.at.len;
	uint64_t written = mark + EXT_BYTES + MARK_BYTES;
	uint64_t to = div_up(u64_max(end, written), 8) * 8;

	if (!range_within(to, n, u64_min(q->head.n, q->cluster_size)))
		return plan_refuse(p, "the first cluster has no room for it");
	if (!view_is_zero(view_cut(q->head, (size_t)to, (size_t)n)))
		return plan_refuse(p, "something is where the name would have to go");
	if (end > written && !plan_zero(p, STAGE_COMMIT, written, end - written))
		return false;
	return plan_bytes(p, STAGE_TABLES, to,
			  view_cut(q->head, (size_t)q->backing.at.off, (size_t)n)) &&
	       plan_be64(p, STAGE_HEADERS, q->backing_offset.at, to);
}

static bool fix_no_format(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	uint64_t mark = q->ext_stop_at.off, name = q->backing.at.off;
	const char *format;

	(void)f;
	if (q->backing.state != QCOW2_NAME_READ)
		return plan_refuse(p, "the name of the backing file cannot be read");
	format = certain_format(p, q->unit ? q->unit->backing : NULL);
	if (!format)
		return false;
	if (q->backing_format_ext)
		return plan_refuse(p, "there is an extension for it that has no bytes");
	if (q->ext_stop != QCOW2_EXT_STOP_MARK)
		return plan_refuse(p, "the header extensions have no end mark, behind "
				      "which there could be room");
	if (q->slack.len && q->slack.off < name + q->backing.at.len)
		return plan_refuse(p, "something is behind the header extensions");
	plan_title(p, "record that the backing file is %s", format);
	if (name - mark < EXT_BYTES + MARK_BYTES && !move_name(p, q, mark))
		return false;
	return put_format(p, mark, format);
}

/* ---- qcow2-datafile-missing, qcow2-datafile-short ---- */

static void check_data_missing(struct scan *s, const struct qcow2 *q)
{
	const struct backing *d = data_of(q);
	struct finding *f;

	if (!d || (d->state != BACKING_MISSING && d->state != BACKING_SPECIAL))
		return;
	f = report(s, q->data_file.at, "the data file '%s' is %s", shown(s, d->name),
		   d->state == BACKING_MISSING
			   ? "not there"
			   : "neither a regular file nor a block device");
	report_label(s, f, "QEMU does not open the image; looked for at %s",
		     shown(s, str_of(d->path)));
}

static void check_data_short(struct scan *s, const struct qcow2 *q)
{
	const struct backing *d = data_of(q);
	struct finding *f;

	if (!d || !d->source)
		return;
	if (d->cut)
		f = report(s, q->data_file.at,
			   "the data file '%s' has %llu bytes, and the disk has data at "
			   "%llu of it",
			   shown(s, d->name), LLU(d->source->size), LLU(d->cut_at));
	else if (q->autoclear.v & QCOW2_AUTOCLEAR_DATA_RAW && d->source->size < q->size.v)
		f = report(s, q->data_file.at,
			   "the data file '%s' has %llu bytes, and is to be the disk of "
			   "%llu",
			   shown(s, d->name), LLU(d->source->size), LLU(q->size.v));
	else
		return;
	report_label(s, f, "QEMU shows the guest zeros from there on");
}

const struct rule rules_qcow2_backing[] = {
	{ .id = "qcow2-backing-format-mismatch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a backing file that is not of the format it is declared as",
	  .why = "QEMU goes by what is declared. Declared as raw, the guest sees the header "
		 "of a QCOW2 where its partition table should be; declared as something "
		 "else, the image does not open.",
	  .steps =
		  "Find out what it was made as: an image over a disk of its size was made "
		  "with that format. Then `qemu-img rebase -u -b NAME -F FORMAT IMAGE`. If a "
		  "guest could write to it as a raw disk, raw is right, and what it begins "
		  "with is an attempt to read files of the host.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Backing file format name\"; block.c, "
		  "bdrv_open_backing_file()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_mismatch) },
	{ .id = "qcow2-backing-loop",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a chain of backing files that goes in a circle",
	  .why = "No image of it can be opened: QEMU and `qemu-img check` do not come to an "
		 "end. Often a file was renamed over the one that it was based on.",
	  .steps =
		  "Find the file that was meant, and `qemu-img rebase -u -b NAME -F FORMAT "
		  "IMAGE`. If it was overwritten, what it had is gone.",
	  .source =
		  "QEMU, block.c, bdrv_open_inherit(); qemu-img.c, \"creates an infinite "
		  "loop\"",
	  .since = "0.1.0",
	  CHECK(qcow2, check_loop) },
	{ .id = "qcow2-backing-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a backing file that is not there",
	  .why = "QEMU refuses the image, and the guest's disk is incomplete without it. "
		 "Only names that lead into a folder where vmend may look are judged: the "
		 "image's own, and those of --allow-root.",
	  .steps =
		  "Put the file back. If it goes by another name now, `qemu-img rebase -u -b "
		  "NAME -F FORMAT IMAGE`; nobody may have written to it meanwhile. Names are "
		  "taken from the folder of the image that has them.",
	  .source = "QEMU, block.c, bdrv_open_backing_file(), path_combine()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_missing) },
	{ .id = "qcow2-backing-no-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a backing file without its format",
	  .why = "Who opens the image guesses. A guest that once wrote to a raw backing file "
		 "can have made it look like a QCOW2 that names a file of the host; libvirt "
		 "refuses such an image therefore. What all find who look is recorded, when "
		 "it cannot be another format.",
	  .steps =
		  "`qemu-img rebase -u -b NAME -F raw` or `-F qcow2`, whichever it was made "
		  "as. Do not ask `qemu-img info` when the backing file was ever written to "
		  "by a guest as a raw disk: it guesses, too.",
	  .source = "QEMU, docs/about/removed-features, \"qemu-img backing file without "
		    "format\"; CVE-2008-2004",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_no_format, fix_no_format) },
	{ .id = "qcow2-backing-size",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a backing file's disk is larger than that of the image",
	  .why = "The guest does not see the end of it: with it goes a backup GPT, and what "
		 "`qemu-img commit` keeps of it is old.",
	  .steps = "None, if the disk was made smaller on purpose.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", byte 24",
	  .since = "0.1.0",
	  CHECK(qcow2, check_size) },
	{ .id = "qcow2-datafile-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a data file that is not there",
	  .why = "All data of the guest's disk is in that file; QEMU refuses the image "
		 "without it. Only names that lead into a folder where vmend may look are "
		 "judged.",
	  .steps =
		  "Put the file back. If it goes by another name now, `qemu-img amend -o "
		  "data_file=NAME IMAGE`, or the option data-file.filename of QEMU.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"External data file name\"; "
		    "block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_data_missing) },
	{ .id = "qcow2-datafile-short",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a data file that ends before the disk's data does",
	  .why = "Something was cut off. QEMU says nothing, and shows zeros where it was.",
	  .steps =
		  "Copy the data file again. If that is not possible, `truncate -s SIZE` makes "
		  "it as long as the disk; what was behind its end is zeros then.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"External data file\"; block/qcow2.c",
	  .since = "0.1.0",
	  CHECK(qcow2, check_data_short) },
};

RULES_END(qcow2_backing);
