/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/medium.h"
#include "analyze/image/backing.h"
#include "analyze/image/boot.h"
#include "analyze/image/container.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "analyze/image/nvram.h"
#include "analyze/image/qcow2.h"
#include "analyze/image/volume.h"
#include "analyze/unit.h"
#include "base/banned.h"

/* Of what a guest may write to first: an installer's disk has nothing there. */
static bool is_blank(struct view head)
{
	for (size_t i = 0; i < head.n; i++) {
		if (head.p[i])
			return false;
	}
	return true;
}

static struct span in_file(const struct medium *m, struct span at)
{
	return (struct span){ &m->file, at.off, at.len };
}

/* The span is one of the disk's. */
static struct span in_disk(const struct medium *m, struct span at)
{
	return (struct span){ at.src->is_guest ? &m->disk : &m->file, at.off, at.len };
}

/* ---- what it is ---- */

/* The file itself; what an ISO left on a disk with partitions of its own counts no more. */
static bool is_iso(const struct unit *u, struct view head)
{
	return view_eq(head, 16 * 2048 + 1, "CD001", 5) && (!u->image || u->image->iso);
}

static void read_format(struct medium *m, const struct unit *u, struct view head)
{
	struct container c = container_of_head(head);

	m->format = "raw";
	if (c.format) {
		m->format = c.format;
		m->format_at = (struct span){ &m->file, c.off, c.len };
	} else if (is_iso(u, head)) {
		m->format = "iso9660";
		m->format_at = (struct span){ &m->file, 16 * 2048 + 1, 5 };
	}
	m->is_stray = !c.format && stray_find(head, &m->stray);
	if (m->is_stray)
		m->stray.at = in_file(m, m->stray.at);
}

/* ---- the disk ---- */

static uint64_t mbr_end(const struct mbr *mbr)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &mbr->entry[i];

		if (e->used)
			end = u64_max(end, (e->lba.v + e->sectors.v) * mbr->sector_size);
	}
	return end;
}

static uint64_t gpt_end(const struct gpt *gpt)
{
	uint64_t end = 0, bytes;

	for (size_t i = 0; i < gpt->good->nentries; i++) {
		if (u64_mul(gpt->good->entry[i].last.v, gpt->sector_size, &bytes) &&
		    u64_add(bytes, gpt->sector_size, &bytes))
			end = u64_max(end, bytes);
	}
	return end;
}

static const char *part_filesystem(const struct image *img, unsigned number)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].number == number && img->volumes[i].gpt)
			return img->volumes[i].fs ? img->volumes[i].fs->name : NULL;
	}
	return NULL;
}

static void read_parts(struct medium *m, const struct image *img, struct arena *a)
{
	const struct gpt_table *t = img->gpt->good;
	struct medium_part *v = arena_array(a, t->nentries, struct medium_part);

	for (size_t i = 0; i < t->nentries; i++)
		v[i] = (struct medium_part){
			.guid = t->entry[i].guid,
			.type = t->entry[i].type,
			.at = in_disk(m, t->entry[i].at),
			.filesystem = part_filesystem(img, t->entry[i].number),
		};
	m->part = v;
	m->nparts = t->nentries;
}

static void read_table(struct medium *m, const struct image *img, struct arena *a)
{
	m->disk_size = img->size;
	m->filesystem = img->whole && img->whole->fs ? img->whole->fs->name : NULL;
	for (size_t i = 0; i < img->nvolumes; i++)
		m->filled = m->filled || img->volumes[i].fs;
	if (img->gpt) {
		const struct gpt *g = img->gpt;

		if (!g->good)
			return;
		m->table = TABLE_GPT;
		m->table_at = in_disk(m, g->good->at);
		m->table_at.len = 8;
		m->table_sector_size = g->sector_size;
		m->table_both = g->other != NULL;
		m->table_end = gpt_end(g);
		read_parts(m, img, a);
	} else if (img->mbr && img->mbr->magic_ok && !img->mbr->boot_sector) {
		m->table = TABLE_MBR;
		m->table_at = in_disk(m, img->mbr->magic.at);
		m->table_end = mbr_end(img->mbr);
	} else if (!img->mbr && !img->lost) {
		m->table = TABLE_NONE;
		m->blank = !m->filesystem && is_blank(img->head);
	}
}

/* ---- what it boots ---- */

static struct answer rehome(const struct medium *m, struct answer a)
{
	a.at = a.at.src ? in_disk(m, a.at) : (struct span){ 0 };
	return a;
}

static struct answer are_signed(const struct boot *b, enum efi_arch arch)
{
	struct answer any = answer_no(NULL, b->uefi[arch].at);

	for (size_t i = 0; i < b->nvolumes; i++) {
		const struct efi_loader *l = efi_fallback(&b->volumes[i], arch);

		if (l)
			any = answer_or(any, l->pe.certificates);
	}
	return any;
}

/* EDK2 starts a loader from any FAT volume; others look for the type. */
static void find_untyped(struct medium *m, struct medium_boot *to, const struct boot *b)
{
	static const struct guid esp = { { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9,
					   0x3b } };

	for (size_t i = 0; i < b->nvolumes; i++) {
		const struct efi_volume *v = &b->volumes[i];
		bool starts = false;

		for (unsigned k = 0; k < EFI_ARCHES; k++)
			starts = starts || v->fallback[k].state == ANSWER_YES;
		for (size_t k = 0; starts && v->number && k < b->image->nvolumes; k++) {
			const struct volume *p = &b->image->volumes[k];

			if (p->number != v->number || !p->gpt)
				continue;
			/* With one that is right nobody misses anything. */
			if (guid_eq(p->gpt->type, esp)) {
				to->untyped_at = (struct span){ 0 };
				return;
			}
			to->untyped_at = in_disk(m, p->gpt->at);
			to->untyped_at.len = GPT_GUID_SIZE;
			to->untyped = p->number;
		}
	}
}

/* Some dozen reads, a few more for each volume with FAT: the file is open now, and will not be
 * opened again for the config that asks. */
static void read_boot(struct medium *m, const struct image *img, struct arena *scratch,
		      struct arena *a)
{
	struct medium_boot *to;
	struct boot b;
	struct err e;

	if (boot_read(img, &b, scratch, &e) != 0)
		return;
	to = arena_new(a, struct medium_boot);
	to->bios = rehome(m, b.bios);
	to->code = b.first.code;
	to->marked = b.first.signature;
	to->other = rehome(m, b.other);
	to->windows = rehome(m, b.windows);
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		to->uefi[i] = rehome(m, b.uefi[i]);
		to->is_signed[i] = rehome(m, are_signed(&b, (enum efi_arch)i));
	}
	find_untyped(m, to, &b);
	m->boot = to;
}

/* ---- ISO 9660 ---- */

static void read_iso(struct medium *m, const struct iso *iso, struct arena *a)
{
	const struct iso_volume *v = iso_shown(iso);
	struct medium_iso *to;
	struct str *root;

	if (!v || !v->root_read)
		return;
	to = arena_new(a, struct medium_iso);
	root = arena_array(a, v->nroot, struct str);
	for (size_t i = 0; i < v->nroot; i++)
		root[i] = str_of(arena_str(a, v->root[i]));
	*to = (struct medium_iso){
		.label = str_of(arena_str(a, v->name)),
		.label_at = in_disk(m, (struct span){ v->at.src, v->at.off + ISO_VD_NAME,
						      ISO_VD_NAME_SIZE }),
		.plain = !iso->rock_ridge && !iso->joliet,
		.root = root,
		.nroot = v->nroot,
		.all = v->nroot < ISO_ROOT_MAX,
		.catalog = iso->catalog.state != ISO_CATALOG_NONE,
	};
	m->iso = to;
}

/* ---- what QEMU loads by itself ---- */

/* Its places are the medium's: what was read from is gone soon. */
static void rehome_nvram(struct nvram *n, const struct source *file)
{
	n->at.src = n->size.at.src = file;
	for (size_t i = 0; i < n->nentries; i++) {
		n->entry[i].at.src = file;
		if (n->entry[i].has_partition)
			n->entry[i].partition_at.src = file;
	}
}

static void read_program(struct medium *m, const struct unit *u, struct view head,
			 struct arena *scratch, struct arena *a)
{
	struct err e;
	struct look look = {
		.src = &u->src, .a = a, .reads = 1, .bytes = NVRAM_STORE_MAX, .e = &e
	};
	struct nvram *n;

	if (strcmp(m->format, "raw") != 0)
		return;
	m->program = program_of_head(head);
	m->program.at.src = &m->file;
	if (m->program.kind != PROGRAM_VARIABLES)
		return;
	n = nvram_read(&look, head, scratch);
	if (n)
		rehome_nvram(n, &m->file);
	m->nvram = n;
}

/* A disk without a table: nobody has read it as an image. */
static void read_plain(struct medium *m, const struct unit *u, struct view head,
		       struct arena *scratch, struct arena *a)
{
	const struct image img = { .src = &u->src, .size = u->src.size, .head = head };

	m->disk_size = u->src.size;
	m->table = TABLE_NONE;
	m->blank = is_blank(head);
	read_boot(m, &img, scratch, a);
}

/* ---- QCOW2 ---- */

static struct medium_link link_of(const struct backing *b, struct arena *a)
{
	struct medium_link l = { .opened = b->file.fd >= 0,
				 .format = b->found,
				 .state = b->state };

	l.name = str_of(arena_str(a, b->name));
	l.declared = str_of(arena_str(a, b->declared));
	l.names_files =
		b->qcow2 && (b->qcow2->backing_offset.v || b->qcow2->external_data);
	if (b->path)
		l.path = arena_str(a, str_of(b->path));
	if (!l.opened)
		return l;
	l.dev = b->file.st.st_dev;
	l.ino = b->file.st.st_ino;
	l.disk_size = b->source ? b->source->size : 0;
	return l;
}

static void read_chain(struct medium *m, const struct unit *u, struct arena *a)
{
	struct medium_link *v;
	size_t n = 0;

	for (const struct backing *b = u->backing; b; b = b->backing)
		n++;
	v = arena_array(a, n, struct medium_link);
	m->chain = v;
	for (const struct backing *b = u->backing; b; b = b->backing)
		v[m->nchain++] = link_of(b, a);
	if (u->data_file)
		m->data_file = link_of(u->data_file, a);
}

static void read_qcow2(struct medium *m, const struct unit *u, struct arena *a)
{
	const struct qcow2 *q = u->qcow2;

	m->incompatible = q->incompatible.v;
	m->incompatible_at = in_file(m, q->incompatible.at);
	m->encrypted = q->crypt_method.v != QCOW2_CRYPT_NONE;
	m->encrypted_at = in_file(m, q->crypt_method.at);
	m->has_backing = u->backing != NULL;
	m->has_data_file = q->external_data;
	if (q->geometry) {
		m->disk_size = q->size.v;
		m->cluster_size = q->cluster_size;
		m->l2_entry_size = q->l2_entry_size;
		m->snapshots = q->nb_snapshots.v;
		m->snapshots_at = in_file(m, q->nb_snapshots.at);
	}
	m->backing_at = in_file(m, q->backing.at);
	m->data_file_at = in_file(m, q->data_file.at);
	read_chain(m, u, a);
}

/* A disk without a table is none of our formats, and nobody has asked yet. */
static void read_users(struct medium *m, const struct unit *u)
{
	m->locks = u->locks;
	m->loop = u->loop;
	if (!u->format && u->src.fd >= 0) {
		m->locks = host_locks(u->src.fd);
		m->loop = host_loop_of(u->host, &u->src.st);
	}
	m->loop_mount = m->loop ? host_mount_of_device(u->host, m->loop->name) : NULL;
}

const struct medium *medium_of(const struct unit *u, struct arena *a)
{
	struct medium *m = arena_new(a, struct medium);
	struct arena scratch;
	struct view head = u->head;
	struct err e;

	arena_init(&scratch, ARENA_BUDGET);
	m->file = (struct source){ .path = arena_str(a, str_of(u->src.path)),
				   .fd = -1,
				   .size = u->src.size,
				   .st = u->src.st };
	m->disk = (struct source){ .path = m->file.path, .fd = -1, .is_guest = true };
	/* Of what is not ours nothing was kept. */
	if (head.n == 0 && source_view(&u->src, &scratch, 0,
				       u64_min(u->src.size, PROBE_HEAD), &head, &e) != 0)
		head = (struct view){ 0 };
	m->judged = !u->host->shallow;
	read_format(m, u, head);
	if (strcmp(m->format, "raw") == 0 && !u->image)
		read_plain(m, u, head, &scratch, a);
	if (u->image) {
		read_table(m, u->image, a);
		read_boot(m, u->image, &scratch, a);
	}
	if (u->image && u->image->iso) {
		m->missing = iso_missing(u->image->iso);
		read_iso(m, u->image->iso, a);
	}
	if (u->qcow2)
		read_qcow2(m, u, a);
	read_program(m, u, head, &scratch, a);
	read_users(m, u);
	if (u->host->here && u->src.fd >= 0)
		here_look(&u->src, u->host, a, &m->place);
	arena_free(&scratch);
	return m;
}
