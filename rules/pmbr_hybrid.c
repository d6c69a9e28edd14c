/* Rules on hybrid MBRs: beside the protective entry stand copies of some of the GPT's, for
 * systems that know only an MBR. They are worth what the copies are true. gdisk(8), 'h' of
 * the recovery menu; UEFI 2.10, section 5.2.3, has none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* The geometry that every tool of today counts CHS addresses in. */
enum { HEADS = 255, TRACK = 63, CYLINDERS = 1024, CHS_SIZE = 3 };

static bool is_hybrid(const struct mbr *m, struct gpt_state *st)
{
	if (!m->image->gpt || !mbr_protective_of(m) || mbr_purely_protective(m))
		return false;
	*st = gpt_state(m->image->gpt);
	return gpt_state_has_table(st);
}

/* A copy of a partition, or what passes for one. */
static bool is_copy(const struct mbr_entry *e)
{
	return e->used && e->type.v != MBR_TYPE_PROTECTIVE;
}

static uint64_t end_of(const struct mbr_entry *e) /* both are 32 bits */
{
	return e->lba.v + e->sectors.v;
}

static uint64_t length_of(const struct gpt_entry *e)
{
	return e->last.v < e->first.v ? 0 : e->last.v - e->first.v + 1;
}

static bool is_mirror(const struct mbr_entry *m, const struct gpt_entry *e)
{
	return m->lba.v == e->first.v &&
	       m->sectors.v == u64_min(length_of(e), UINT32_MAX);
}

static const struct gpt_entry *mirrored(const struct gpt *g, const struct mbr_entry *m)
{
	for (size_t i = 0; i < g->good->nentries; i++) {
		if (is_mirror(m, &g->good->entry[i]))
			return &g->good->entry[i];
	}
	return NULL;
}

/* ---- pmbr-extra ---- */

static const char *extra_text(struct scan *s, const struct gpt *g,
			      const struct mbr_entry *e)
{
	const struct gpt_entry *twin = mirrored(g, e);

	if (!is_copy(e))
		return scan_printf(s,
				   "entry %u is a protective one, too: LBA %llu, %llu "
				   "sectors",
				   e->number - 1, LLU(e->lba.v), LLU(e->sectors.v));
	return scan_printf(
		s,
		"entry %u is partition %u of the GPT as well: type %02llX, LBA "
		"%llu, %llu sectors",
		e->number - 1, twin->number, LLU(e->type.v), LLU(e->lba.v),
		LLU(e->sectors.v));
}

/* pmbr-twice has those. */
static bool is_twin(const struct mbr *m, const struct mbr_entry *e)
{
	return !is_copy(e) && e->lba.v == 1 && mbr_protective_of(m)->lba.v == 1;
}

static void check_extra(struct scan *s, const struct mbr *m)
{
	struct finding *f = NULL;
	struct gpt_state st;

	if (!is_hybrid(m, &st))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (!e->used || e == mbr_protective_of(m) || is_twin(m, e) ||
		    (is_copy(e) && !mirrored(st.g, e)))
			continue;
		if (f)
			report_related(s, f, e->at, "%s", extra_text(s, st.g, e));
		else
			f = report(s, e->at, "%s", extra_text(s, st.g, e));
	}
}

/* ---- pmbr-hybrid-mismatch ---- */

static bool is_mirrored(const struct mbr *m, const struct gpt_entry *e)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (is_copy(&m->entry[i]) && is_mirror(&m->entry[i], e))
			return true;
	}
	return false;
}

/* The partition that a copy is no longer true of, or NULL: it begins where the copy does; or
 * it is the only one of the copy's size, was moved by less than that, and has no copy. */
static const struct gpt_entry *once_mirrored(const struct mbr *m, const struct gpt *g,
					     const struct mbr_entry *c)
{
	const struct gpt_entry *moved = NULL;
	unsigned same_size = 0;

	for (size_t i = 0; i < g->good->nentries; i++) {
		const struct gpt_entry *e = &g->good->entry[i];

		if (e->first.v == c->lba.v && length_of(e) != 0)
			return e;
		if (length_of(e) != c->sectors.v)
			continue;
		same_size++;
		if (e->first.v < end_of(c) && c->lba.v <= e->last.v && !is_mirrored(m, e))
			moved = e;
	}
	return same_size == 1 ? moved : NULL;
}

static void report_stale(struct scan *s, const struct mbr_entry *c,
			 const struct gpt_entry *e)
{
	uint64_t n = length_of(e);
	struct finding *f;

	if (e->first.v != c->lba.v) {
		f = report(s, c->lba.at,
			   "entry %u begins at LBA %llu; partition %u of the GPT, of the "
			   "same %llu sectors, at LBA %llu",
			   c->number - 1, LLU(c->lba.v), e->number, LLU(n),
			   LLU(e->first.v));
		report_related(s, f, e->first.at, "partition %u", e->number);
	} else {
		f = report(s, c->sectors.at,
			   "entry %u has %llu sectors, partition %u of the GPT, which "
			   "begins with it at LBA %llu, has %llu",
			   c->number - 1, LLU(c->sectors.v), e->number, LLU(c->lba.v),
			   LLU(n));
		report_related(s, f, e->last.at, "the end of partition %u", e->number);
	}
	f->arg = c->number - 1;
	report_label(s, f, "Windows and others that go by the MBR see another partition");
}

static void check_mismatch(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;

	if (!is_hybrid(m, &st))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *c = &m->entry[i];
		const struct gpt_entry *e;

		if (!is_copy(c) || mirrored(st.g, c))
			continue;
		e = once_mirrored(m, st.g, c);
		if (e)
			report_stale(s, c, e);
	}
}

/* ---- pmbr-alien ---- */

static void report_alien(struct scan *s, const struct gpt *g, const struct mbr_entry *c)
{
	const struct gpt_entry *e = gpt_entry_in(g, c->lba.v, c->sectors.v);
	struct finding *f;

	f = report(s, c->at,
		   "entry %u (type %02llX, LBA %llu to %llu) is no partition of the GPT",
		   c->number - 1, LLU(c->type.v), LLU(c->lba.v), LLU(end_of(c) - 1));
	f->arg = c->number - 1;
	report_label(s, f, "what goes by the GPT does not know that it is in use");
	if (e)
		report_related(s, f, e->at,
			       "it has sectors of partition %u (LBA %llu to %llu)",
			       e->number, LLU(e->first.v), LLU(e->last.v));
}

static void check_alien(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;

	if (!is_hybrid(m, &st))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *c = &m->entry[i];

		if (is_copy(c) && !mirrored(st.g, c) && !once_mirrored(m, st.g, c))
			report_alien(s, st.g, c);
	}
}

/* Can it be a partition that only the MBR has? */
static bool can_be_own(const struct mbr *m, const struct gpt *g,
		       const struct mbr_entry *c)
{
	return (c->boot.v & 0x7f) == 0 && c->lba.v > g->good->entries_lba.v &&
	       c->lba.v >= g->good->first_usable.v &&
	       range_within(c->lba.v, c->sectors.v, m->sectors) &&
	       end_of(c) <= g->good->last_usable.v + 1 &&
	       !gpt_entry_in(g, c->lba.v, c->sectors.v);
}

static bool fix_alien(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *c = &m->entry[f->arg];
	struct gpt_state st;

	if (!is_hybrid(m, &st))
		return false;
	if (st.verdict != GPT_SOUND)
		return plan_refuse(p, "the GPT has to be mended first");
	if (can_be_own(m, st.g, c))
		return plan_refuse(p,
				   "it may be a partition of its own, where the GPT has "
				   "none");
	plan_title(p, "remove entry %u, which is no partition", c->number - 1);
	return plan_zero(p, STAGE_COMMIT, c->at.off, MBR_ENTRY_SIZE);
}

/* ---- pmbr-unused ---- */

static void check_unused(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;

	if (!m->image->gpt || !mbr_protective_of(m))
		return;
	st = gpt_state(m->image->gpt);
	for (unsigned i = 0; gpt_state_has_table(&st) && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used ||
		    (e->type.v == MBR_TYPE_EMPTY && e->lba.v == 0 && e->sectors.v == 0))
			continue;
		report(s, e->type.at,
		       "entry %u, beside the protective one, is not in use, but says type "
		       "%02llX, LBA %llu, %llu sectors, expected zeros",
		       i, LLU(e->type.v), LLU(e->lba.v), LLU(e->sectors.v));
	}
}

static bool fix_unused(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "clear an entry that is not in use");
	return plan_zero(p, STAGE_COMMIT, f->at.off - MBR_ENT_TYPE, MBR_ENTRY_SIZE);
}

/* ---- pmbr-hybrid-mismatch: its repair ---- */

static void chs_bytes(uint64_t lba, uint8_t out[CHS_SIZE])
{
	uint64_t cylinder = lba / (HEADS * TRACK);

	if (cylinder >= CYLINDERS) {
		memcpy(out, (uint8_t[]){ 0xfe, 0xff, 0xff }, CHS_SIZE);
		return;
	}
	out[0] = (uint8_t)(lba / TRACK % HEADS);
	out[1] = (uint8_t)((lba % TRACK + 1) | (cylinder >> 8 << 6));
	out[2] = (uint8_t)cylinder;
}

/* An address that was right follows; one that is made up stays as it is. */
static void move_chs(uint8_t *at, uint64_t from, uint64_t to)
{
	uint8_t was[CHS_SIZE];

	chs_bytes(from, was);
	if (memcmp(at, was, CHS_SIZE) == 0)
		chs_bytes(to, at);
}

static bool put_range(struct plan *p, const struct mbr_entry *e, const struct image *img,
		      uint64_t lba, uint64_t sectors)
{
	uint8_t b[MBR_ENTRY_SIZE];
	struct view old = view_cut(img->head, (size_t)e->at.off, MBR_ENTRY_SIZE);

	if (lba == e->lba.v && sectors == e->sectors.v)
		return true;
	memcpy(b, old.p, MBR_ENTRY_SIZE);
	move_chs(b + MBR_ENT_CHS_FIRST, e->lba.v, lba);
	move_chs(b + MBR_ENT_CHS_LAST, end_of(e) - 1, lba + sectors - 1);
	put_le32(b + MBR_ENT_LBA, (uint32_t)lba);
	put_le32(b + MBR_ENT_SECTORS, (uint32_t)sectors);
	return plan_bytes(p, STAGE_COMMIT, e->at.off, (struct view){ b, MBR_ENTRY_SIZE });
}

/* Entry x, once copy c is that of partition e: those that protect the sectors up to c, or
 * from its end on, still do. *lba and *end are its range then. */
static bool make_room(struct plan *p, const struct mbr_entry *x,
		      const struct mbr_entry *c, const struct gpt_entry *e, uint64_t *lba,
		      uint64_t *end)
{
	bool shared = x->lba.v < end_of(c) && c->lba.v < end_of(x);

	*lba = x->lba.v;
	*end = end_of(x);
	if (x->type.v == MBR_TYPE_PROTECTIVE) {
		if (shared)
			return true; /* some protect the whole disk */
		if (*end == c->lba.v)
			*end = e->first.v;
		if (*lba == end_of(c))
			*lba = e->last.v + 1;
	}
	if (*lba < *end && (*end <= e->first.v || *lba > e->last.v))
		return true;
	return plan_refuse(p, "entry %u (LBA %llu to %llu) would be in the way",
			   x->number - 1, LLU(x->lba.v), LLU(end_of(x) - 1));
}

static const struct volume *volume_of(const struct image *img, const struct gpt_entry *e)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].gpt == e)
			return &img->volumes[i];
	}
	return NULL;
}

/* A tool that knows only the MBR may have changed the partition: then what is in it fits the
 * copy and not the GPT. */
static bool content_agrees(struct plan *p, const struct mbr *m, const struct mbr_entry *c,
			   const struct gpt_entry *e)
{
	const struct volume *v = volume_of(m->image, e);
	const struct filesystem *fs = v ? v->fs : NULL;

	if (fs && fs->size.at.len && fs->size.v > v->len)
		return plan_refuse(
			p,
			"%s in partition %u takes %llu bytes, more than the GPT gives it: it "
			"may be the MBR that is right",
			fs->name, e->number, LLU(fs->size.v));
	if (e->first.v != c->lba.v && !fs)
		return plan_refuse(
			p,
			"nothing that is known begins at LBA %llu: whether the partition "
			"was moved there cannot be told",
			LLU(e->first.v));
	return true;
}

static bool can_follow(struct plan *p, const struct gpt_state *st,
		       const struct gpt_entry *e)
{
	if (st->verdict != GPT_SOUND)
		return plan_refuse(p, "the GPT has to be mended first");
	if (!e)
		return plan_refuse(
			p, "which partition of the GPT it was a copy of cannot be told");
	if (e->last.v >= st->g->sectors || e->last.v > UINT32_MAX)
		return plan_refuse(
			p,
			"partition %u (LBA %llu to %llu) is not within what an "
			"MBR can say of this disk",
			e->number, LLU(e->first.v), LLU(e->last.v));
	return true;
}

static bool fix_mismatch(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *c = &m->entry[f->arg];
	const struct gpt_entry *e;
	struct gpt_state st;

	if (!is_hybrid(m, &st) || !view_has(m->image->head, 0, MBR_SIZE))
		return false;
	if (c->extended)
		return plan_refuse(p, "it is an extended partition, and what is in it "
				      "goes by where it begins and ends");
	e = once_mirrored(m, st.g, c);
	if (!can_follow(p, &st, e) || !content_agrees(p, m, c, e))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *x = &m->entry[i];
		uint64_t lba, end;

		if (!x->used || x == c)
			continue;
		if (!make_room(p, x, c, e, &lba, &end) ||
		    !put_range(p, x, m->image, lba, end - lba))
			return false;
	}
	plan_title(p, "let entry %u of the hybrid MBR be partition %u again",
		   c->number - 1, e->number);
	return put_range(p, c, m->image, e->first.v, length_of(e));
}

const struct rule rules_pmbr_hybrid[] = {
	{ .id = "pmbr-alien",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "an entry beside the protective one that is no partition of the GPT",
	  .why = "Systems that go by the MBR see a partition that the others take for free "
		 "space, or that lies over one which they know.",
	  .steps =
		  "Look what is there (`blkid -p -O OFFSET DISK`). If it cannot be a partition, "
		  "`vmend fix --lossy-fixes` removes the entry and leaves the sectors alone; "
		  "`vmend undo` takes that back. Else make the hybrid MBR anew: gdisk DISK, then "
		  "r, h.",
	  .source =
		  "gdisk(8), hybrid MBR; sgdisk --verify: \"Mismatched GPT and MBR partition\"",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_alien, fix_alien) },
	{ .id = "pmbr-extra",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "further entries beside the protective one: a hybrid MBR",
	  .why = "It is made on purpose, for a BIOS, a board or a system that starts from MBR "
		 "entries, and repairs here leave it as it is. But Windows then goes by the MBR "
		 "while Linux goes by the GPT, tools that change one of them make the other one "
		 "wrong, and OpenStack refuses such images.",
	  .steps =
		  "If nothing that starts here needs the MBR entries, replace them with a "
		  "protective one: gdisk DISK, then x, n, w.",
	  .source =
		  "UEFI 2.10, section 5.2.3: the remaining records are zero; gdisk(8), hybrid "
		  "MBR; openstack/oslo.utils, check_mbr_partitions()",
	  .since = "0.1.0",
	  CHECK(mbr, check_extra) },
	{ .id = "pmbr-hybrid-mismatch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an entry of a hybrid MBR contradicts the GPT",
	  .why = "Systems that go by the MBR and those that go by the GPT see different "
		 "partitions on one disk, and each writes over what it takes for free.",
	  .steps =
		  "If the GPT is right, `vmend fix --unsafe-fixes` puts an entry whose partition "
		  "is known back in step; `vmend undo` takes that back. Else make the hybrid MBR "
		  "anew: gdisk DISK, then r, h.",
	  .source =
		  "gdisk(8), hybrid MBR; sgdisk --verify: \"Mismatched GPT and MBR partition\"",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_mismatch, fix_mismatch) },
	{ .id = "pmbr-unused",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "an entry beside the protective one that is neither in use nor empty",
	  .why = "With a type and no sectors, or with sectors and no type, it is no partition, "
		 "but partitioning tools see a hybrid MBR that overlaps or contradicts the GPT.",
	  .source =
		  "UEFI 2.10, section 5.2.3: the remaining records are zero; sgdisk --verify",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_unused, fix_unused) },
};

RULES_END(pmbr_hybrid);
