/* What is known of an ISO 9660 image: five lines for people, all of it for programs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot.h"
#include "analyze/image/gpt.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "cli/facts.h"
#include "base/banned.h"

static const char *keep(struct facts *f, struct buf *b)
{
	const char *s = arena_str(f->arena, (struct str){ b->p, b->n });

	buf_free(b);
	return s;
}

static void add(struct buf *b, const char *word)
{
	if (b->n)
		buf_add(b, STR(", "));
	buf_add(b, str_of(word));
}

/* "'Debian 12', Rock Ridge, Joliet" */
static const char *volume_words(struct facts *f, const struct iso *iso)
{
	struct buf b = { 0 };

	if (!iso->primary)
		return "no primary volume descriptor";
	add(&b, arena_printf(f->arena, "'%s'", str_shown(f->arena, iso->primary->name)));
	if (iso->rock_ridge)
		add(&b, "Rock Ridge");
	if (iso->joliet)
		add(&b, "Joliet");
	if (iso->udf)
		add(&b, "UDF");
	return keep(f, &b);
}

static uint64_t missing(const struct iso *iso)
{
	uint64_t have = iso->image->size;

	return iso->volume_end > have ? iso->volume_end - have : 0;
}

static const char *size_words(struct facts *f, const struct iso *iso)
{
	uint64_t have = iso->image->size;

	if (!iso->primary)
		return arena_printf(f->arena, "%llu bytes", (unsigned long long)have);
	if (missing(iso))
		return arena_printf(f->arena, "%llu bytes, %llu of its %llu are missing",
				    (unsigned long long)have,
				    (unsigned long long)missing(iso),
				    (unsigned long long)iso->volume_end);
	return arena_printf(f->arena, "%llu bytes, complete", (unsigned long long)have);
}

/* What starts on machines that are no PC: nobody has looked into those images. */
static void add_others(struct buf *line, const struct iso *iso)
{
	static const struct {
		unsigned platform;
		const char *name;
	} others[] = { { ISO_PLATFORM_PPC, "PowerPC" }, { ISO_PLATFORM_MAC, "Mac" } };

	for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
		for (size_t i = 0; i < iso->catalog.nentries; i++) {
			const struct iso_boot_entry *b = &iso->catalog.entry[i];

			if (b->platform.v != others[k].platform || !b->bootable ||
			    b->outside)
				continue;
			add(line, others[k].name);
			break;
		}
	}
}

static const char *boot_words(struct facts *f, const struct iso *iso,
			      const struct boot *b)
{
	struct buf line = { 0 };

	if (b->bios.state == ANSWER_YES)
		add(&line, b->first.code == BOOT_CODE_OTHER
				   ? "BIOS"
				   : arena_printf(f->arena, "BIOS (%s)",
						  boot_code_name(b->first.code)));
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		enum efi_arch arch = (enum efi_arch)i;

		for (size_t k = 0; k < b->nvolumes; k++) {
			const struct efi_loader *l = efi_fallback(&b->volumes[k], arch);

			if (b->uefi[i].state != ANSWER_YES || !l)
				continue;
			add(&line,
			    arena_printf(f->arena, "UEFI %s%s", efi_arch_name(arch),
					 l->pe.certificates.state == ANSWER_YES
						 ? " (signed)"
						 : ""));
			break;
		}
	}
	add_others(&line, iso);
	if (line.n)
		return keep(f, &line);
	buf_free(&line);
	return b->table.why ? arena_printf(f->arena, "no: %s", b->table.why) : "no";
}

static const char *disk_words(struct facts *f, const struct iso *iso)
{
	const struct iso_disk *d = &iso->disk;
	struct buf b = { 0 };

	if (d->image && d->image->mbr)
		add(&b, d->code == BOOT_CODE_NONE || d->code == BOOT_CODE_OTHER
				? "MBR"
				: arena_printf(f->arena, "MBR (%s)",
					       boot_code_name(d->code)));
	if (d->image && d->image->gpt &&
	    (d->image->gpt->primary.present || d->image->gpt->backup.present))
		add(&b, "GPT");
	if (d->apm)
		add(&b, "APM");
	if (b.n)
		return keep(f, &b);
	buf_free(&b);
	return "no";
}

static const char *sum_words(struct facts *f, const struct iso *iso)
{
	const struct iso_md5 *m = &iso->md5;

	if (m->at.len == 0)
		return "none";
	if (!m->readable)
		return "not readable";
	if (m->why)
		return arena_printf(f->arena, "MD5, not known: %s", m->why);
	if (!m->checked)
		return "MD5, not asked (check --deep)";
	return iso_md5_right(m) ? "MD5, right" : "MD5, wrong";
}

/* ---- for programs ---- */

static void pair_facts(struct facts *f, const char *key, const struct iso_pair *p)
{
	facts_group(f, key);
	facts_field(f, "little_endian", p->le);
	facts_field(f, "big_endian", p->be);
	facts_group_end(f);
}

static void paths_facts(struct facts *f, const char *key, const struct iso_paths *t)
{
	facts_group(f, key);
	facts_field(f, "block", t->lba);
	facts_flag(f, "right", t->right);
	facts_group_end(f);
}

static void volume_facts(struct facts *f, const struct iso_volume *v)
{
	facts_item(f, "volume");
	facts_place(f, v->at);
	facts_word(f, "kind",
		   v->kind == ISO_PRIMARY  ? "primary"
		   : v->kind == ISO_JOLIET ? "joliet"
					   : "enhanced");
	facts_word(f, "name", arena_str(f->arena, v->name));
	pair_facts(f, "blocks", &v->space);
	pair_facts(f, "block_size", &v->block_size);
	pair_facts(f, "path_table_size", &v->paths_size);
	pair_facts(f, "root", &v->root_extent);
	paths_facts(f, "path_table_l", &v->little);
	paths_facts(f, "path_table_m", &v->big);
	facts_u64(f, "directories", v->ndirs);
	facts_u64(f, "files", v->nfiles);
	facts_flag(f, "all_read", v->complete);
	facts_word(f, "not_all_read", v->why);
	facts_u64(f, "flaws", v->nflaws_all);
	facts_group_end(f);
}

static void entry_facts(struct facts *f, const struct iso_boot_entry *b)
{
	facts_item(f, "boot entry");
	facts_place(f, b->at);
	facts_field(f, "platform", b->platform);
	facts_flag(f, "bootable", b->bootable);
	facts_field(f, "media", b->media);
	facts_field(f, "sectors", b->count);
	facts_field(f, "block", b->lba);
	facts_word(f, "path", b->path);
	facts_flag(f, "boot_info_table", b->info.present);
	if (b->fat_size)
		facts_size(f, "fat_size", b->fat_size);
	facts_group_end(f);
}

static void details(struct facts *f, const struct iso *iso)
{
	facts_u64(f, "file_size", iso->image->size);
	facts_u64(f, "volume_size", iso->volume_end);
	facts_u64(f, "missing", missing(iso));
	facts_flag(f, "rock_ridge", iso->rock_ridge);
	facts_flag(f, "joliet", iso->joliet != NULL);
	facts_flag(f, "udf", iso->udf);
	facts_list(f, "volumes");
	for (size_t i = 0; i < iso->nvolumes; i++)
		volume_facts(f, &iso->volume[i]);
	facts_list_end(f);
	facts_list(f, "catalog");
	for (size_t i = 0; i < iso->catalog.nentries; i++)
		entry_facts(f, &iso->catalog.entry[i]);
	facts_list_end(f);
}

void facts_of_iso(struct facts *f, const struct iso *iso)
{
	struct boot b;
	struct err e;

	facts_word(f, "volume", volume_words(f, iso));
	facts_word(f, "size", size_words(f, iso));
	/* Of an ISO all of that was read with the rest. */
	if (boot_read(iso->image, &b, f->arena, &e) == 0)
		facts_word(f, "boots", boot_words(f, iso, &b));
	facts_word(f, "as_a_disk", disk_words(f, iso));
	facts_word(f, "implanted_sum", sum_words(f, iso));
	if (!f->json)
		return;
	details(f, iso);
	facts_of_locks(f, iso->image->unit);
	facts_of_boot(f, iso->image);
}
