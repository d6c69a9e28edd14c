/* Names for places of an ISO 9660 image.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "base/banned.h"

struct part {
	const char *name;
	uint32_t off, len;
	enum place_order order;
};

/* ECMA-119, 8.4 and 8.5 */
static const struct part volume_parts[] = {
	{ "type", 0, 1, PLACE_LITTLE },
	{ "identifier", 1, 5, PLACE_LITTLE },
	{ "version", 6, 1, PLACE_LITTLE },
	{ "system", 8, 32, PLACE_LITTLE },
	{ "name", 40, 32, PLACE_LITTLE },
	{ "space-size", 80, 8, PLACE_BOTH },
	{ "escapes", 88, 32, PLACE_LITTLE },
	{ "set-size", 120, 4, PLACE_BOTH },
	{ "sequence", 124, 4, PLACE_BOTH },
	{ "block-size", 128, 4, PLACE_BOTH },
	{ "path-table-size", 132, 8, PLACE_BOTH },
	{ "path-table-l", 140, 4, PLACE_LITTLE },
	{ "path-table-l-optional", 144, 4, PLACE_LITTLE },
	{ "path-table-m", 148, 4, PLACE_BIG },
	{ "path-table-m-optional", 152, 4, PLACE_BIG },
	{ "root/extent", 158, 8, PLACE_BOTH },
	{ "root/size", 166, 8, PLACE_BOTH },
	{ "root", 156, 34, PLACE_LITTLE },
	{ "application-use", 883, 512, PLACE_LITTLE },
};

static const struct part boot_record_parts[] = {
	{ "type", 0, 1, PLACE_LITTLE },
	{ "identifier", 1, 5, PLACE_LITTLE },
	{ "system", 7, 32, PLACE_LITTLE },
	{ "catalog", 71, 4, PLACE_LITTLE },
};

static const struct part validation_parts[] = {
	{ "header", 0, 1, PLACE_LITTLE }, { "platform", 1, 1, PLACE_LITTLE },
	{ "name", 4, 24, PLACE_LITTLE },  { "sum", 28, 2, PLACE_LITTLE },
	{ "key", 30, 2, PLACE_LITTLE },
};

static const struct part entry_parts[] = {
	{ "indicator", 0, 1, PLACE_LITTLE }, { "media", 1, 1, PLACE_LITTLE },
	{ "segment", 2, 2, PLACE_LITTLE },   { "system", 4, 1, PLACE_LITTLE },
	{ "count", 6, 2, PLACE_LITTLE },     { "lba", 8, 4, PLACE_LITTLE },
};

static const struct part record_parts[] = {
	{ "extent", 2, 8, PLACE_BOTH },
	{ "size", 10, 8, PLACE_BOTH },
	{ "flags", 25, 1, PLACE_LITTLE },
};

static const struct part info_parts[] = {
	{ "descriptor", 0, 4, PLACE_LITTLE },
	{ "file", 4, 4, PLACE_LITTLE },
	{ "length", 8, 4, PLACE_LITTLE },
	{ "sum", 12, 4, PLACE_LITTLE },
};

#define PARTS(array) array, sizeof(array) / sizeof((array)[0])

static bool holds(struct span outer, struct span inner)
{
	return outer.len && inner.off >= outer.off &&
	       range_within(inner.off - outer.off, inner.len, outer.len);
}

/* Of n bytes that are `off` bytes into it. */
static enum place_order order_of(const struct part *p, uint64_t off, uint64_t n)
{
	if (p->order != PLACE_BOTH || n == p->len)
		return p->order;
	return off == p->len / 2 ? PLACE_BIG : PLACE_LITTLE;
}

/* record: where it begins and how long it is. */
static bool set(struct place *out, struct span record, const char *locus,
		const struct part *parts, size_t n, struct span at, struct arena *a)
{
	uint64_t off = at.off - record.off;

	out->record = record;
	out->locus = locus;
	out->order = PLACE_LITTLE;
	for (size_t i = 0; i < n; i++) {
		if (off >= parts[i].off && off - parts[i].off < parts[i].len &&
		    at.len <= parts[i].len - (off - parts[i].off)) {
			out->locus = arena_printf(a, "%s/%s", locus, parts[i].name);
			out->order = order_of(&parts[i], off - parts[i].off, at.len);
			break;
		}
	}
	return true;
}

static const char *volume_word(const struct iso_volume *v)
{
	switch (v->kind) {
	case ISO_PRIMARY:
		return "primary";
	case ISO_JOLIET:
		return "joliet";
	case ISO_ENHANCED:
		return "enhanced";
	}
	BUG("volume %u", v->kind);
}

/* ---- volumes ---- */

static bool in_paths(const struct iso_volume *v, const struct iso_paths *t,
		     struct span at, struct arena *a, struct place *out)
{
	const char *locus;
	struct iso_path p;
	size_t off = 0;
	unsigned n = 0;

	if (!holds(t->at, at))
		return false;
	locus = arena_printf(a, "%s/path-table-%s", volume_word(v), t->big ? "m" : "l");
	while (iso_path_next(t, &off, &p)) {
		n++;
		if (!holds(p.at, at))
			continue;
		out->summary =
			arena_printf(a, "directory %u of path table %s: block %llu", n,
				     t->big ? "M" : "L", (unsigned long long)p.lba.v);
		set(out, p.at, arena_printf(a, "%s/entry[%u]", locus, n), NULL, 0, at, a);
		out->order = t->big ? PLACE_BIG : PLACE_LITTLE;
		return true;
	}
	out->summary = arena_printf(a, "path table %s", t->big ? "M" : "L");
	return set(out, t->at, locus, NULL, 0, at, a);
}

static bool in_flaws(const struct iso_volume *v, struct span at, struct arena *a,
		     struct place *out)
{
	for (size_t i = 0; i < v->nflaws; i++) {
		const struct iso_flaw *f = &v->flaw[i];

		if (!holds(f->at, at))
			continue;
		out->summary = arena_printf(a, "record of %s", f->path);
		set(out, f->at, arena_printf(a, "%s/record", volume_word(v)), NULL, 0, at,
		    a);
		/* Of a record itself nothing is written but these. */
		if (f->at.len == 8)
			out->order = order_of(&(struct part){ NULL, 0, 8, PLACE_BOTH },
					      at.off - f->at.off, at.len);
		return true;
	}
	return false;
}

static bool in_volume(const struct iso_volume *v, struct span at, struct arena *a,
		      struct place *out)
{
	if (holds(v->at, at)) {
		out->summary = arena_printf(a, "%s volume descriptor", volume_word(v));
		set(out, v->at, volume_word(v), PARTS(volume_parts), at, a);
		/* What people want to see of 2048 bytes is the line. */
		out->record = (struct span){ at.src, at.off & ~(uint64_t)15,
					     u64_min(at.len, 512) };
		return true;
	}
	return in_paths(v, &v->little, at, a, out) || in_paths(v, &v->big, at, a, out) ||
	       in_flaws(v, at, a, out);
}

/* ---- booting ---- */

static bool in_entry(const struct iso_boot_entry *b, size_t i, struct span at,
		     struct arena *a, struct place *out)
{
	struct span info = b->info.descriptor.at;

	if (holds(b->at, at)) {
		out->summary = arena_printf(
			a,
			"boot entry %zu: platform %02X, block %llu, %llu sectors of 512",
			i + 1, (unsigned)b->platform.v, (unsigned long long)b->lba.v,
			(unsigned long long)b->count.v);
		return set(out, b->at, arena_printf(a, "catalog/entry[%zu]", i + 1),
			   PARTS(entry_parts), at, a);
	}
	info.len = b->info.summed ? 16 : 0;
	if (holds(info, at)) {
		out->summary = arena_printf(a, "boot information table of boot image %zu",
					    i + 1);
		return set(out, info, arena_printf(a, "image[%zu]/boot-info", i + 1),
			   PARTS(info_parts), at, a);
	}
	if (holds(b->record, at)) {
		out->summary = arena_printf(a, "record of %s", b->path);
		return set(out, b->record, "primary/record", PARTS(record_parts), at, a);
	}
	return false;
}

static bool in_catalog(const struct iso_catalog *c, struct span at, struct arena *a,
		       struct place *out)
{
	struct span validation = { c->at.src, c->at.off, ISO_CATALOG_ENTRY };

	if (holds(c->record_at, at)) {
		out->summary = "boot record of El Torito";
		set(out, c->record_at, "boot-record", PARTS(boot_record_parts), at, a);
		out->record = (struct span){ at.src, at.off & ~(uint64_t)15,
					     u64_min(at.len, 512) };
		return true;
	}
	if (c->state != ISO_CATALOG_READ)
		return false;
	if (holds(validation, at)) {
		out->summary = "validation entry of the boot catalog";
		return set(out, validation, "catalog/validation", PARTS(validation_parts),
			   at, a);
	}
	for (size_t i = 0; i < c->nentries; i++) {
		if (in_entry(&c->entry[i], i, at, a, out))
			return true;
	}
	if (!holds(c->at, at))
		return false;
	out->summary = "boot catalog";
	return set(out,
		   (struct span){ at.src, at.off / ISO_CATALOG_ENTRY * ISO_CATALOG_ENTRY,
				  ISO_CATALOG_ENTRY },
		   "catalog", NULL, 0, at, a);
}

bool iso_place(const struct iso *iso, struct span at, struct arena *a, struct place *out)
{
	for (size_t i = 0; i < iso->nvolumes; i++) {
		if (in_volume(&iso->volume[i], at, a, out))
			return true;
	}
	return in_catalog(&iso->catalog, at, a, out) ||
	       (iso->disk.image && image_place(iso->disk.image, at, a, out));
}
