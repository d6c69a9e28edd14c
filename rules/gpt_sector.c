/* The sector size that a GPT is made for, and its conversion to another one. The places of
 * a table are LBAs: with sectors of another size none of them is where it says. The
 * preconditions are those under which every partition keeps its bytes. UEFI 2.10, 5.3.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/host.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static bool is_covering(const struct gpt *g)
{
	return g->past && g->good && g->good->nentries == 0;
}

static void check_size(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	uint32_t wanted = g->image->unit->host->sector_size;
	struct span at;
	struct finding *f;

	if (wanted == 0 || wanted == g->sector_size || !gpt_state_has_table(&st) ||
	    is_covering(g))
		return;
	at = g->good->at;
	at.len = sizeof(GPT_SIGNATURE) - 1;
	f = report(s, at,
		   "the GPT is made for sectors of %u bytes, the disk is to have sectors "
		   "of %u",
		   g->sector_size, wanted);
	report_label(s, f, "with sectors of %u bytes it is not at LBA 1", wanted);
}

/* ---- what is in the partitions ---- */

static const char bios_boot[] = "21686148-6449-6E6F-744E-656564454649";

/* Stacked: what is upon them may count in sectors, and is not seen from here. */
static bool is_opaque(const struct filesystem *fs)
{
	static const char *const names[] = { "LUKS",   "LVM2 PV",   "md RAID",
					     "bcache", "BitLocker", "bcachefs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(fs->name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool follows_up(struct plan *p, const struct volume *v, uint32_t to)
{
	const struct filesystem *fs = v->fs;
	char type[37];

	guid_text(v->gpt->type, type);
	if (strcmp(type, bios_boot) == 0 && !v->blank)
		return plan_refuse(
			p,
			"partition %u is a BIOS boot partition, and GRUB's list of "
			"its blocks counts sectors of 512 bytes: if the machine "
			"starts by UEFI, zero the partition first",
			v->number);
	if (!fs)
		return true;
	if (is_opaque(fs))
		return plan_refuse(
			p,
			"partition %u holds %s: whether what is in it can do with "
			"sectors of %u bytes is not known here",
			v->number, fs->name, to);
	if (fs->sector_size && fs->sector_size < to)
		return plan_refuse(
			p,
			"partition %u holds %s made for sectors of at most %u bytes, "
			"which cannot be changed: save its files, format it for "
			"sectors of %u (FAT: mkfs.vfat -S %u), and copy them back",
			v->number, fs->name, fs->sector_size, to, to);
	if (fs->block_size && fs->block_size < to)
		return plan_refuse(
			p,
			"partition %u holds %s with blocks of %u bytes, less than a "
			"sector of %u: save its files, format it anew, and copy them "
			"back",
			v->number, fs->name, fs->block_size, to);
	if (!fs->block_size && !fs->sector_size)
		return plan_refuse(
			p,
			"partition %u holds %s: whether that can do with sectors of "
			"%u bytes is not known here",
			v->number, fs->name, to);
	return true;
}

/* Smaller sectors are no trouble, but to Windows, which compares. */
static bool follows_down(struct plan *p, const struct volume *v, uint32_t to)
{
	const struct filesystem *fs = v->fs;

	if (!fs || (strcmp(fs->name, "NTFS") != 0 && strcmp(fs->name, "BitLocker") != 0))
		return true;
	return plan_refuse(
		p,
		"partition %u holds %s made for larger sectors, and Windows does "
		"not read it with sectors of %u bytes",
		v->number, fs->name, to);
}

static bool contents_follow(struct plan *p, const struct gpt *g, uint32_t to)
{
	const struct image *img = g->image;

	if (img->nvolumes != g->good->nentries)
		return plan_refuse(p, "not every partition could be looked into");
	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (!v->gpt || !v->looked)
			return plan_refuse(p, "partition %u could not be looked into",
					   v->number);
		if (!(to > g->sector_size ? follows_up : follows_down)(p, v, to))
			return false;
	}
	return true;
}

/* ---- the table's places ---- */

struct layout {
	uint32_t sector_size;
	uint64_t sectors, array; /* of the disk, and set aside for the array */
	uint64_t head, tail;     /* bytes that the copies take at both ends */
};

static struct layout layout_of(const struct gpt *g, uint32_t ss)
{
	const struct gpt_table *t = g->good;
	struct layout l = { .sector_size = ss, .sectors = g->image->size / ss };

	l.array = u64_max(gpt_entries_sectors(t->entry_count.v, t->entry_size.v, ss),
			  GPT_ENTRIES_MIN_BYTES / ss);
	l.head = (2 + l.array) * ss;
	l.tail = (1 + l.array) * ss;
	return l;
}

struct conversion {
	const struct gpt *g;
	struct layout was, is;
	uint64_t head, tail;  /* bytes at both ends that belong to either layout */
	struct view old_head; /* from MBR_SIZE on */
	struct view old_tail;
};

static bool ends_are_tables(struct plan *p, const struct conversion *c)
{
	const struct gpt_table *x = &c->g->primary, *y = &c->g->backup;
	size_t before = c->was.sector_size - MBR_SIZE;
	size_t behind = (size_t)(c->was.head - MBR_SIZE);
	size_t over = (size_t)(c->tail - c->was.tail);

	if (x->entries_lba.v != 2 || y->entries_at.off < c->g->image->size - c->was.tail)
		return plan_refuse(p, "the entries of a copy are not beside its header");
	if (!view_is_zero(view_cut(c->old_head, 0, before)) ||
	    !view_is_zero(view_cut(c->old_head, behind, c->old_head.n - behind)) ||
	    !view_is_zero(view_cut(c->old_tail, 0, over)))
		return plan_refuse(p, "beside the table there is something that is in no "
				      "partition, where the new table must go");
	return true;
}

static bool partition_follows(struct plan *p, const struct conversion *c,
			      const struct gpt_entry *e)
{
	uint64_t ss = c->was.sector_size, to = c->is.sector_size;
	uint64_t from = e->first.v * ss, end = (e->last.v + 1) * ss;
	uint64_t limit = c->g->image->size - c->tail;

	if (from % to != 0)
		return plan_refuse(
			p,
			"partition %u begins at byte %llu, which is no multiple of "
			"%llu: it has to be moved first",
			e->number, LLU(from), LLU(to));
	if (end % to != 0)
		return plan_refuse(
			p,
			"partition %u ends at byte %llu, which is no multiple of "
			"%llu: make it %llu sectors shorter first, if its file "
			"system leaves them free",
			e->number, LLU(end), LLU(to), LLU(end % to / ss));
	if (from < c->head || end > limit)
		return plan_refuse(
			p,
			"partition %u (bytes %llu to %llu) is not within bytes %llu "
			"to %llu, which the new table leaves",
			e->number, LLU(from), LLU(end - 1), LLU(c->head), LLU(limit - 1));
	return true;
}

static bool measure(struct plan *p, struct conversion *c, const struct gpt *g,
		    uint32_t to)
{
	const struct image *img = g->image;

	c->g = g;
	c->was = layout_of(g, g->sector_size);
	c->is = layout_of(g, to);
	c->head = u64_max(c->was.head, c->is.head);
	c->tail = u64_max(c->was.tail, c->is.tail);
	if (img->size < c->head + c->tail || img->head.n < c->head ||
	    img->tail.n < c->tail)
		return plan_refuse(p, "the table is too large, or the disk too small");
	c->old_head = view_cut(img->head, MBR_SIZE, (size_t)c->head - MBR_SIZE);
	c->old_tail = view_cut(img->tail, img->tail.n - (size_t)c->tail, (size_t)c->tail);
	return true;
}

static bool can_convert(struct plan *p, const struct conversion *c)
{
	const struct gpt *g = c->g;

	if (!ends_are_tables(p, c))
		return false;
	for (size_t i = 0; i < g->good->nentries; i++) {
		const struct gpt_entry *e = &g->good->entry[i];

		if (e->first.v > e->last.v || e->last.v >= g->sectors)
			return plan_refuse(p, "partition %u has to be mended first",
					   e->number);
		if (!partition_follows(p, c, e))
			return false;
	}
	return true;
}

/* ---- writing ---- */

/* The array with the same bytes in sectors of the other size. */
static uint8_t *new_entries(struct plan *p, const struct conversion *c, size_t *n)
{
	const struct gpt_table *t = c->g->good;
	uint64_t ss = c->was.sector_size, to = c->is.sector_size;
	uint8_t *array = arena_try_array(p->arena, t->entries_raw.n, uint8_t);

	*n = t->entries_raw.n;
	if (!array)
		return NULL;
	memcpy(array, t->entries_raw.p, *n);
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		uint8_t *slot = array + (size_t)(e->number - 1) * GPT_ENTRY_SIZE;

		put_le64(slot + GPT_ENT_FIRST, e->first.v * ss / to);
		put_le64(slot + GPT_ENT_LAST, (e->last.v + 1) * ss / to - 1);
	}
	return array;
}

/* The backup first, while the old primary still stands; then the primary. */
static bool put_table(struct plan *p, const struct conversion *c)
{
	const struct gpt_table *t = c->g->good;
	const struct layout *l = &c->is;
	uint64_t size = c->g->image->size, ss = l->sector_size;
	uint8_t *head = arena_try_array(p->arena, c->old_head.n, uint8_t);
	uint8_t *tail = arena_try_array(p->arena, c->old_tail.n, uint8_t);
	size_t n;
	uint8_t *array = new_entries(p, c, &n);
	struct view entries = { array, n };
	struct gpt_header h = {
		.my_lba = 1,
		.alternate_lba = l->sectors - 1,
		.first_usable = 2 + l->array,
		.last_usable = l->sectors - 2 - l->array,
		.entries_lba = 2,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};

	if (!head || !tail || !array)
		return plan_refuse(p, "the table is too large");
	gpt_header_bytes(&h, entries, head + (ss - MBR_SIZE), l->sector_size);
	memcpy(head + (2 * ss - MBR_SIZE), array, n);
	h.my_lba = l->sectors - 1;
	h.alternate_lba = 1;
	h.entries_lba = l->sectors - 1 - l->array;
	gpt_header_bytes(&h, entries, tail + (c->tail - ss), l->sector_size);
	memcpy(tail + (c->tail - l->tail), array, n);
	return gpt_put_sectors(p, STAGE_TABLES, size - c->tail,
			       (struct view){ tail, c->old_tail.n }, c->old_tail,
			       MBR_SIZE) &&
	       gpt_put_sectors(p, STAGE_HEADERS, MBR_SIZE,
			       (struct view){ head, c->old_head.n }, c->old_head,
			       MBR_SIZE);
}

static bool fix_size(struct plan *p, const struct finding *f, const struct gpt *g)
{
	uint32_t to = g->image->unit->host->sector_size;
	struct gpt_state st = gpt_state(g);
	struct conversion c = { 0 };

	(void)f;
	if (st.mbr && st.mbr->hybrid)
		return plan_refuse(
			p,
			"the entries of the hybrid MBR count in sectors of %u bytes as "
			"well, and so does what starts from them: replace them with a "
			"protective one first (gdisk DISK, then x, n, w)",
			g->sector_size);
	if (st.verdict != GPT_SOUND || g->other || g->stray ||
	    !mbr_purely_protective(st.mbr) || g->good->entry_size.v != GPT_ENTRY_SIZE)
		return plan_refuse(
			p, "only a sound GPT whose MBR protects it and nothing else is "
			   "converted: mend what else is found first");
	if (g->image->size % to != 0)
		return plan_refuse(
			p,
			"the disk has %llu bytes, which is no multiple of %u: make "
			"it larger first, and mend its GPT",
			LLU(g->image->size), to);
	if (!measure(p, &c, g, to) || !can_convert(p, &c) || !contents_follow(p, g, to) ||
	    !put_table(p, &c))
		return false;
	plan_title(p, "make the GPT one for sectors of %u bytes", to);
	return gpt_put_protective_size(p, st.mbr, c.is.sectors);
}

const struct rule rules_gpt_sector[] = {
	{ .id = "gpt-sector-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the GPT is made for sectors of another size",
	  .why = "A GPT counts in sectors. On a disk whose sectors have another size its header "
		 "is not at LBA 1, and every place that it names is wrong: no system finds a "
		 "partition. The file does not say how it will be attached; --sector-size does.",
	  .steps =
		  "Either give the virtual disk the sectors that the table is made for (QEMU: "
		  "logical_block_size and physical_block_size of the device; libvirt: "
		  "<blockio>), or convert the table: `vmend fix --convert-sector-size 4096` (or "
		  "512). `vmend undo` takes that back.",
	  .source =
		  "UEFI 2.10, section 5.3.1: LBA 1 is a place in units of logical blocks",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_size, fix_size) },
};

RULES_END(gpt_sector);
