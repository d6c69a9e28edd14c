/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/loaders.h"

#include "analyze/image/fat.h"
#include "base/vec.h"
#include "base/banned.h"

struct search {
	struct efi_volume *v;
	struct look look;
	struct fat fat;
	struct arena *scratch; /* of directories */
	struct arena *a;       /* of what is found */
	struct efi_loader *loader;
	size_t n;
};

/* ---- one file ---- */

static struct answer read_pe(struct search *s, const struct fat_file *f, struct pe *pe)
{
	uint8_t bytes[PE_HEAD];
	struct view head = { bytes, (size_t)u64_min(f->size, sizeof(bytes)) };
	uint64_t off;
	size_t n;

	if (f->dir || f->size == 0)
		return answer_no(f->dir ? "it is a folder" : "it is empty", f->at);
	if (!fat_file_read(&s->fat, f, 0, bytes, head.n))
		return answer_unknown(s->look.why, f->at);
	if (!pe_find(head, &off) || off >= f->size)
		return answer_no("it is no PE file", f->at);
	if (off >= PE_HEADER_FAR)
		return answer_unknown("its header is far into the file", f->at);
	n = (size_t)u64_min(PE_OPTIONAL, f->size - off);
	if (view_has(head, (size_t)off, n)) {
		head = view_cut(head, (size_t)off, n);
	} else {
		head = (struct view){ bytes, n };
		if (!fat_file_read(&s->fat, f, off, bytes, n))
			return answer_unknown(s->look.why, f->at);
	}
	if (!pe_read(pe, head, f->size, f->at))
		return answer_no("it is no PE file", f->at);
	return answer_yes(f->at);
}

static const struct efi_loader *add(struct search *s, const char *folder,
				    const struct fat_file *f, bool fallback)
{
	struct efi_loader *l;

	if (s->n == LOADERS_MAX)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		if (s->loader[i].at.off == f->at.off)
			return &s->loader[i];
	}
	l = &s->loader[s->n++];
	*l = (struct efi_loader){
		.path = arena_printf(s->a, "%s\\%.*s", folder, STR_ARG(f->name)),
		.at = f->at,
		.fallback = fallback,
	};
	l->program = read_pe(s, f, &l->pe);
	return l;
}

/* Would a machine of this kind start it by itself? */
static struct answer starts(const struct search *s, const struct efi_loader *l,
			    enum efi_arch a)
{
	if (l->program.state != ANSWER_YES)
		return l->program;
	if (l->pe.arch != a)
		return answer_no("it is a program for another kind of machine", l->at);
	if (!l->pe.application)
		return answer_no("it is no EFI program", l->at);
	if (s->v->refused)
		return answer_unknown(s->v->refused, s->v->refused_at);
	return answer_yes(l->at);
}

/* ---- folders ---- */

static void add_all(struct search *s, const char *path, const struct fat_dir *d,
		    bool fallback)
{
	for (size_t i = 0; i < d->n; i++) {
		if (!d->file[i].dir && fat_name_ends(&d->file[i], ".efi"))
			add(s, path, &d->file[i], fallback);
	}
}

static const char *path_of(struct search *s, const char *folder, const struct fat_file *f)
{
	return arena_printf(s->a, "%s\\%.*s", folder, STR_ARG(f->name));
}

/* \EFI\BOOT, of which the names for all machines come before what else is in it. */
static void search_boot(struct search *s, const char *path, const struct fat_file *folder)
{
	struct fat_dir d;

	fat_list(&s->fat, folder, s->scratch, &d);
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		enum efi_arch a = (enum efi_arch)i;
		const struct fat_file *f = fat_find(&d, efi_arch_fallback(a));

		if (f)
			s->v->fallback[a] = starts(s, add(s, path, f, true), a);
		else if (d.why)
			s->v->fallback[a] = answer_unknown(d.why, folder->at);
	}
	add_all(s, path, &d, true);
}

static void search_vendor(struct search *s, const char *path,
			  const struct fat_file *folder, bool microsoft)
{
	const struct fat_file *boot, *f;
	struct fat_dir d;
	size_t n = s->n;

	fat_list(&s->fat, folder, s->scratch, &d);
	add_all(s, path, &d, false);
	if (d.why && s->v->other.state == ANSWER_NO)
		s->v->other = answer_unknown(d.why, folder->at);
	boot = microsoft ? fat_find(&d, "Boot") : NULL;
	if (boot && boot->dir) {
		fat_list(&s->fat, boot, s->scratch, &d);
		f = fat_find(&d, "bootmgfw.efi");
		path = path_of(s, path, boot);
		if (f && add(s, path, f, false))
			s->v->windows = answer_yes(f->at);
		add_all(s, path, &d, false);
	}
	if (microsoft && d.why && s->v->windows.state == ANSWER_NO)
		s->v->windows = answer_unknown(d.why, folder->at);
	if (s->n > n)
		s->v->other = answer_yes(s->loader[n].at);
}

static void search_efi(struct search *s, const struct fat_file *efi)
{
	const char *path = path_of(s, "", efi);
	const struct fat_file *boot, *microsoft;
	unsigned folders = 0;
	struct fat_dir d;

	fat_list(&s->fat, efi, s->scratch, &d);
	boot = fat_find(&d, "BOOT");
	microsoft = fat_find(&d, "Microsoft");
	if (boot && boot->dir)
		search_boot(s, path_of(s, path, boot), boot);
	if (microsoft && microsoft->dir)
		search_vendor(s, path_of(s, path, microsoft), microsoft, true);
	for (size_t i = 0; i < d.n; i++) {
		const struct fat_file *f = &d.file[i];

		if (!f->dir || f == boot || f == microsoft)
			continue;
		if (++folders > LOADER_FOLDERS)
			d.why = "there are more folders in \\EFI than are looked into";
		else
			search_vendor(s, path_of(s, path, f), f, false);
	}
	if (!d.why)
		return;
	for (unsigned i = 0; i < EFI_ARCHES && !boot; i++)
		s->v->fallback[i] = answer_unknown(d.why, efi->at);
	if (s->v->other.state == ANSWER_NO)
		s->v->other = answer_unknown(d.why, efi->at);
	if (s->v->windows.state == ANSWER_NO && !microsoft)
		s->v->windows = answer_unknown(d.why, efi->at);
}

static void answer_all(struct efi_volume *v, struct answer a)
{
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		v->fallback[i] = a;
	v->other = v->windows = a;
}

static void search_root(struct search *s)
{
	struct efi_volume *v = s->v;
	const struct fat_file *efi;
	struct fat_dir d;

	v->bits = s->fat.bits;
	v->sector_size = s->fat.sector_size;
	v->refused = s->fat.refused;
	v->refused_at = s->fat.refused_at;
	fat_list(&s->fat, NULL, s->scratch, &d);
	efi = fat_find(&d, "EFI");
	answer_all(v, !efi && d.why ? answer_unknown(d.why, v->fat.at)
				    : answer_no(NULL, efi ? efi->at : v->fat.at));
	if (efi && efi->dir)
		search_efi(s, efi);
}

void efi_volume_read(struct efi_volume *v, struct look *l, uint64_t off, uint64_t len)
{
	struct arena scratch;
	struct search s = {
		.v = v,
		.look = { .src = l->src,
			  .a = l->a,
			  .reads = LOADER_READS,
			  .bytes = LOADER_BYTES,
			  .of = l,
			  .broken = l->broken,
			  .e = l->e },
		.scratch = &scratch,
		.a = l->a,
	};

	v->off = off;
	v->len = len;
	arena_init(&scratch, ARENA_BUDGET);
	v->fat = fat_open(&s.fat, &s.look, off, len);
	answer_all(v,
		   v->fat.state == ANSWER_UNKNOWN ? v->fat : answer_no(NULL, v->fat.at));
	if (v->fat.state == ANSWER_YES) {
		s.loader = arena_array(l->a, LOADERS_MAX, struct efi_loader);
		search_root(&s);
		v->loader = s.loader;
		v->nloaders = s.n;
	}
	l->broken = s.look.broken;
	arena_free(&scratch);
}

const struct efi_loader *efi_fallback(const struct efi_volume *v, enum efi_arch a)
{
	if (v->fallback[a].state != ANSWER_YES)
		return NULL;
	for (size_t i = 0; i < v->nloaders; i++) {
		if (v->loader[i].at.off == v->fallback[a].at.off)
			return &v->loader[i];
	}
	return NULL;
}
