/* What is known of a disk: its partition tables, as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "cli/facts.h"
#include "base/banned.h"

/* ---- MBR ---- */

static void mbr_entry(struct facts *f, const struct mbr_entry *e)
{
	if (!e->used)
		return;
	facts_item(f, arena_printf(f->arena, "partition %u", e->number));
	if (f->json)
		facts_u64(f, "number", e->number);
	facts_place(f, e->at);
	facts_word(f, "type", arena_printf(f->arena, "%02X", (unsigned)e->type.v));
	facts_flag(f, "active", e->boot.v == 0x80);
	facts_flag(f, "extended", e->extended);
	facts_field(f, "first_lba", e->lba);
	facts_field(f, "sectors", e->sectors);
	facts_group_end(f);
}

static const char *ebr_words(enum ebr_end end)
{
	switch (end) {
	case EBR_NONE:
		return NULL;
	case EBR_COMPLETE:
		return "complete";
	case EBR_LOOP:
		return "loop";
	case EBR_NO_SIGNATURE:
		return "no signature";
	case EBR_OUTSIDE:
		return "outside";
	case EBR_TOO_LONG:
		return "too long";
	}
	BUG("EBR end %u", end);
}

static void mbr_facts(struct facts *f, const struct mbr *m)
{
	facts_group(f, "mbr");
	facts_place(f, m->at);
	facts_flag(f, "signature", m->magic_ok);
	facts_flag(f, "boot_code", m->boot_code);
	facts_flag(f, "hybrid", m->hybrid);
	facts_word(f, "disk_signature",
		   arena_printf(f->arena, "%08x", m->disk_signature));
	facts_word(f, "logical_chain", ebr_words(m->ebr_end));
	facts_list(f, "partitions");
	for (size_t i = 0; i < MBR_ENTRIES; i++)
		mbr_entry(f, &m->entry[i]);
	for (size_t i = 0; i < m->nlogical; i++)
		mbr_entry(f, &m->logical[i]);
	facts_list_end(f);
	facts_group_end(f);
}

/* ---- GPT ---- */

static const char *guid_word(struct facts *f, struct guid g)
{
	char text[37];

	guid_text(g, text);
	return arena_str(f->arena, str_of(text));
}

/* The largest power of two that divides the start, up to 1 GiB. */
static uint64_t alignment(uint64_t off)
{
	uint64_t a = 1 << 30;

	while (off % a != 0)
		a /= 2;
	return a;
}

static void gpt_partition(struct facts *f, const struct gpt *g, const struct gpt_entry *e)
{
	uint64_t off, sectors;

	facts_item(f, arena_printf(f->arena, "partition %u", e->number));
	if (f->json)
		facts_u64(f, "number", e->number);
	facts_place(f, e->at);
	facts_word(f, "type", gpt_type_name(e->type));
	facts_word(f, "type_guid", guid_word(f, e->type));
	facts_word(f, "guid", guid_word(f, e->guid));
	facts_word(f, "name", arena_str(f->arena, e->name));
	facts_field(f, "first_lba", e->first);
	facts_field(f, "last_lba", e->last);
	facts_hex(f, "attributes", e->attributes);
	if (e->last.v >= e->first.v && u64_add(e->last.v - e->first.v, 1, &sectors) &&
	    u64_mul(sectors, g->sector_size, &sectors))
		facts_size(f, "size", sectors);
	if (u64_mul(e->first.v, g->sector_size, &off))
		facts_size(f, "aligned_to", alignment(off));
	facts_group_end(f);
}

static void gpt_copy(struct facts *f, const struct gpt *g, const char *key,
		     const struct gpt_table *t)
{
	facts_group(f, key);
	facts_place(f, t->at);
	facts_flag(f, "present", t->present);
	if (t->present) {
		facts_flag(f, "header_intact", t->header_ok);
		facts_flag(f, "entries_intact", t->entries_ok);
		facts_flag(f, "believed", t == g->good);
		facts_hex(f, "revision", t->revision);
		facts_field(f, "header_size", t->header_size);
		facts_hex(f, "header_crc", t->header_crc);
		facts_field(f, "my_lba", t->my_lba);
		facts_field(f, "alternate_lba", t->alternate_lba);
		facts_field(f, "first_usable", t->first_usable);
		facts_field(f, "last_usable", t->last_usable);
		facts_word(f, "disk_guid", guid_word(f, t->disk_guid));
		facts_field(f, "entries_lba", t->entries_lba);
		facts_field(f, "entry_count", t->entry_count);
		facts_field(f, "entry_size", t->entry_size);
		facts_hex(f, "entries_crc", t->entries_crc);
	}
	facts_group_end(f);
}

static void gpt_facts(struct facts *f, const struct gpt *g)
{
	const struct gpt_table *t = g->good ? g->good : g->pieced;

	facts_group(f, "gpt");
	facts_u64(f, "sector_size", g->sector_size);
	facts_u64(f, "sectors", g->sectors);
	facts_flag(f, "backup_at_end", g->backup_at_end);
	gpt_copy(f, g, "primary", &g->primary);
	gpt_copy(f, g, "backup", &g->backup);
	facts_list(f, "partitions");
	for (size_t i = 0; t && i < t->nentries; i++)
		gpt_partition(f, g, &t->entry[i]);
	facts_list_end(f);
	facts_group_end(f);
}

/* ---- what is in it ---- */

static void volume_facts(struct facts *f, const struct volume *v)
{
	const struct filesystem *fs = v->fs;

	facts_item(f, v->number ? arena_printf(f->arena, "partition %u", v->number)
				: "whole disk");
	if (f->json)
		facts_u64(f, "number", v->number);
	facts_u64(f, "offset", v->off);
	facts_size(f, "size", v->len);
	facts_word(f, "content", fs ? fs->name : v->blank ? "zeros" : "unknown");
	if (fs && fs->size.at.len)
		facts_size(f, "content_size", fs->size.v);
	if (fs && fs->block_size)
		facts_u64(f, "block_size", fs->block_size);
	if (fs && fs->sector_size)
		facts_u64(f, "largest_sector", fs->sector_size);
	if (fs && fs->hidden.at.len)
		facts_field(f, "hidden_sectors", fs->hidden);
	facts_group_end(f);
}

/* ---- what is found without a table ---- */

static void lost_part_facts(struct facts *f, const struct lost_part *p, size_t i)
{
	facts_item(f, arena_printf(f->arena, "found %zu", i + 1));
	facts_u64(f, "offset", p->off);
	facts_word(f, "content", p->fs->name);
	if (p->label.n)
		facts_word(f, "label", arena_str(f->arena, p->label));
	if (p->end)
		facts_size(f, "content_size", p->end - p->off);
	facts_flag(f, "efi_system", p->boots);
	facts_group_end(f);
}

static void lost_facts(struct facts *f, const struct lost *l)
{
	facts_group(f, "lost_table");
	facts_u64(f, "places_read", l->places);
	facts_flag(f, "stopped_early", l->stopped);
	facts_list(f, "found");
	for (size_t i = 0; i < l->nparts; i++)
		lost_part_facts(f, &l->part[i], i);
	facts_list_end(f);
	facts_group_end(f);
}

/* ---- who has it ---- */

void facts_of_locks(struct facts *f, const struct unit *u)
{
	const struct lock_state *l = &u->locks;

	facts_group(f, "locks");
	facts_flag(f, "known", l->known);
	if (l->known) {
		facts_flag(f, "writer", lock_has_writer(l));
		facts_flag(f, "in_use", lock_forbids_writing(l));
	}
	facts_word(f, "loop_device", u->loop ? u->loop->name : NULL);
	facts_group_end(f);
}

void facts_of_image(struct facts *f, const struct image *img)
{
	facts_size(f, "size", img->size);
	facts_word(f, "filesystem", img->filesystem);
	if (!img->unit->qcow2)
		facts_of_locks(f, img->unit);
	if (img->mbr)
		mbr_facts(f, img->mbr);
	if (img->gpt)
		gpt_facts(f, img->gpt);
	if (img->lost)
		lost_facts(f, img->lost);
	if (img->nvolumes || img->whole)
		facts_list(f, "volumes");
	for (size_t i = 0; i < img->nvolumes; i++)
		volume_facts(f, &img->volumes[i]);
	if (img->whole)
		volume_facts(f, img->whole);
	if (img->nvolumes || img->whole)
		facts_list_end(f);
}
