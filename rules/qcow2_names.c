/* Rules on the other files that a QCOW2 names: its backing file and its data file. What the
 * names alone say; what was found under them: qcow2_backing.c. docs/interop/qcow2.txt of QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/backing.h"
#include "analyze/image/qcow2_scan.h"
#include "rules/file_names.h"
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- qcow2-backing-name ---- */

static void check_name(struct scan *s, const struct qcow2 *q)
{
	struct finding *f = NULL;

	if (!qcow2_understood(q))
		return;
	if (q->backing.state == QCOW2_NAME_TOO_LONG)
		f = report(
			s, q->backing_length.at,
			"the name of the backing file has %llu bytes, expected at most %d",
			LLU(q->backing_length.v), QCOW2_NAME_MAX);
	else if (q->backing.state == QCOW2_NAME_OUTSIDE)
		f = report(
			s, q->backing_offset.at,
			"the name of the backing file, %llu bytes at %llu, is not within "
			"the first cluster of %llu bytes",
			LLU(q->backing_length.v), LLU(q->backing_offset.v),
			LLU(q->cluster_size));
	if (f)
		report_label(s, f, "QEMU refuses the image");
}

/* ---- qcow2-backing-empty-name ---- */

static void check_empty_name(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_name *b = &q->backing;
	struct str name = qcow2_name_effective(b);

	if (!qcow2_understood(q) || qcow2_name_in_header(q))
		return;
	if (b->state == QCOW2_NAME_EMPTY)
		report(s, q->backing_offset.at,
		       "the name of the backing file is at %llu and has no bytes: QEMU takes "
		       "it for none",
		       LLU(q->backing_offset.v));
	else if (b->state == QCOW2_NAME_READ && name.n < b->text.n)
		report(s, b->at,
		       "the name of the backing file has %zu bytes, and a NUL after %zu, "
		       "where it ends for QEMU",
		       b->text.n, name.n);
}

static bool is_blank(struct str s)
{
	return view_is_zero(str_bytes(s));
}

static bool drop_name(struct plan *p, const struct qcow2 *q)
{
	uint64_t off = u64_min(q->backing_offset.v, q->head.n);
	uint64_t n = u64_min(QCOW2_NAME_MAX, q->head.n - off);

	if (q->backing_format_ext)
		return plan_refuse(
			p, "the format of a backing file is recorded, so there was "
			   "one");
	if (!view_is_zero(view_cut(q->head, (size_t)off, (size_t)n)))
		return plan_refuse(p,
				   "something stands where the name would be: it may be "
				   "its length that was lost");
	plan_title(p, "no backing file");
	return plan_be64(p, STAGE_COMMIT, q->backing_offset.at, 0) &&
	       plan_be32(p, STAGE_COMMIT, q->backing_length.at, 0);
}

static bool fix_empty_name(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	struct str text = q->backing.text, name = qcow2_name_effective(&q->backing);

	(void)f;
	if (name.n == 0 && is_blank(text))
		return drop_name(p, q);
	if (!is_blank((struct str){ text.p + name.n, text.n - name.n }))
		return plan_refuse(
			p, "the name goes on behind the NUL: what it was cannot be "
			   "told");
	plan_title(p, "a length of %zu, where the name ends", name.n);
	return plan_be32(p, STAGE_COMMIT, q->backing_length.at, (uint32_t)name.n);
}

/* ---- qcow2-backing-protocol ---- */

static void check_protocol(struct scan *s, const struct qcow2 *q)
{
	struct str name = qcow2_name_effective(&q->backing), word = name_protocol(name);

	if (!qcow2_understood(q) || qcow2_name_in_header(q) || word.n == 0)
		return;
	if (str_is(word, "json"))
		report(s, q->backing.at,
		       "the backing file is '%s': that can be any file, device or address",
		       shown(s, name));
	else
		report(s, q->backing.at,
		       "the backing file is '%s': who opens the image follows it over '%s'",
		       shown(s, name), shown(s, word));
}

/* ---- qcow2-backing-system-file ---- */

static void check_system_file(struct scan *s, const struct qcow2 *q)
{
	struct str name = qcow2_name_effective(&q->backing);
	struct finding *f;

	if (!qcow2_understood(q) || !name_is_of_the_system(name))
		return;
	f = report(s, q->backing.at,
		   "the backing file is '%s', a file of the host's system",
		   shown(s, name));
	report_label(s, f, "the guest reads it where its own disk is empty");
}

/* ---- qcow2-datafile-unsafe ---- */

static void check_data_file(struct scan *s, const struct qcow2 *q)
{
	struct str name = qcow2_name_effective(&q->data_file);
	const struct backing *d = q->unit ? q->unit->data_file : NULL;
	struct finding *f;

	if (!qcow2_understood(q) || !q->external_data || name.n == 0)
		return;
	if (d && d->state == BACKING_LOOP)
		f = report(
			s, q->data_file.at,
			"the data file '%s' is the image itself, or one of its backing "
			"files",
			shown(s, name));
	else if (name_protocol(name).n)
		f = report(
			s, q->data_file.at,
			"the data file is '%s', which QEMU took for more than a path until "
			"CVE-2024-4467",
			shown(s, name));
	else if (name_is_of_the_system(name))
		f = report(s, q->data_file.at,
			   "the data file is '%s', a file of the host's system",
			   shown(s, name));
	else
		return;
	report_label(s, f, "the guest reads and writes it");
}

/* ---- qcow2-datafile-raw-conflict ---- */

static void check_raw(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q) || !(q->autoclear.v & QCOW2_AUTOCLEAR_DATA_RAW))
		return;
	if (!q->external_data)
		report(s, q->autoclear.at,
		       "the data file is said to be raw (autoclear feature bit 1), but there "
		       "is none (incompatible feature bit 2)");
	else if (q->backing_offset.v)
		report(s, q->autoclear.at,
		       "the data file is said to be raw (autoclear feature bit 1), but the "
		       "image has a backing file");
}

static bool fix_raw(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;

	(void)f;
	if (q->external_data)
		return plan_refuse(
			p, "either the data file has all of the disk, or the "
			   "backing file has a part of it: that is to be known first");
	if (q->data_file_ext)
		return plan_refuse(
			p, "the name of a data file is recorded: the other bit may "
			   "be the one that is wrong");
	if (!c || !c->complete || c->flaws[QCOW2_FLAW_L2_PAST_EOF].total)
		return plan_refuse(p, "not all of the disk's clusters are in this file");
	plan_title(p, "no data file: clear autoclear bit 1");
	return plan_be64(p, STAGE_COMMIT, q->autoclear.at,
			 q->autoclear.v & ~QCOW2_AUTOCLEAR_DATA_RAW);
}

const struct rule rules_qcow2_names[] = {
	{ .id = "qcow2-backing-empty-name",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a backing file's name that is empty, or ends before its length says",
	  .why = "QEMU sees no backing file, or one with a shorter name, and says nothing; "
		 "others may see something else.",
	  .steps =
		  "If there was a backing file, `qemu-img rebase -u -b NAME -F FORMAT` names "
		  "it again. The guest sees zeros in its place until then.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(): auto_backing_file",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_empty_name, fix_empty_name) },
	{ .id = "qcow2-backing-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a backing file's name that cannot be read",
	  .why = "QEMU refuses the image: \"Invalid backing file offset\", \"Backing file name "
		 "too long\".",
	  .steps =
		  "Look for the name in the first cluster, behind the header extensions.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 8 to 19; block/qcow2.c, "
		  "qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_name) },
	{ .id = "qcow2-backing-protocol",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a backing file that is no path",
	  .why = "QEMU connects to whatever it names, as whoever runs it, also for `qemu-img "
		 "check`. In an image from elsewhere that is an attack on the host.",
	  .steps =
		  "None, if the image is your own and it is meant so. Else do not open it: "
		  "`qemu-img info` without --backing-chain does not follow it.",
	  .source = "QEMU, util/uri and block.c, path_has_protocol(); CVE-2024-32498",
	  .since = "0.1.0",
	  CHECK(qcow2, check_protocol) },
	{ .id = "qcow2-backing-system-file",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a backing file from the host's /etc, /proc or /sys",
	  .why = "No disk is there. The guest reads the host's file where its own disk is "
		 "empty, and so does whoever converts or copies the image.",
	  .steps = "Do not use the image, and ask where it comes from.",
	  .source = "CVE-2015-5163, CVE-2024-32498: OpenStack opened such images",
	  .since = "0.1.0",
	  CHECK(qcow2, check_system_file) },
	{ .id = "qcow2-datafile-raw-conflict",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a raw data file without a data file, or beside a backing file",
	  .why = "Without a data file QEMU refuses the image: \"data-file-raw requires a data "
		 "file\". With a backing file, what the data file shows on its own is not the "
		 "disk.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, autoclear feature bit 1; block/qcow2.c, "
		  "qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_raw, fix_raw) },
	{ .id = "qcow2-datafile-unsafe",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a data file from the host's system, or that is no path",
	  .why = "The guest's disk is in that file: the guest reads and writes it.",
	  .steps = "Do not use the image, and ask where it comes from.",
	  .source = "CVE-2024-4467; QEMU, block/qcow2.c, qcow2_do_open()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_data_file) },
};

RULES_END(qcow2_names);
