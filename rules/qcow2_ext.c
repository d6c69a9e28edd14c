/* Rules on what follows a QCOW2's header in its first cluster: extensions, and bytes that
 * belong to nothing. docs/interop/qcow2.txt of QEMU, "Header extensions".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- qcow2-ext-overrun ---- */

static void check_overrun(struct scan *s, const struct qcow2 *q)
{
	struct span at = q->ext_stop_at;
	struct finding *f;

	if (!q->geometry || q->ext_stop != QCOW2_EXT_STOP_OVERRUN)
		return;
	if (at.len < 8) {
		f = report(
			s, at,
			"the header extensions end with %llu bytes, too few for another "
			"one or for the end mark",
			LLU(at.len));
	} else {
		f = report(
			s, at,
			"the header extension %#x at %llu has %llu bytes of data, and %llu "
			"are left in its place",
			view_be32(q->head, (size_t)at.off), LLU(at.off),
			LLU(view_be32(q->head, (size_t)at.off + 4)),
			LLU(span_end(q->ext_area) - at.off - 8));
	}
	report_label(s, f, "QEMU refuses the image: \"Header extension too large\"");
}

/* The header counts on an extension that was not found before this one. */
static const char *missing(const struct qcow2 *q)
{
	if ((q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS) && !q->bitmaps.ext)
		return "bitmaps";
	if (q->external_data && !q->data_file_ext)
		return "the name of the data file";
	if (q->crypt_method.v == QCOW2_CRYPT_LUKS && !q->crypto.ext)
		return "the place of the LUKS header";
	if (q->backing.state == QCOW2_NAME_READ && !q->backing_format_ext)
		return "the format of the backing file";
	return NULL;
}

/* The extension before it is as long as one of its type is. False also of a type that is not
 * known: what seems to be the next one may be a part of it. */
static bool is_as_long_as_it_should(const struct qcow2_ext *x)
{
	switch ((uint32_t)x->type.v) {
	case QCOW2_EXT_BACKING_FORMAT:
	case QCOW2_EXT_DATA_FILE:
		return x->data.n && !memchr(x->data.p, 0, x->data.n);
	case QCOW2_EXT_FEATURE_NAMES:
		return x->data.n && x->data.n % 48 == 0;
	case QCOW2_EXT_BITMAPS:
		return x->data.n == 24;
	case QCOW2_EXT_CRYPTO:
		return x->data.n == 16;
	}
	return false;
}

/* Extensions begin where the header ends, and it has one of the lengths that headers have. */
static bool begins_where_it_should(const struct qcow2 *q)
{
	if (!q->v3)
		return true;
	if (q->header_length.v == QCOW2_HEADER_V3)
		return !qcow2_extensions_from(q, QCOW2_HEADER_FULL);
	return q->header_length.v == QCOW2_HEADER_FULL &&
	       !qcow2_extensions_from(q, QCOW2_HEADER_V3);
}

/* An end mark takes its place; what is behind it is not read any more. */
static bool fix_overrun(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const char *needed = missing(q);
	uint32_t type = 0;

	(void)f;
	if (!qcow2_understood(q))
		return plan_refuse(p, "the image has features that are not known here");
	if (!begins_where_it_should(q))
		return plan_refuse(p, "the header's length may be what is wrong");
	if (q->next && !is_as_long_as_it_should(&q->ext[q->next - 1]))
		return plan_refuse(p, "it may be the length of the one before it that is "
				      "wrong");
	if (q->ext_stop_at.len == 8)
		type = view_be32(q->head, (size_t)q->ext_stop_at.off);
	if (type == QCOW2_EXT_BACKING_FORMAT || type == QCOW2_EXT_BITMAPS ||
	    type == QCOW2_EXT_CRYPTO || type == QCOW2_EXT_DATA_FILE)
		return plan_refuse(p, "what it says is needed; only its length is wrong");
	if (needed)
		return plan_refuse(p,
				   "an extension that is needed is not there, and may be "
				   "behind it: %s",
				   needed);
	plan_title(p, "end the header extensions here");
	return plan_zero(p, STAGE_COMMIT, q->ext_stop_at.off, q->ext_stop_at.len);
}

/* ---- qcow2-ext-duplicate, qcow2-ext-unknown ---- */

static void check_duplicate(struct scan *s, const struct qcow2 *q)
{
	for (size_t i = 0; q->geometry && i < q->next; i++) {
		const struct qcow2_ext *x = &q->ext[i];

		if (x->name && x->again)
			report(s, x->at,
			       "a second header extension %s; QEMU believes the last one",
			       x->name);
	}
}

static void check_unknown(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_ext *first = NULL;
	size_t n = 0;

	for (size_t i = 0; q->geometry && i < q->next; i++) {
		if (q->ext[i].name)
			continue;
		n++;
		first = first ? first : &q->ext[i];
	}
	if (n == 1)
		report(s, first->at,
		       "a header extension of type %#llx with %llu bytes, which is not known",
		       LLU(first->type.v), LLU(first->len.v));
	else if (n)
		report(s, first->at,
		       "%zu header extensions that are not known, the first of type %#llx",
		       n, LLU(first->type.v));
}

/* ---- qcow2-ext-hidden ---- */

static void check_hidden(struct scan *s, const struct qcow2 *q)
{
	uint64_t begin = q->header_length.v;
	struct finding *f;

	if (!q->geometry || !qcow2_name_in_header(q) || begin > q->cluster_size)
		return;
	f = report(
		s, q->backing_offset.at,
		"the name of the backing file begins at %llu, within the header of %llu "
		"bytes",
		LLU(q->backing_offset.v), LLU(begin));
	report_label(s, f, "header extensions end where the name begins: none is read");
}

/* ---- qcow2-header-slack ---- */

static void check_slack(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q))
		return;
	if (q->slack.len)
		report(s, q->slack,
		       "the %llu bytes at %llu of the first cluster belong to nothing, and "
		       "are not zero",
		       LLU(q->slack.len), LLU(q->slack.off));
	if (!q->padding_zero)
		report(s, q->padding_at, "the header's padding is not zero");
}

const struct rule rules_qcow2_ext[] = {
	{ .id = "qcow2-ext-duplicate",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "two header extensions of one type",
	  .why = "QEMU believes the last one, others may believe the first: they would take "
		 "the backing file for two different formats, or look for the data in two "
		 "files.",
	  .steps =
		  "`qemu-img rebase -u -F` writes the format anew. Any change of the header "
		  "by QEMU leaves one of each.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header extensions\": once at most",
	  .since = "0.1.0",
	  CHECK(qcow2, check_duplicate) },
	{ .id = "qcow2-ext-hidden",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the place of the backing file's name hides the header extensions",
	  .why = "QEMU skips them and says nothing: the format of the backing file, which "
		 "keeps a guest from choosing it, and bitmaps are gone, and the name is read "
		 "from fields of the header.",
	  .steps =
		  "Look for the name in the first cluster; `qemu-img rebase -u -b NAME -F "
		  "FORMAT` writes it anew.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(): ext_end",
	  .since = "0.1.0",
	  CHECK(qcow2, check_hidden) },
	{ .id = "qcow2-ext-overrun",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a header extension that is longer than its place",
	  .why = "QEMU refuses the image: \"Header extension too large\".",
	  .source = "QEMU, block/qcow2.c, qcow2_read_extensions()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_overrun, fix_overrun) },
	{ .id = "qcow2-ext-unknown",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a header extension that is not known",
	  .why = "Another program has left something there. It may be ignored, and QEMU keeps "
		 "it.",
	  .steps = "None.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header extensions\"",
	  .since = "0.1.0",
	  CHECK(qcow2, check_unknown) },
	{ .id = "qcow2-header-slack",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "bytes in the first cluster that belong to nothing",
	  .why = "Nothing but header, extensions and a name has a place there. It may be a "
		 "left-over, a note that somebody hid, or a second format in one file. QEMU "
		 "zeroes it when it next writes the header.",
	  .steps = "Look at it, if the image is not your own.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Header extensions\": other data has to "
		  "be behind the first cluster",
	  .since = "0.1.0",
	  CHECK(qcow2, check_slack) },
};

RULES_END(qcow2_ext);
