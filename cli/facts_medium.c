/* What is known of a file that a config names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/nvram.h"
#include "analyze/medium.h"
#include "cli/facts.h"
#include "base/banned.h"

static const char *table_word(enum medium_table t)
{
	switch (t) {
	case TABLE_UNKNOWN:
		return "unknown";
	case TABLE_NONE:
		return "none";
	case TABLE_MBR:
		return "MBR";
	case TABLE_GPT:
		return "GPT";
	}
	BUG("table %u", t);
}

/* "BIOS, UEFI x64, aa64" */
static void boots(struct facts *f, const struct medium_boot *b)
{
	struct buf line = { 0 };

	if (b->bios.state == ANSWER_YES)
		buf_printf(&line, "BIOS");
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		if (b->uefi[i].state == ANSWER_YES)
			buf_printf(&line, "%sUEFI %s", line.n ? ", " : "",
				   efi_arch_name((enum efi_arch)i));
	}
	facts_word(f, "boots", line.n ? line.p : NULL);
	buf_free(&line);
}

static void link(struct facts *f, const struct medium_link *l)
{
	facts_word(f, "name", l->name.p);
	facts_word(f, "path", l->path);
	facts_flag(f, "opened", l->opened);
	facts_word(f, "format", l->format);
	if (l->disk_size)
		facts_size(f, "disk_size", l->disk_size);
}

static void files(struct facts *f, const struct medium *m)
{
	if (m->nchain)
		facts_list(f, "backing_chain");
	for (size_t i = 0; i < m->nchain; i++) {
		facts_item(f, "backing file");
		link(f, &m->chain[i]);
		facts_group_end(f);
	}
	if (m->nchain)
		facts_list_end(f);
	if (!m->has_data_file)
		return;
	facts_group(f, "data_file");
	link(f, &m->data_file);
	facts_group_end(f);
}

void facts_of_nvram(struct facts *f, const struct nvram *n)
{
	char guid[37];

	facts_list(f, "boot_entries");
	for (size_t i = 0; i < n->nentries; i++) {
		const struct nvram_entry *e = &n->entry[i];

		facts_item(f, arena_printf(f->arena, "Boot%04X", e->number));
		facts_word(f, "name", str_shown(f->arena, e->name));
		facts_flag(f, "active", e->active);
		guid_text(e->partition, guid);
		facts_word(f, "partition", e->has_partition ? guid : NULL);
		facts_group_end(f);
	}
	facts_list_end(f);
}

/* "user-data, meta-data" */
static void roots(struct facts *f, const struct medium_iso *iso)
{
	struct buf line = { 0 };

	for (size_t i = 0; i < iso->nroot; i++)
		buf_printf(&line, "%s%s", i ? ", " : "",
			   str_shown(f->arena, iso->root[i]));
	facts_word(f, "root", line.n ? line.p : NULL);
	buf_free(&line);
}

void facts_of_medium(struct facts *f, const struct medium *m)
{
	const struct lines *lines = f->lines;

	f->lines = NULL;
	facts_group(f, "medium");
	facts_word(f, "path", m->file.path);
	facts_word(f, "format", m->format);
	if (m->is_stray)
		facts_word(f, "holds", m->stray.what);
	facts_size(f, "file_size", m->file.size);
	if (m->disk_size)
		facts_size(f, "disk_size", m->disk_size);
	facts_word(f, "table", table_word(m->table));
	if (m->table == TABLE_GPT)
		facts_u64(f, "table_sector_size", m->table_sector_size);
	if (m->table_end)
		facts_size(f, "partitions_end", m->table_end);
	facts_word(f, "filesystem", m->filesystem);
	facts_flag(f, "blank", m->blank);
	if (m->boot)
		boots(f, m->boot);
	if (strcmp(m->format, "qcow2") == 0)
		facts_flag(f, "encrypted", m->encrypted);
	if (m->iso) {
		facts_word(f, "label", arena_str(f->arena, m->iso->label));
		roots(f, m->iso);
	}
	files(f, m);
	facts_group_end(f);
	f->lines = lines;
}
