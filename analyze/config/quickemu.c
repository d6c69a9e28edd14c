/* Quickemu's NAME.conf: assignments that a shell script sources. Recognised by a first line
 * that names quickemu, or by the keys guest_os and disk_img.
 * https://github.com/quickemu-project/quickemu, quickemu_conf(5)
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/qemu_args.h"
#include "analyze/config/shell.h"
#include "analyze/host.h"
#include "analyze/unit.h"

#include "base/banned.h"

static const struct lens vm_lenses[] = {
	LENS(vm, arch, "arch"),
	LENS(vm, firmware, "boot"),
	LENS(vm, guest, "guest_os"),
};

/* A disk that one setting names. */
struct medium {
	struct lens source;
	const char *device, *bus, *format;
};

static const struct lens disk_lenses[] = {
	LENS(disk, source, "disk_img"),
	LENS(disk, format, "disk_format"),
};

static const struct medium media[] = {
	{ LENS(disk, source, "iso"), "cdrom", "ide", NULL },
	{ LENS(disk, source, "fixed_iso"), "cdrom", "ide", NULL },
	{ LENS(disk, source, "img"), "disk", NULL, "raw" },
	{ LENS(disk, source, "floppy"), "floppy", "fdc", "raw" },
};

enum { NMEDIA = sizeof(media) / sizeof(media[0]) };

struct reading {
	struct shell s;
	struct node *root;
	struct unit *u;
	struct arena *a;
};

static void unknown(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_UNKNOWN, .at = at };
}

static void absent(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_ABSENT, .at = at };
}

/* ---- the tree ---- */

static bool wants_nothing(const struct word *words, size_t n)
{
	(void)words;
	(void)n;
	return false;
}

static void add_child(struct node *up, struct node *n)
{
	n->up = up;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
}

static bool read_tree(struct reading *r)
{
	struct span all = { &r->u->src, 0, r->u->src.size };

	r->root = arena_try_new(r->a, struct node);
	if (!r->root)
		return false;
	*r->root = (struct node){ .kind = NODE_MAP,
				  .syntax = SYNTAX_SHELL,
				  .key_at = { all.src, 0, 0 },
				  .open_at = { all.src, 0, 0 },
				  .text_at = all,
				  .whole = all };
	for (size_t i = 0; i < r->s.assigns.n; i++) {
		struct node *n = shell_node(&r->s, &r->s.assigns.v[i], r->a);

		if (!n)
			return false;
		add_child(r->root, n);
	}
	return true;
}

/* ---- disks ---- */

/* What Quickemu says of every disk, and no setting changes. */
static void imply(struct reading *r, struct disk *d, struct vm *vm)
{
	struct span at = d->source.at;

	d->vm = vm;
	d->node = r->root;
	absent(&d->readonly, at);
	absent(&d->shareable, at);
	absent(&d->transient, at);
	absent(&d->target, at);
	absent(&d->logical_block_size, at);
	absent(&d->physical_block_size, at);
	absent(&d->locking, at);
	absent(&d->backing, at);
	absent(&d->backing_locking, at);
	absent(&d->cache, at);
	absent(&d->io, at);
	absent(&d->discard, at);
	d->type = (struct fact){ .state = d->source.state, .v = STR("file"), .at = at };
	if (fact_known(&d->source))
		d->mount = host_mount_of(r->u->host, d->source.v);
}

static bool is_given(const struct fact *f)
{
	return f->state == FACT_UNKNOWN || (fact_known(f) && f->v.n > 0);
}

static const struct node *setting(const struct reading *r, const char *key)
{
	const struct node *found = NULL;

	for_each_node (n, r->root) {
		if (str_is(n->key, key))
			found = n;
	}
	return found;
}

/* What it hands to QEMU: quickemu 4.9.9, vm_boot(). It does so with disk_format for most. */
static void read_format(const struct reading *r, struct disk *d)
{
	static const char *const fixed[] = { "macos", "kolibrios", "batocera",
					     "windows-server" };
	const struct node *guest = setting(r, "guest_os");
	struct fact *f = &d->format;
	const struct lens *lens = f->lens;

	if (guest && guest->kind != NODE_SCALAR) {
		unknown(f, d->source.at);
		return;
	}
	if (guest && str_is(guest->text, "reactos")) {
		absent(f, d->source.at);
		return;
	}
	for (size_t i = 0; guest && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (str_is(guest->text, fixed[i])) {
			qemu_say(f, "qcow2", guest->text_at, r->root);
			return;
		}
	}
	if (f->state == FACT_ABSENT || (fact_known(f) && f->v.n == 0)) {
		qemu_say(f, "qcow2", d->source.at, r->root);
		f->lens = lens;
	}
}

static void read_disks(struct reading *r, struct vm *vm, struct disk *disks)
{
	struct disk *d = disks;

	vm->disks = disks;
	lens_read(disk_lenses, sizeof(disk_lenses) / sizeof(disk_lenses[0]), r->root, d);
	if (is_given(&d->source)) {
		imply(r, d, vm);
		read_format(r, d);
		qemu_say(&d->device, "disk", d->source.at, r->root);
		unknown(&d->bus, d->source.at);
		qemu_say(&d->cache, "writeback", d->source.at, r->root);
		qemu_say(&d->io, "threads", d->source.at, r->root);
		qemu_say(&d->discard, "unmap", d->source.at, r->root);
		vm->ndisks++;
	}
	for (size_t i = 0; i < NMEDIA; i++) {
		d = &disks[vm->ndisks];
		*d = (struct disk){ 0 };
		lens_read(&media[i].source, 1, r->root, d);
		if (!is_given(&d->source))
			continue;
		imply(r, d, vm);
		qemu_say(&d->device, media[i].device, d->source.at, r->root);
		unknown(&d->bus, d->source.at);
		if (media[i].bus)
			qemu_say(&d->bus, media[i].bus, d->source.at, r->root);
		absent(&d->format, d->source.at);
		if (media[i].format)
			qemu_say(&d->format, media[i].format, d->source.at, r->root);
		vm->ndisks++;
	}
}

/* ---- extra_args ---- */

/* The words of the last extra_args, which Quickemu does not quote: blanks part them. */
static const struct word *extra_args(const struct reading *r)
{
	const struct word *w = NULL;

	for (size_t i = 0; i < r->s.assigns.n; i++) {
		const struct shell_assign *as = &r->s.assigns.v[i];

		if (!str_is(as->name, "extra_args"))
			continue;
		if (as->array || as->append || as->sometimes)
			return NULL;
		w = &r->s.words.v[as->from];
	}
	return w && w->text.n > 0 ? w : NULL;
}

/* ---- the VM ---- */

static bool read_vms(struct reading *r)
{
	struct vm *vm = arena_try_new(r->a, struct vm);
	struct disk *disks = arena_try_array(r->a, NMEDIA + 2, struct disk);
	struct qemu_args args = qemu_args_in(r->u->text, r->a);
	const struct word *extra = extra_args(r);
	const struct node *guest;
	struct span at = r->root->open_at;

	if (!vm || !disks)
		return false;
	vm->flavour = FLAVOUR_QUICKEMU;
	vm->node = r->root;
	lens_read(vm_lenses, sizeof(vm_lenses) / sizeof(vm_lenses[0]), r->root, vm);
	/* What macOS starts with is Quickemu's business. */
	guest = node_child(r->root, "guest_os");
	if (guest && (guest->kind != NODE_SCALAR || str_is(guest->text, "macos")))
		vm->firmware.state = FACT_UNKNOWN;
	qemu_say(&vm->type, "kvm", at, r->root);
	unknown(&vm->machine, at);
	unknown(&vm->ioapic, at);
	unknown(&vm->irqchip, at);
	unknown(&vm->acpi, at);
	unknown(&vm->emulator, at);
	unknown(&vm->name, at); /* that of the file */
	absent(&vm->uuid, at);
	read_disks(r, vm, disks);
	if (extra)
		qemu_args_split(&args, extra, SPLIT_BLANKS);
	r->u->vms = vm;
	r->u->nvms = 1;
	return qemu_args_vm(&args, vm, r->u->host);
}

/* ---- the format ---- */

/* A line that begins with key=. */
static bool has_key(struct str s, struct str key)
{
	while (s.n > key.n) {
		const char *eol;

		if (s.p[0] == key.p[0] && memcmp(s.p, key.p, key.n) == 0)
			return true;
		eol = memchr(s.p, '\n', s.n);
		if (!eol)
			return false;
		s.n -= (size_t)(eol + 1 - s.p);
		s.p = eol + 1;
	}
	return false;
}

static bool probe_quickemu(struct view head, const struct source *s)
{
	struct str text = str_view(head), line = text;
	const char *eol = head.n ? memchr(head.p, '\n', head.n) : NULL;

	if (s->size > SHELL_SIZE_MAX || head.n == 0 || memchr(head.p, '\0', head.n))
		return false;
	line.n = eol ? (size_t)(eol - line.p) : line.n;
	if (str_starts(line, "#!") && !str_has(line, "quickemu") &&
	    !shell_has_shebang(head))
		return false;
	if (str_starts(line, "#!") && str_has(line, "quickemu"))
		return has_key(text, STR("guest_os=")) || has_key(text, STR("disk_img="));
	/* Quickemu itself has both as well, and functions. */
	return has_key(text, STR("guest_os=")) && has_key(text, STR("disk_img=")) &&
	       !str_has(text, "() {");
}

static int read_quickemu(struct unit *u, struct err *e)
{
	struct reading *r = arena_new(&u->arena, struct reading);

	r->u = u;
	r->a = &u->arena;
	if (unit_read_text(u, e) != 0)
		return -1;
	shell_read(&r->s, &u->src, u->text, wants_nothing, &u->arena);
	if (r->s.why) {
		u->skip_reason =
			arena_printf(&u->arena, "the file cannot be read: %s (line %zu)",
				     r->s.why, view_line(u->text, r->s.end.off));
		return 0;
	}
	if (!read_tree(r) || !read_vms(r))
		return err_set(e, ERR_LIMIT, "has more words than memory is allowed for");
	u->doc = r->root;
	return 0;
}

const struct format format_quickemu = {
	.name = "quickemu",
	.title = "Quickemu configuration",
	.kind = FORMAT_TEXT,
	.probe = probe_quickemu,
	.read = read_quickemu,
};
