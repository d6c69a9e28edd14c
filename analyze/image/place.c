/* Names for places of a disk: from an offset to the record and the field that stand
 * there, by the same lists of fields that the readers use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/image/layout.h"
#include "analyze/image/volume.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

/* ---- fields of a record ---- */

struct part {
	const char *name;
	uint32_t off, len;
};

#define NUMBER(member, name, off, len) { name, off, len },
#define OTHER(name, off, len)          { name, off, len },
static const struct part mbr_parts[] = { MBR_FIELDS(NUMBER, OTHER) };
static const struct part mbr_entry_parts[] = { MBR_ENTRY_FIELDS(NUMBER, OTHER) };
static const struct part gpt_header_parts[] = { GPT_HEADER_FIELDS(NUMBER, OTHER) };
static const struct part gpt_entry_parts[] = { GPT_ENTRY_FIELDS(NUMBER, OTHER) };
#undef NUMBER
#undef OTHER

struct record {
	struct span at;
	const char *locus;
	const struct part *parts;
	size_t nparts;
};

#define PARTS(array) .parts = (array), .nparts = sizeof(array) / sizeof((array)[0])

static bool span_holds(struct span outer, struct span inner)
{
	return inner.off >= outer.off &&
	       range_within(inner.off - outer.off, inner.len, outer.len);
}

/* "record/field" when `at` lies within one field, else "record". */
static const char *locus_of(const struct record *r, struct span at, struct arena *a)
{
	uint64_t off = at.off - r->at.off;

	for (size_t i = 0; i < r->nparts; i++) {
		const struct part *p = &r->parts[i];

		if (off >= p->off && off - p->off < p->len &&
		    at.len <= p->len - (off - p->off))
			return arena_printf(a, "%s/%s", r->locus, p->name);
	}
	return r->locus;
}

static bool place_set(struct place *out, const struct record *r, struct span at,
		      const char *summary, struct arena *a)
{
	out->locus = locus_of(r, at, a);
	out->record = r->at;
	out->summary = summary;
	return true;
}

/* ---- MBR ---- */

static const char *entry_summary(const struct mbr_entry *ent, unsigned slot,
				 struct arena *a)
{
	if (!ent->used && ent->type.v == MBR_TYPE_EMPTY)
		return arena_printf(a, "entry %u: not in use", slot);
	return arena_printf(a, "entry %u: type %02X, first LBA %llu, %llu sectors%s",
			    slot, (unsigned)ent->type.v, (unsigned long long)ent->lba.v,
			    (unsigned long long)ent->sectors.v,
			    ent->boot.v == 0x80 ? ", active" : "");
}

/* Entries of a partition sector, whose own name is `locus`. */
static bool place_in_entries(const struct mbr_entry entry[MBR_ENTRIES], const char *locus,
			     struct span at, struct arena *a, struct place *out)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct record r = { .at = entry[i].at, PARTS(mbr_entry_parts) };

		if (!span_holds(r.at, at))
			continue;
		r.locus = arena_printf(a, "%s/entry[%u]", locus, i);
		return place_set(out, &r, at, entry_summary(&entry[i], i, a), a);
	}
	return false;
}

static bool place_in_mbr(const struct mbr *m, struct span at, struct arena *a,
			 struct place *out)
{
	struct record r = { .at = m->at, .locus = "mbr", PARTS(mbr_parts) };

	if (!span_holds(m->at, at))
		return false;
	if (place_in_entries(m->entry, "mbr", at, a, out))
		return true;
	return place_set(out, &r, at,
			 m->protective ? "protective MBR at LBA 0" : "MBR at LBA 0", a);
}

static bool place_in_ebr(const struct mbr *m, struct span at, struct arena *a,
			 struct place *out)
{
	for (size_t i = 0; i < m->nebr; i++) {
		const struct ebr *ebr = &m->ebr[i];
		struct record r = { .at = ebr->at, PARTS(mbr_parts) };

		if (!span_holds(ebr->at, at))
			continue;
		r.locus = arena_printf(a, "mbr/ebr[%zu]", i);
		if (place_in_entries(ebr->entry, r.locus, at, a, out))
			return true;
		return place_set(out, &r, at,
				 arena_printf(a, "extended boot record %zu at LBA %llu",
					      i, (unsigned long long)ebr->lba),
				 a);
	}
	return false;
}

/* ---- GPT ---- */

/* A copy by its names: "gpt/primary" in a locus, "primary" in words. */
struct copy {
	const struct gpt_table *t;
	const char *locus, *word;
};

static bool place_in_header(const struct copy *c, struct span at, struct arena *a,
			    struct place *out)
{
	struct record r = { .at = c->t->at, PARTS(gpt_header_parts) };

	if (c->t->raw.n == 0 || !span_holds(r.at, at))
		return false;
	r.locus = arena_printf(a, "%s/header", c->locus);
	if (!c->t->present)
		r.nparts = 0;
	return place_set(out, &r, at,
			 arena_printf(a, "%s%s GPT header at LBA %llu",
				      c->t->present ? "" : "no ", c->word,
				      (unsigned long long)c->t->lba),
			 a);
}

static const char *slot_summary(const struct gpt_table *t, uint64_t slot, struct arena *a)
{
	const struct gpt_entry *ent = NULL;
	const char *quote;

	for (size_t i = 0; i < t->nentries && !ent; i++) {
		if (t->entry[i].number == slot + 1)
			ent = &t->entry[i];
	}
	if (!ent)
		return arena_printf(a, "partition %llu: not in use",
				    (unsigned long long)slot + 1);
	quote = ent->name.n ? "'" : "";
	return arena_printf(a, "partition %u%s%s%s%s: LBA %llu to %llu", ent->number,
			    ent->name.n ? " " : "", quote, str_shown(a, ent->name), quote,
			    (unsigned long long)ent->first.v,
			    (unsigned long long)ent->last.v);
}

static bool place_in_array(const struct copy *c, struct span at, struct arena *a,
			   struct place *out)
{
	const struct gpt_table *t = c->t;
	struct record r = { .at = t->entries_at, PARTS(gpt_entry_parts) };
	uint64_t slot;

	if (!t->entries_read || !span_holds(t->entries_at, at))
		return false;
	slot = (at.off - t->entries_at.off) / t->entry_size.v;
	r.at.off += slot * t->entry_size.v;
	r.at.len = t->entry_size.v;
	if (slot < t->entry_count.v && span_holds(r.at, at)) {
		r.locus = arena_printf(a, "%s/entry[%llu]", c->locus,
				       (unsigned long long)slot);
		return place_set(out, &r, at, slot_summary(t, slot, a), a);
	}
	r = (struct record){ .at = t->entries_at };
	r.locus = arena_printf(a, "%s/entries", c->locus);
	return place_set(out, &r, at,
			 arena_printf(a,
				      "%s GPT entry array: %llu entries of %llu bytes, "
				      "%zu in use",
				      c->word, (unsigned long long)t->entry_count.v,
				      (unsigned long long)t->entry_size.v, t->nentries),
			 a);
}

/* Headers come first: a broken one may well say that its array lies over another. */
static bool place_in_gpt(const struct gpt *g, const char *name, struct span at,
			 struct arena *a, struct place *out)
{
	struct copy copies[] = {
		{ .t = &g->primary, .word = "primary" },
		{ .t = &g->backup, .word = "backup" },
		{ .t = g->stray, .word = "stray" },
		{ .t = g->pieced, .word = "pieced" },
	};
	enum { NCOPIES = sizeof(copies) / sizeof(copies[0]) };

	for (size_t i = 0; i < NCOPIES; i++) {
		if (!copies[i].t)
			continue;
		copies[i].locus = arena_printf(a, "%s/%s", name, copies[i].word);
		if (place_in_header(&copies[i], at, a, out))
			return true;
	}
	for (size_t i = 0; i < NCOPIES; i++) {
		if (copies[i].t && place_in_array(&copies[i], at, a, out))
			return true;
	}
	return false;
}

static bool place_in_other(const struct gpt *other, struct span at, struct arena *a,
			   struct place *out)
{
	return place_in_gpt(other, arena_printf(a, "gpt%u", other->sector_size), at, a,
			    out);
}

/* ---- what partitions hold ---- */

static bool is_in_volume(const struct volume *v, struct span field, const char *name,
			 struct span at, struct arena *a, struct place *out)
{
	if (!field.len || !span_holds(field, at))
		return false;
	out->record = field;
	if (v->number) {
		out->locus = arena_printf(a, "partition[%u]/%s/%s", v->number,
					  v->fs->name, name);
		out->summary =
			arena_printf(a, "partition %u: %s", v->number, v->fs->name);
	} else {
		out->locus = arena_printf(a, "disk/%s/%s", v->fs->name, name);
		out->summary = arena_printf(a, "the whole disk: %s", v->fs->name);
	}
	return true;
}

static bool place_in_volume(const struct volume *v, struct span at, struct arena *a,
			    struct place *out)
{
	for (size_t i = 0; i < v->nboot; i++) {
		const struct boot_place *b = &v->boot[i];

		if (is_in_volume(v, b->start.at,
				 i ? "backup-boot/hidden-sectors" : "hidden-sectors", at,
				 a, out) ||
		    is_in_volume(v, b->sum, i ? "backup-boot/checksum" : "boot/checksum",
				 at, a, out))
			return true;
	}
	return is_in_volume(v, v->fs->at, "magic", at, a, out) ||
	       is_in_volume(v, v->fs->size.at, "size", at, a, out);
}

static bool place_in_volumes(const struct image *img, struct span at, struct arena *a,
			     struct place *out)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].fs && place_in_volume(&img->volumes[i], at, a, out))
			return true;
	}
	return img->whole && img->whole->fs && place_in_volume(img->whole, at, a, out);
}

bool image_place(const struct image *img, struct span at, struct arena *a,
		 struct place *out)
{
	const struct gpt *g = img->gpt;

	if (img->iso)
		return iso_place(img->iso, at, a, out);
	if (img->mbr && place_in_mbr(img->mbr, at, a, out))
		return true;
	if (g && place_in_gpt(g, "gpt", at, a, out))
		return true;
	if (g && g->other && place_in_other(g->other, at, a, out))
		return true;
	if (img->mbr && place_in_ebr(img->mbr, at, a, out))
		return true;
	return place_in_volumes(img, at, a, out);
}
