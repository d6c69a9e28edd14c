/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/unit.h"
#include "analyze/config/suppress.h"
#include "analyze/image/backing.h"
#include "analyze/image/image.h"
#include "analyze/image/qcow2.h"
#include "analyze/media.h"
#include "analyze/users.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

static void fail(struct unit *u, const struct err *e)
{
	u->state = UNIT_FAILED;
	u->why = *e;
}

/* Locks carry no names: all processes have to be looked through. */
static void name_holder(struct lock_state *l, const struct stat *st)
{
	const struct file_user user = file_user(st, USER_LOCKS);

	if (!user.locks)
		return;
	l->pid = user.pid;
	snprintf(l->holder, sizeof(l->holder), "%s", user.name);
}

/* An image's neighbours: who holds it now. A memory source has none. */
static void look_around(struct unit *u)
{
	if (u->format->kind != FORMAT_IMAGE || u->src.fd < 0)
		return;
	u->locks = host_locks(u->src.fd);
	if (u->host->here && u->locks.known && lock_forbids_writing(&u->locks))
		name_holder(&u->locks, &u->src.st);
	u->loop = host_loop_of(u->host, &u->src.st);
}

/* ---- what a config names ---- */

static bool is_path(const struct fact *f)
{
	return fact_known(f) && f->v.n > 0 && !str_has(f->v, "://") &&
	       !str_has(f->v, "\n");
}

/* The name of a file of this machine; NULL: there is none. */
static const struct fact *file_of(const struct disk *d)
{
	if (is_path(&d->made_from))
		return &d->made_from;
	if (is_path(&d->source) &&
	    (fact_is(&d->type, "file") || fact_is(&d->type, "block") ||
	     (fact_absent(&d->type) && d->vm->flavour == FLAVOUR_LIBVIRT)))
		return &d->source;
	return NULL;
}

/* From the config's own folder. */
static const char *path_of(const struct vm *vm, const struct fact *name, struct arena *a)
{
	return vm->folder ? arena_printf(a, "%s/%.*s", vm->folder, STR_ARG(name->v))
			  : arena_str(a, name->v);
}

static const struct reach *reach_from(struct unit *u)
{
	struct reach *r;

	if (u->src.reach || u->src.fd < 0)
		return u->src.reach;
	r = arena_new(&u->arena, struct reach);
	*r = reach_of(&u->src, u->host, &u->arena);
	return u->src.reach = r;
}

/* The same for what is below it, where the config says so. */
static const struct fact *backing_of(const struct disk *d)
{
	return is_path(&d->backing) ? &d->backing : NULL;
}

/* QEMU is started somewhere else than in the config's folder by all but these. */
static bool is_beside(const struct vm *vm, const struct fact *name)
{
	return !vm->base || name->v.p[0] == '/' || vm->base->flavour == FLAVOUR_PACKER ||
	       vm->base->flavour == FLAVOUR_QUICKEMU;
}

static const struct medium *medium_at(struct unit *u, const struct vm *vm,
				      const struct fact *name, const char **why)
{
	const struct reach *r = name && is_beside(vm, name) ? reach_from(u) : NULL;

	if (!r || !r->root)
		return NULL;
	return media_find(u->host->media, r, path_of(vm, name, &u->arena), why);
}

/* Files of a VM that are none of its disks. */
static void attach_files(struct unit *u, struct vm *vm)
{
	const struct {
		const struct fact *name;
		const struct medium **to;
	} files[] = { { &vm->loader, &vm->loader_medium },
		      { &vm->nvram, &vm->nvram_medium },
		      { &vm->kernel, &vm->kernel_medium },
		      { &vm->initrd, &vm->initrd_medium } };
	const char *why;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (is_path(files[i].name))
			*files[i].to = medium_at(u, vm, files[i].name, &why);
	}
}

/* Files of packages: not opened, and looked for only where nobody else can have put one. */
static bool is_gone(const struct fact *f, struct arena *a)
{
	return fact_known(f) && str_starts(f->v, "/usr/share/") &&
	       !memchr(f->v.p, '\0', f->v.n) && access(arena_str(a, f->v), F_OK) != 0 &&
	       errno == ENOENT;
}

static void look_for_firmware(struct unit *u, struct vm *vm)
{
	/* With a map its paths are those of another machine. */
	if (!u->host->here || u->host->nmaps)
		return;
	vm->loader_gone = is_gone(&vm->loader, &u->arena);
	vm->template_gone = is_gone(&vm->nvram_template, &u->arena);
}

/* "/dev/sdb", "/dev/nvme0n1p2"; what is a link by its nature (/dev/disk/by-id/...) is not
 * followed. */
static const struct mount *mount_on(struct unit *u, const struct disk *d)
{
	if (!u->host->here || !fact_known(&d->source) ||
	    !str_starts(d->source.v, "/dev/"))
		return NULL;
	return host_mount_of_device(u->host, arena_str(&u->arena, d->source.v) + 5);
}

static void attach_disks(struct unit *u, const struct vm *vm)
{
	const char *why;

	for (size_t i = 0; i < vm->ndisks; i++) {
		struct disk *d = &vm->disks[i];

		d->mounted = mount_on(u, d);
		if (!u->host->media)
			continue;
		d->medium = medium_at(u, vm, file_of(d), &d->medium_why);
		d->backing_medium = medium_at(u, vm, backing_of(d), &why);
	}
}

static void attach_vms(struct unit *u)
{
	for (size_t i = 0; i < u->nvms; i++) {
		look_for_firmware(u, &u->vms[i]);
		if (u->host->media)
			attach_files(u, &u->vms[i]);
		attach_disks(u, &u->vms[i]);
		if (u->vms[i].args)
			attach_disks(u, u->vms[i].args);
	}
}

/* ---- all of it ---- */

int unit_read_text(struct unit *u, struct err *e)
{
	/* Of most texts the head is all there is: what was recognised is what is read. */
	if (u->head.n == u->src.size) {
		u->text = u->head;
		return 0;
	}
	return source_view(&u->src, &u->arena, 0, u->src.size, &u->text, e);
}

static void read_facts(struct unit *u, const struct format *format)
{
	struct err e = { 0 };
	uint64_t n = u64_min(u->src.size, PROBE_HEAD);

	if (source_view(&u->src, &u->arena, 0, n, &u->head, &e) != 0) {
		fail(u, &e);
		return;
	}
	u->format = format ? format : format_probe(u->head, &u->src);
	/* From here on it may ask for what it names, and is not asked for itself. */
	if (u->format && u->format->kind == FORMAT_TEXT)
		media_is_text(u->host->media, u->src.st.st_dev, u->src.st.st_ino);
	if (!u->format) {
		/* A tree has many files that are not ours. */
		u->head = (struct view){ 0 };
		arena_free(&u->arena);
		u->state = UNIT_NOT_OURS;
		return;
	}
	look_around(u);
	if (u->format->read(u, &e) != 0)
		fail(u, &e);
	else
		u->state = UNIT_READ;
	if (u->state == UNIT_READ)
		suppressions_read(u);
	if (u->state == UNIT_READ && u->format->kind == FORMAT_TEXT)
		attach_vms(u);
}

void unit_open(struct unit *u, const char *path, enum source_mode mode,
	       const struct format *format, const struct host *host)
{
	struct err e = { 0 };

	*u = (struct unit){ .host = host };
	arena_init(&u->arena, ARENA_BUDGET);
	if (source_open(&u->src, path, mode, &e) != 0)
		fail(u, &e);
	else
		read_facts(u, format);
}

void unit_read(struct unit *u, const struct source *src, const struct format *format,
	       const struct host *host)
{
	*u = (struct unit){ .host = host, .src = *src };
	arena_init(&u->arena, ARENA_BUDGET);
	read_facts(u, format);
	u->src_borrowed = true;
}

void unit_close(struct unit *u)
{
	backing_close(u->backing);
	backing_close(u->data_file);
	u->backing = u->data_file = NULL;
	if (!u->src_borrowed)
		source_close(&u->src);
	arena_free(&u->arena);
	arena_free(&u->counts);
	u->state = UNIT_CLOSED;
}

bool unit_place(const struct unit *u, struct span at, struct arena *a, struct place *out)
{
	bool inside = u->image && u->image->src == at.src;

	if (u->qcow2 && !inside)
		return qcow2_place(u->qcow2, at, a, out);
	return u->image && image_place(u->image, at, a, out);
}
