/* Backing chains and external data files, followed as far as that is safe. QEMU, block.c,
 * bdrv_get_full_backing_filename(), path_combine(), path_has_protocol().
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/backing.h"
#include "analyze/image/container.h"
#include "analyze/image/disk.h"
#include "analyze/image/iso.h"
#include "analyze/image/volume.h"
#include "analyze/reach.h"
#include "analyze/unit.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

/* One walk along a chain. */
struct chain {
	struct unit *u;
	struct arena *a;
	struct guest_packed *packed;
	struct reach reach;
	struct stat seen[BACKING_DEPTH_MAX + 1];
	unsigned nseen;
};

/* ---- names ---- */

/* "nbd:...", "json:{...}": a colon before any slash. */
static bool has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

/* ---- opening ---- */

static int fails(struct chain *c, struct backing *b, enum backing_state state,
		 const char *what, const char *because)
{
	b->state = state;
	b->why = arena_printf(c->a, "its %s %s", what, because);
	return -1;
}

static int says_errno(struct chain *c, struct backing *b, const char *what, int why)
{
	switch (why) {
	case ENOENT:
	case ENOTDIR:
		return fails(c, b, BACKING_MISSING, what, "is not there");
	case EXDEV:
	case ELOOP:
		return fails(c, b, BACKING_OUTSIDE, what,
			     "is not in a folder that may be read (--allow-root)");
	case EINVAL:
		return fails(c, b, BACKING_SPECIAL, what,
			     "is neither a regular file nor a block device");
	}
	return fails(c, b, BACKING_FAILED, what,
		     arena_printf(c->a, "cannot be opened: %s", strerror(why)));
}

static int open_within(struct chain *c, struct backing *b, const char *what)
{
	struct err e;
	int why;

	b->file.fd = reach_open(&c->reach, b->path, &b->file.st, &why);
	if (b->file.fd < 0)
		return says_errno(c, b, what, why);
	b->file.path = b->path;
	if (source_stat(&b->file, &e) != 0)
		return fails(c, b, BACKING_FAILED, what,
			     arena_printf(c->a, "cannot be read: %s", e.msg));
	return 0;
}

static bool same_file(const struct stat *x, const struct stat *y)
{
	if (S_ISBLK(x->st_mode) && S_ISBLK(y->st_mode))
		return x->st_rdev == y->st_rdev;
	return x->st_dev == y->st_dev && x->st_ino == y->st_ino;
}

static bool was_seen(const struct chain *c, const struct stat *st)
{
	for (unsigned i = 0; i < c->nseen; i++) {
		if (same_file(&c->seen[i], st))
			return true;
	}
	return false;
}

/* Finds and opens what a name in the image at `from` means. */
static int open_named(struct chain *c, struct backing *b, const char *from,
		      const char *what)
{
	const char *name = arena_str(c->a, b->name);

	if (strncmp(name, "file:", 5) == 0)
		name += 5;
	else if (has_protocol(name))
		return fails(c, b, BACKING_PROTOCOL, what,
			     "is not a file by its name, and not followed");
	if (!c->reach.root)
		return fails(c, b, BACKING_DETACHED, what,
			     "is not looked for, the image has no folder");
	if (c->nseen > BACKING_DEPTH_MAX)
		return fails(c, b, BACKING_DEEP, what, "is behind too many others");
	if (from && *name != '/')
		b->path = arena_printf(c->a, "%s/%s", path_folder(from, c->a), name);
	else
		b->path = reach_path(&c->reach, name, c->a);
	if (open_within(c, b, what) != 0)
		return -1;
	if (was_seen(c, &b->file.st))
		return fails(c, b, BACKING_LOOP, what, "is part of the chain already");
	return 0;
}

static struct backing *new_backing(struct chain *c, const struct qcow2_name *name)
{
	struct backing *b = arena_new(c->a, struct backing);
	const char *end = name->text.n ? memchr(name->text.p, '\0', name->text.n) : NULL;

	*b = (struct backing){ .name = name->text, .file = { .fd = -1 } };
	if (end)
		b->name.n = (size_t)(end - name->text.p);
	return b;
}

/* ---- formats ---- */

/* Its last bytes, of what has no signature: some formats have theirs there. */
static const char *footer_of(const struct source *s)
{
	uint8_t bytes[CONTAINER_FOOTER];
	struct err e;

	if (s->size < sizeof(bytes) ||
	    source_read(s, s->size - sizeof(bytes), bytes, sizeof(bytes), &e) != 0)
		return NULL;
	return container_of_footer((struct view){ bytes, sizeof(bytes) }).format;
}

/* What shows that a file without a signature is a disk. */
static const char *disk_word(const struct source *s, struct view head)
{
	const char *fs;
	size_t off, len;

	if (disk_probe(head, s))
		return "a partition table";
	fs = filesystem_of(head, &off, &len);
	return fs;
}

static void look_at(struct backing *b, struct view head)
{
	struct container c = container_of_head(head);

	b->found = c.format ? c.format : "raw";
	if (c.format)
		return;
	b->footer = footer_of(&b->file);
	if (b->declared.n == 0 && !b->footer)
		b->content = disk_word(&b->file, head);
}

static int show_qcow2(struct chain *c, struct backing *b, struct view head)
{
	const char *why;
	struct err e;

	if (qcow2_read_names(&b->qcow2, &b->file, head, c->a, &e) != 0)
		return fails(c, b, BACKING_FAILED, "backing file",
			     arena_printf(c->a, "cannot be read: %s", e.msg));
	why = guest_refused(b->qcow2);
	if (why)
		return fails(c, b, BACKING_DAMAGED, "backing file",
			     arena_printf(c->a, "cannot be seen through: %s", why));
	b->guest = arena_new(c->a, struct guest);
	guest_init(b->guest, b->qcow2, c->packed, c->a);
	b->disk = guest_source(b->guest);
	b->source = &b->disk;
	return 0;
}

/* As what it is declared; else as what it is, which is also what QEMU does then. */
static int show(struct chain *c, struct backing *b)
{
	const char *as;
	struct view head;
	struct err e;

	if (source_view(&b->file, c->a, 0, u64_min(b->file.size, PROBE_HEAD), &head,
			&e) != 0)
		return fails(c, b, BACKING_FAILED, "backing file",
			     arena_printf(c->a, "cannot be read: %s", e.msg));
	look_at(b, head);
	as = b->declared.n ? arena_str(c->a, b->declared) : b->found;
	if (strcmp(as, "raw") == 0) {
		b->source = &b->file;
		return 0;
	}
	if (strcmp(as, "qcow2") != 0 || strcmp(b->found, "qcow2") != 0)
		return fails(c, b, BACKING_FORMAT, "backing file",
			     arena_printf(c->a, "is %s, declared as %s: not read",
					  b->found, str_shown(c->a, str_of(as))));
	return show_qcow2(c, b, head);
}

/* ---- the chain ---- */

/* NULL: q has none. from: where q itself was found; NULL: it is the image. */
static struct backing *data_of(struct chain *c, const struct qcow2 *q, const char *from)
{
	struct backing *b;

	if (!q->external_data)
		return NULL;
	b = new_backing(c, &q->data_file);
	if (b->name.n == 0)
		fails(c, b, BACKING_NO_NAME, "data file", "has no name in the image");
	else if (open_named(c, b, from, "data file") == 0)
		b->source = &b->file;
	return b;
}

static struct backing *backing_of(struct chain *c, const struct qcow2 *q,
				  const char *from)
{
	struct backing *b;

	if (q->backing.state == QCOW2_NAME_NONE || q->backing.state == QCOW2_NAME_EMPTY)
		return NULL;
	b = new_backing(c, &q->backing);
	b->declared = q->backing_format;
	if (b->name.n == 0)
		fails(c, b, BACKING_NO_NAME, "backing file",
		      "has a name that cannot be read");
	else if (open_named(c, b, from, "backing file") == 0 && show(c, b) == 0)
		c->seen[c->nseen++] = b->file.st;
	return b;
}

/* Links the files behind q to its guest, which may not be there. */
static void attach(struct guest *g, const struct backing *data,
		   const struct backing *backing)
{
	if (g && data) {
		g->data = data->source;
		g->data_why = data->why;
	}
	if (g && backing) {
		g->backing = backing->source;
		g->backing_why = backing->why;
	}
}

/* A data file that the chain reads from as well: what the guest writes into it changes what
 * is under its disk. */
static void part_data_file(struct chain *c, struct backing *data)
{
	if (!data || !data->source || !was_seen(c, &data->file.st))
		return;
	data->source = NULL;
	fails(c, data, BACKING_LOOP, "data file", "is part of the chain already");
}

static void follow(struct chain *c)
{
	struct unit *u = c->u;
	struct backing *b;

	u->data_file = data_of(c, u->qcow2, NULL);
	u->backing = b = backing_of(c, u->qcow2, NULL);
	attach(u->guest, u->data_file, b);
	for (; b && b->guest; b = b->backing) {
		b->data_file = data_of(c, b->qcow2, b->path);
		b->backing = backing_of(c, b->qcow2, b->path);
		attach(b->guest, b->data_file, b->backing);
	}
	part_data_file(c, u->data_file);
	attach(u->guest, u->data_file, NULL);
}

/* ---- a data file that is too short ---- */

enum { SHORT_RUNS = 1 << 16 }; /* that are looked at */

/* The first place of the disk whose cluster is behind the end of the data file. Such a file
 * has all of the disk, so that there is none when it was not cut. */
static int find_cut(struct unit *u, struct err *e)
{
	struct backing *d = u->data_file;
	uint64_t off = d->source->size;

	for (unsigned i = 0; i < SHORT_RUNS && off < u->guest->size; i++) {
		struct guest_run r;

		if (guest_map(u->guest, off, u->guest->size - off, &r, e) != 0)
			return -1;
		if (r.kind == GUEST_BAD && r.host >= d->source->size) {
			d->cut = true;
			d->cut_at = r.off;
			return 0;
		}
		off += r.len;
	}
	return 0;
}

/* ---- what it shows ---- */

static int read_disk(struct unit *u, struct source *disk, struct err *e)
{
	struct image *img = arena_new(&u->arena, struct image);
	uint8_t last[512];

	*img = (struct image){ .unit = u, .src = disk, .size = disk->size };
	if (source_view(disk, &u->arena, 0, u64_min(disk->size, PROBE_HEAD), &img->head,
			e) != 0)
		return -1;
	/* What makes a disk of an ISO as well belongs to it. */
	if (iso_begins(img->head) && !iso_is_left_over(img->head, disk)) {
		if (iso_image_read(&img->iso, img, &u->arena, e) != 0)
			return -1;
		u->image = img;
		return 0;
	}
	/* Without a table, what stands at the places of one is something else. */
	if (disk_probe(img->head, disk)) {
		if (disk_read(img, &u->arena, e) != 0)
			return -1;
	} else {
		/* Nor is there none because its last sectors cannot be read. */
		if (source_read(disk, disk->size - sizeof(last), last, sizeof(last), e) !=
		    0)
			return -1;
		disk_read_filesystem(img);
		if (volume_whole_read(img, &u->arena, e) != 0)
			return -1;
	}
	u->image = img;
	return 0;
}

void backing_show(struct unit *u)
{
	struct arena *a = &u->arena;
	struct chain c = { .u = u, .a = a, .packed = arena_new(a, struct guest_packed) };
	struct source *disk = arena_new(a, struct source);
	struct err e = { 0 };

	*c.packed = (struct guest_packed){ .left = GUEST_INFLATE_MAX };
	u->guest_why = guest_refused(u->qcow2);
	if (!u->guest_why) {
		u->guest = arena_new(a, struct guest);
		guest_init(u->guest, u->qcow2, c.packed, a);
	}
	c.reach = reach_of(&u->src, u->host, a);
	if (c.reach.root)
		c.seen[c.nseen++] = u->src.st;
	if (u->qcow2->geometry)
		follow(&c);
	if (!u->guest)
		return;
	*disk = guest_source(u->guest);
	if ((u->guest->data && u->data_file && find_cut(u, &e) != 0) ||
	    read_disk(u, disk, &e) != 0)
		u->guest_why = arena_str(a, str_of(e.msg));
}

void backing_close(struct backing *b)
{
	for (; b; b = b->backing) {
		source_close(&b->file);
		if (b->data_file)
			source_close(&b->data_file->file);
	}
}
