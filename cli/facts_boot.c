/* What a disk can boot, for `vmend inspect`: read on demand, only here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot.h"
#include "cli/facts.h"
#include "base/banned.h"

static const char *answer_words(struct facts *f, struct answer a)
{
	switch (a.state) {
	case ANSWER_UNKNOWN:
		return arena_printf(f->arena, "unknown: %s", a.why ? a.why : "not asked");
	case ANSWER_NO:
		return a.why ? arena_printf(f->arena, "no: %s", a.why) : "no";
	case ANSWER_YES:
		return "yes";
	}
	BUG("answer %u", a.state);
}

static void loader_facts(struct facts *f, const struct efi_loader *l, size_t i)
{
	facts_item(f, arena_printf(f->arena, "loader %zu", i + 1));
	facts_word(f, "path", l->path);
	facts_place(f, l->at);
	facts_word(f, "program", answer_words(f, l->program));
	if (l->program.state == ANSWER_YES) {
		facts_word(f, "machine", efi_arch_name(l->pe.arch));
		facts_word(f, "signed", answer_words(f, l->pe.certificates));
	}
	facts_group_end(f);
}

static void efi_facts(struct facts *f, const struct efi_volume *v)
{
	facts_item(f, v->number ? arena_printf(f->arena, "partition %u", v->number)
				: "whole disk");
	if (f->json)
		facts_u64(f, "number", v->number);
	facts_u64(f, "offset", v->off);
	facts_word(f, "fat", answer_words(f, v->fat));
	if (v->fat.state == ANSWER_YES)
		facts_u64(f, "fat_bits", v->bits);
	facts_word(f, "refused", v->refused);
	facts_word(f, "other_loaders", answer_words(f, v->other));
	facts_list(f, "loaders");
	for (size_t i = 0; i < v->nloaders; i++)
		loader_facts(f, &v->loader[i], i);
	facts_list_end(f);
	facts_group_end(f);
}

/* "UEFI x64 (partition 1, signed)" */
static void boots(struct facts *f, const struct boot *b)
{
	struct buf line = { 0 };

	if (b->bios.state == ANSWER_YES)
		buf_printf(&line, "BIOS (%s)", boot_code_name(b->first.code));
	for (size_t i = 0; i < b->nvolumes; i++) {
		for (unsigned j = 0; j < EFI_ARCHES; j++) {
			const struct efi_volume *v = &b->volumes[i];
			enum efi_arch a = (enum efi_arch)j;
			const struct efi_loader *l = efi_fallback(v, a);

			if (!l || b->uefi[a].state != ANSWER_YES)
				continue;
			buf_printf(&line, "%sUEFI %s (", line.n ? ", " : "",
				   efi_arch_name(a));
			if (v->number)
				buf_printf(&line, "partition %u, ", v->number);
			buf_printf(&line, "%s)",
				   l->pe.certificates.state == ANSWER_YES ? "signed"
				   : l->pe.certificates.state == ANSWER_NO
					   ? "not signed"
					   : "may be signed");
		}
	}
	facts_word(f, "boots", line.n ? line.p : NULL);
	buf_free(&line);
}

void facts_of_boot(struct facts *f, const struct image *img)
{
	struct boot b;
	struct err e;

	facts_group(f, "boot");
	if (boot_read(img, &b, f->arena, &e) != 0) {
		facts_word(f, "boots", arena_printf(f->arena, "unknown: %s", e.msg));
		facts_group_end(f);
		return;
	}
	boots(f, &b);
	facts_word(f, "bios", answer_words(f, b.bios));
	facts_word(f, "boot_code", boot_code_name(b.first.code));
	facts_word(f, "partitions_seen_by_uefi", answer_words(f, b.table));
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		facts_word(f,
			   arena_printf(f->arena, "uefi_%s",
					efi_arch_name((enum efi_arch)i)),
			   answer_words(f, b.uefi[i]));
	facts_word(f, "other_loaders", answer_words(f, b.other));
	facts_word(f, "windows", answer_words(f, b.windows));
	facts_list(f, "efi_volumes");
	for (size_t i = 0; i < b.nvolumes; i++)
		efi_facts(f, &b.volumes[i]);
	facts_list_end(f);
	facts_group_end(f);
}
