/* Rules on the directories of an ISO 9660 image, and on the tables of their paths.
 * ECMA-119, 6.8, 6.9, 9.1 and 9.4.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { EXTENT_BYTES = 8, PATH_LBA = 2, PATH_PARENT = 6, PATH_NAME = 8 };

static const char *word(const struct iso_volume *v)
{
	switch (v->kind) {
	case ISO_PRIMARY:
		return "";
	case ISO_JOLIET:
		return "Joliet: ";
	case ISO_ENHANCED:
		return "enhanced volume: ";
	}
	BUG("volume %u", v->kind);
}

/* ---- iso-dir-range ---- */

static void check_range(struct scan *s, const struct iso_volume *v)
{
	for (size_t i = 0; i < v->nflaws; i++) {
		const struct iso_flaw *f = &v->flaw[i];

		if (f->kind != ISO_FLAW_OUTSIDE)
			continue;
		report(s, f->at,
		       "%s%s has %llu bytes from block %llu on, and the image ends before that",
		       word(v), f->path, LLU(f->expected), LLU(iso_value(&f->pair)));
	}
}

/* ---- iso-dir-record ---- */

static void report_record(struct scan *s, const struct iso_volume *v,
			  const struct iso_flaw *x)
{
	struct finding *f = NULL;

	switch (x->kind) {
	case ISO_FLAW_PAIR:    /* iso-both-endian */
	case ISO_FLAW_OUTSIDE: /* iso-dir-range */
		return;
	case ISO_FLAW_RECORD:
		f = report(s, x->at, "%s%s: an entry's lengths do not fit", word(v),
			   x->path);
		report_label(s, f, "what is behind it is not seen");
		return;
	case ISO_FLAW_SELF:
		f = report(
			s, x->at,
			x->at.len == EXTENT_BYTES
				? "%s%s is at block %llu, and says that it is at %llu"
				: "%s%s does not begin with itself: at block %llu there "
				  "is no directory",
			word(v), x->path, LLU(x->expected), LLU(iso_value(&x->pair)));
		break;
	case ISO_FLAW_PARENT:
		f = report(s, x->at,
			   "%s%s: what it is in is at block %llu, and it says %llu",
			   word(v), x->path, LLU(x->expected), LLU(iso_value(&x->pair)));
		break;
	case ISO_FLAW_LOOP:
		f = report(s, x->at, "%s%s leads to block %llu, where another one leads",
			   word(v), x->path, LLU(x->expected));
		return;
	}
	if (f && x->at.len == EXTENT_BYTES)
		report_lower(f);
}

static void check_record(struct scan *s, const struct iso_volume *v)
{
	for (size_t i = 0; i < v->nflaws; i++)
		report_record(s, v, &v->flaw[i]);
}

static bool fix_record(struct plan *p, const struct finding *f,
		       const struct iso_volume *v)
{
	uint8_t bytes[EXTENT_BYTES];

	if (f->at.len != EXTENT_BYTES)
		return plan_refuse(p, "nothing else says what stood there");
	/* Where the tree is in doubt, so is what it says of this one. */
	if (v->why)
		return plan_refuse(p, "not all directories were read: %s", v->why);
	for (size_t i = 0; i < v->nflaws; i++) {
		const struct iso_flaw *x = &v->flaw[i];

		if (x->at.off != f->at.off ||
		    (x->kind != ISO_FLAW_SELF && x->kind != ISO_FLAW_PARENT))
			continue;
		if (x->doubt)
			return plan_refuse(p, "there is a directory at either place");
		put_le32(bytes, (uint32_t)x->expected);
		put_be32(bytes + 4, (uint32_t)x->expected);
		plan_title(p, "block %llu", LLU(x->expected));
		return plan_bytes(p, STAGE_HEADERS, f->at.off,
				  (struct view){ bytes, sizeof(bytes) });
	}
	return false;
}

/* ---- iso-tree-large ---- */

static void check_large(struct scan *s, const struct iso_volume *v)
{
	if (v->bounded)
		report(s, v->at,
		       "%s%zu of its directories were read, and no more: of the others, and of "
		       "its path tables, nothing is said",
		       word(v), v->nread);
}

/* ---- iso-path-table ---- */

static const struct iso_paths *other(const struct iso_volume *v,
				     const struct iso_paths *t)
{
	return t == &v->little ? &v->big : &v->little;
}

/* Not a part that has not been downloaded yet. */
static bool is_to_come(const struct iso_volume *v, const struct iso_paths *t)
{
	return t->lba.v * ISO_SECTOR < v->image->iso->volume_end;
}

static void check_paths_of(struct scan *s, const struct iso_volume *v,
			   const struct iso_paths *t)
{
	const char *name = t->big ? "M" : "L";
	struct finding *f;

	if (t->right || !v->complete || (t->lba.v == 0 && !t->found))
		return;
	if (t->outside && !t->found) {
		if (is_to_come(v, t))
			return;
		f = report(
			s, t->lba.at,
			"%spath table %s is said to be at block %llu, behind the end of "
			"the image",
			word(v), name, LLU(t->lba.v));
	} else if (t->found) {
		f = report(s, t->lba.at,
			   "%spath table %s is said to be at block %llu, and is at %u",
			   word(v), name, LLU(t->lba.v), t->found);
	} else if (t->wrong_at.len) {
		f = report(
			s, t->wrong_at,
			"%spath table %s is not that of the directories: the first entry "
			"that does not fit is %llu bytes into it",
			word(v), name, LLU(t->wrong_at.off - t->at.off));
	} else {
		return;
	}
	report_label(s, f, "firmware and old systems find directories by it");
}

static void check_paths(struct scan *s, const struct iso_volume *v)
{
	check_paths_of(s, v, &v->little);
	check_paths_of(s, v, &v->big);
}

/* The bytes of the other one, with its numbers turned round. */
static uint8_t *turned(struct plan *p, const struct iso_paths *from)
{
	uint8_t *bytes = arena_array(p->arena, from->raw.n, uint8_t);
	struct iso_path x;
	size_t off = 0, at = 0;

	memcpy(bytes, from->raw.p, from->raw.n);
	while (iso_path_next(from, &off, &x)) {
		uint32_t lba = (uint32_t)x.lba.v;

		if (from->big)
			put_le32(bytes + at + PATH_LBA, lba);
		else
			put_be32(bytes + at + PATH_LBA, lba);
		put_le16(bytes + at + PATH_PARENT,
			 from->big ? x.parent : __builtin_bswap16(x.parent));
		at = off;
	}
	return bytes;
}

/* Most of what is there is the table that belongs there, or nothing is there, and nobody's: it
 * is not somebody else's place. What UDF and HFS have there nobody has asked. */
static bool is_its_place(const struct iso *iso, const struct iso_paths *t,
			 const uint8_t *bytes)
{
	if (view_is_zero(t->raw))
		return t->raw.n && !iso->udf && !iso->disk.apm &&
		       t->at.off >= (ISO_FIRST + iso->ndescriptors) * ISO_SECTOR &&
		       !iso_in_use(iso, t->at, t);
	return iso_is_mostly(t->raw, (struct view){ bytes, t->raw.n });
}

/* Only what differs, so that the plan shows it. */
static bool plan_differences(struct plan *p, const struct iso_paths *t,
			     const uint8_t *bytes)
{
	for (size_t i = 0; i < t->raw.n;) {
		size_t n = 0;

		while (i + n < t->raw.n && t->raw.p[i + n] != bytes[i + n])
			n++;
		if (n && !plan_bytes(p, STAGE_TABLES, t->at.off + i,
				     (struct view){ bytes + i, n }))
			return false;
		i += n + 1;
	}
	return true;
}

/* The tree's block for each entry whose name and parent fit. */
static uint8_t *from_tree(struct plan *p, const struct iso_volume *v,
			  const struct iso_paths *t)
{
	uint8_t *bytes = arena_array(p->arena, t->raw.n, uint8_t);
	uint32_t *dir = arena_array(p->arena, v->ndirs + 1, uint32_t);
	struct iso_path x;
	size_t off = 0, at = 0;

	memcpy(bytes, t->raw.p, t->raw.n);
	for (size_t n = 1; n <= v->ndirs && iso_path_next(t, &off, &x); n++, at = off) {
		size_t k = n == 1 ? 0 : 1;

		if (n > 1 && (x.parent == 0 || x.parent >= n))
			return NULL;
		while (n > 1 && k < v->ndirs &&
		       !(v->dir[k].parent == dir[x.parent] &&
			 str_eq(v->dir[k].name, x.name)))
			k++;
		if (k == v->ndirs)
			return NULL;
		dir[n] = (uint32_t)k;
		if (t->big)
			put_be32(bytes + at + PATH_LBA, v->dir[k].lba);
		else
			put_le32(bytes + at + PATH_LBA, v->dir[k].lba);
	}
	return bytes;
}

static bool fix_table(struct plan *p, const struct finding *f, const struct iso_volume *v,
		      const struct iso_paths *t)
{
	const struct iso_paths *o = other(v, t);
	uint8_t *bytes = NULL;

	if (t->found) {
		plan_title(p, "path table %s is at block %u", t->big ? "M" : "L",
			   t->found);
		return t->big ? plan_be32(p, STAGE_HEADERS, f->at, t->found)
			      : plan_le32(p, STAGE_HEADERS, f->at, t->found);
	}
	if (t->at.len && o->right && o->raw.n == t->raw.n)
		bytes = turned(p, o);
	else if (t->at.len && v->ndirs < 4096)
		bytes = from_tree(p, v, t);
	if (!bytes || !is_its_place(v->image->iso, t, bytes))
		return plan_refuse(p, "what is at its place may be somebody else's");
	plan_title(p, "path table %s as %s has it", t->big ? "M" : "L",
		   !o->right ? "the tree"
		   : o->big  ? "path table M"
			     : "path table L");
	return plan_differences(p, t, bytes);
}

static bool fix_paths(struct plan *p, const struct finding *f, const struct iso_volume *v)
{
	bool little =
		f->at.off == v->little.lba.at.off || f->at.off == v->little.wrong_at.off;

	return fix_table(p, f, v, little ? &v->little : &v->big);
}

const struct rule rules_iso_tree[] = {
	{ .id = "iso-dir-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a file or directory that is not in the image",
	  .why = "Reading it fails, and an installation with it.",
	  .steps = "Download the image again, or make it again.",
	  .source = "ECMA-119, 9.1.3, 9.1.4",
	  .since = "0.1.0",
	  CHECK(iso_volume, check_range) },
	{ .id = "iso-dir-record",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a directory that does not fit together",
	  .why = "Files are not found, or a reader goes round in circles.",
	  .steps =
		  "Only the entries by which a directory names itself and what it is in can be "
		  "told from the others; those are a warning.",
	  .source = "ECMA-119, 6.8.2, 9.1; Linux, fs/isofs/dir.c",
	  .since = "0.1.0",
	  CHECK_FIX(iso_volume, check_record, fix_record) },
	{ .id = "iso-path-table",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a path table that is not that of the directories",
	  .why = "Linux does not read it, and Windows, firmware and boot loaders do: there a "
		 "folder is empty or not found.",
	  .source = "ECMA-119, 6.9, 9.4",
	  .since = "0.1.0",
	  CHECK_FIX(iso_volume, check_paths, fix_paths) },
	{ .id = "iso-tree-large",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "more directories than are read",
	  .why = "What is wrong in the others is not seen, and no repair is made that would have "
		 "to know them all.",
	  .steps = "`vmend check --deep` reads them all.",
	  .source = "SPEC.md, 2.2",
	  .since = "0.1.0",
	  CHECK(iso_volume, check_large) },
};

RULES_END(iso_tree);
