/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/claim.h"
#include "analyze/config/node.h"
#include "analyze/config/packer.h"
#include "analyze/image/backing.h"
#include "analyze/media.h"
#include "analyze/unit.h"
#include "base/md5.h"
#include "base/banned.h"

enum { BLOCK = 1 << 10 }; /* bytes: most inputs need less */

/* ---- keys ---- */

struct claim_key claim_sum(struct str a, struct str b)
{
	uint8_t sum[MD5_SIZE];
	struct md5 m;
	struct view v = { sum, sizeof(sum) };

	md5_init(&m);
	md5_add(&m, str_bytes(a));
	md5_add(&m, str_bytes(STR("\n")));
	md5_add(&m, str_bytes(b));
	md5_sum(&m, sum);
	return (struct claim_key){ view_le64(v, 0), view_le64(v, 8) };
}

static bool same_key(struct claim_key a, struct claim_key b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static struct claim_key file_key(const struct stat *st)
{
	return (struct claim_key){ (uint64_t)st->st_dev, (uint64_t)st->st_ino };
}

/* "6f1e...-..." in any case, with or without dashes. */
static bool read_uuid(struct str s, struct claim_key *out)
{
	uint64_t half[2] = { 0, 0 };
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
							: 16;

		if (c == '-')
			continue;
		if (digit > 15 || n == 32)
			return false;
		half[n / 16] = half[n / 16] << 4 | digit;
		n++;
	}
	*out = (struct claim_key){ half[0], half[1] };
	return n == 32 && (half[0] || half[1]);
}

/* ---- adding ---- */

struct claim *claim_add(struct claims *c, struct claimant *by, enum claim_kind kind,
			struct span at, struct str what)
{
	struct claim *claim, **slot;

	if (c->v.n >= CLAIMS_MAX) {
		c->full = true;
		return NULL;
	}
	claim = arena_new(&c->arena, struct claim);
	*claim = (struct claim){ .kind = kind, .at = at, .by = by, .what = what };
	slot = vec_add(&c->v, &c->arena);
	*slot = claim;
	return claim;
}

static struct claimant *add_claimant(struct claims *c, size_t input)
{
	struct claimant *by = arena_new(&c->arena, struct claimant);

	by->input = (uint32_t)input;
	by->index = (uint32_t)c->nclaimants++;
	return by;
}

static void set_name(struct claims *c, struct claimant *by, struct str name)
{
	const char *shown = str_shown(&c->arena, name);
	size_t n = strlen(shown);

	by->named = true;
	by->name = claim_sum(STR("name"), name);
	if (n >= CLAIMANT_NAME) {
		n = CLAIMANT_NAME - 4;
		while (n > 0 && ((unsigned char)shown[n] & 0xc0) == 0x80)
			n--;
		memcpy(by->shown + n, "...", 3);
	}
	memcpy(by->shown, shown, n);
}

/* ---- where VMs are kept ---- */

static struct str last_part(struct str path)
{
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return (struct str){ path.p + at, path.n - at };
}

static struct str folder_part(struct str path)
{
	size_t n = path.n - last_part(path).n;

	while (n > 0 && path.p[n - 1] == '/')
		n--;
	return (struct str){ path.p, n };
}

static struct str stem_of(struct str name)
{
	for (size_t i = name.n; i > 1; i--) {
		if (name.p[i - 1] == '.')
			return (struct str){ name.p, i - 1 };
	}
	return name;
}

/* "web", "vm-web", "qemu@web". */
static bool is_called(struct str stem, struct str name)
{
	if (name.n == 0 || stem.n < name.n)
		return false;
	if (memcmp(stem.p + stem.n - name.n, name.p, name.n) != 0)
		return false;
	return stem.n == name.n || stem.p[stem.n - name.n - 1] == '-' ||
	       stem.p[stem.n - name.n - 1] == '@';
}

/* A bundle is a folder, and is what is kept. */
static struct str kept_as(const struct unit *u, const struct vm *vm)
{
	struct str path = str_of(u->src.path);

	return vm->flavour == FLAVOUR_UTM ? folder_part(path) : path;
}

static struct claim_key place_of(const struct unit *u, const struct vm *vm,
				 struct str name)
{
	struct str path = kept_as(u, vm);

	if (u->nvms == 1 && is_called(stem_of(last_part(path)), name))
		return claim_sum(STR("folder"), folder_part(path));
	return claim_sum(STR("file"), path);
}

/* ---- VMs ---- */

/* Quickemu calls a VM as its file is called. */
static struct str name_of(const struct unit *u, const struct vm *vm)
{
	if (vm->flavour == FLAVOUR_QUICKEMU)
		return stem_of(last_part(str_of(u->src.path)));
	return fact_known(&vm->name) ? vm->name.v : (struct str){ 0 };
}

/* [Install] of a unit. */
static bool is_installed(const struct unit *u)
{
	struct str text = str_view(u->text);

	return strcmp(u->format->name, "systemd") == 0 && str_has(text, "\n[Install]") &&
	       (str_has(text, "\nWantedBy=") || str_has(text, "\nRequiredBy="));
}

static bool starts_itself(const struct unit *u, const struct vm *vm)
{
	const struct node *config, *start;

	if (vm->flavour != FLAVOUR_INCUS)
		return vm->flavour == FLAVOUR_QEMU && is_installed(u);
	config = node_child(vm->node, "config");
	start = config ? node_child(config, "boot.autostart") : NULL;
	return start && start->kind == NODE_SCALAR && str_is(start->text, "true");
}

static struct claimant *claim_vm(struct claims *c, const struct unit *u,
				 const struct vm *vm, size_t input)
{
	struct claimant *by = add_claimant(c, input);
	struct str name = name_of(u, vm);
	struct claim *claim;

	by->is_vm = true;
	by->flavour = vm->flavour;
	by->starts = starts_itself(u, vm);
	by->place = place_of(u, vm, name);
	if (name.n)
		set_name(c, by, name);
	by->has_uuid = fact_known(&vm->uuid) && read_uuid(vm->uuid.v, &by->uuid);
	/* Who else has UUIDs makes them himself, or does not look at them. */
	if (!by->has_uuid || vm->flavour != FLAVOUR_LIBVIRT)
		return by;
	claim = claim_add(c, by, CLAIM_UUID, vm->uuid.at, vm->uuid.v);
	if (claim)
		claim->key = (struct claim_key){ by->uuid.hi ^ by->place.hi,
						 by->uuid.lo ^ by->place.lo };
	return by;
}

/* ---- files ---- */

static bool is_written(const struct disk *d)
{
	return (fact_is(&d->device, "disk") || fact_is(&d->device, "lun") ||
		fact_absent(&d->device)) &&
	       fact_absent(&d->readonly) && fact_absent(&d->transient) &&
	       fact_absent(&d->shareable);
}

static bool is_read(const struct disk *d)
{
	return fact_is(&d->device, "cdrom") || fact_known(&d->readonly) ||
	       fact_known(&d->transient);
}

static struct claim_key link_key(const struct medium_link *l)
{
	return (struct claim_key){ (uint64_t)l->dev, (uint64_t)l->ino };
}

static void claim_disk(struct claims *c, struct claimant *by, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct claim *claim = claim_add(c, by, CLAIM_DISK, d->source.at, d->source.v);

	if (!claim)
		return;
	claim->key = file_key(&m->file.st);
	claim->flags = is_written(d) ? CLAIM_WRITES : is_read(d) ? CLAIM_READS : 0;
	if (fact_is(&d->locking, "off"))
		claim->flags |= CLAIM_UNLOCKED;
	for (size_t i = 0; i < m->nchain; i++) {
		if (!m->chain[i].opened)
			continue;
		claim = claim_add(c, by, CLAIM_BASE, d->source.at, d->source.v);
		if (!claim)
			return;
		claim->key = link_key(&m->chain[i]);
		claim->detail = file_key(&m->file.st);
	}
}

/* The variables of its firmware, which it writes to whenever it starts. */
static void claim_variables(struct claims *c, struct claimant *by, const struct vm *vm)
{
	const struct medium *m = vm->nvram_medium;
	struct claim *claim;

	if (!m || !fact_known(&vm->nvram) || vm->flavour == FLAVOUR_PACKER)
		return;
	claim = claim_add(c, by, CLAIM_DISK, vm->nvram.at, vm->nvram.v);
	if (!claim)
		return;
	claim->key = file_key(&m->file.st);
	claim->flags = CLAIM_WRITES | CLAIM_UNLOCKED | CLAIM_VARIABLES;
}

/* By its name alone: whether it is there or not, two variants of a VM have it in common. */
static void note_disk(struct claimant *by, const struct unit *u, const struct disk *d)
{
	struct str folder = STR("");
	struct claim_key sum;
	size_t i = 0;

	if (!fact_known(&d->source) || !is_written(d))
		return;
	if (!str_starts(d->source.v, "/"))
		folder = folder_part(str_of(u->src.path));
	sum = claim_sum(folder, d->source.v);
	while (i < CLAIMANT_DISKS - 1 && by->disk[i])
		i++;
	by->disk[i] = sum.hi | 1;
}

/* libvirt starts without it. */
static bool is_optional(const struct disk *d)
{
	const struct node *source = node_child(d->node, "source");

	return source && node_attr(source, "startupPolicy");
}

/* Was it looked for, in a folder that may be read? */
static void claim_place(struct claims *c, struct claimant *by, struct unit *u,
			const struct disk *d)
{
	bool missing = d->medium_why == media_not_there && fact_is(&d->device, "cdrom");
	const struct claim_key none = { 0 };
	struct claim *claim;
	struct str path;

	if (!u->src.reach || !fact_known(&d->source) || (!missing && !d->medium) ||
	    (missing && d->vm->flavour == FLAVOUR_LIBVIRT && is_optional(d)))
		return;
	path = str_of(reach_path(u->src.reach,
				 d->vm->folder ? arena_printf(&u->arena, "%s/%.*s",
							      d->vm->folder,
							      STR_ARG(d->source.v))
					       : arena_str(&u->arena, d->source.v),
				 &u->arena));
	claim = claim_add(c, by, missing ? CLAIM_MISSING : CLAIM_PRESENT, d->source.at,
			  d->source.v);
	if (!claim)
		return;
	claim->key = claim_sum(STR("folder"), folder_part(path));
	claim->detail = missing ? claim_sum(STR("path"), path) : none;
}

/* What Packer makes disks from it copies, or reads while it builds. */
static void claim_disks(struct claims *c, struct claimant *by, struct unit *u,
			const struct vm *vm)
{
	by->own_disk = by->own_disk || vm->flavour == FLAVOUR_INCUS ||
		       vm->flavour == FLAVOUR_UTM;
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		note_disk(by, u, d);
		if (!fact_known(&d->made_from))
			claim_place(c, by, u, d);
		if (d->medium && fact_known(&d->source) && !fact_known(&d->made_from))
			claim_disk(c, by, d);
	}
}

/* An image is an input itself. */
static void claim_bases(struct claims *c, const struct unit *u, size_t input)
{
	struct claimant *by;

	if (!u->backing)
		return;
	by = add_claimant(c, input);
	for (const struct backing *b = u->backing; b; b = b->backing) {
		struct claim *claim;

		if (b->file.fd < 0)
			continue;
		claim = claim_add(c, by, CLAIM_BASE, (struct span){ &u->src, 0, 0 },
				  str_of(u->src.path));
		if (!claim)
			return;
		claim->key = file_key(&b->file.st);
		claim->detail = file_key(&u->src.st);
	}
}

/* What a build of Packer's leaves behind, where an earlier one did. */
static void claim_output(struct claims *c, struct claimant *by, struct unit *u,
			 const struct builder *b)
{
	const struct node *dir = node_child(b->node, "output_directory");
	const struct medium *m;
	struct claim *claim;
	struct reach r;
	const char *why;

	if (!str_is(b->type, "qemu") || !u->host->media || u->src.fd < 0 || !dir ||
	    dir->kind != NODE_SCALAR || dir->text.n == 0 || !fact_known(&b->vm_name))
		return;
	r = u->src.reach ? *u->src.reach : reach_of(&u->src, u->host, &u->arena);
	if (!r.root)
		return;
	m = media_find(u->host->media, &r,
		       arena_printf(&u->arena, "%.*s/%.*s", STR_ARG(dir->text),
				    STR_ARG(b->vm_name.v)),
		       &why);
	claim = m ? claim_add(c, by, CLAIM_OUTPUT, dir->text_at, dir->text) : NULL;
	if (claim)
		claim->key = file_key(&m->file.st);
}

/* ---- all of it ---- */

static int by_place(const void *a, const void *b)
{
	const struct claim *x = *(struct claim *const *)a, *y = *(struct claim *const *)b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* Counted on the way from one to the next. */
static void set_lines(struct claims *c, const struct unit *u)
{
	uint64_t line = 1, off = 0;

	if (!unit_has_lines(u))
		return;
	for (size_t i = 0; i < c->v.n; i++) {
		struct claim *claim = c->v.v[i];

		for (; off < claim->at.off && off < u->text.n; off++)
			line += u->text.p[off] == '\n';
		claim->line = line;
	}
}

void claims_read(struct claims *c, struct unit *u, size_t input)
{
	*c = (struct claims){ 0 };
	arena_init(&c->arena, ARENA_BUDGET);
	c->arena.block = BLOCK;
	if (u->state != UNIT_READ)
		return;
	claim_bases(c, u, input);
	for (size_t i = 0; i < u->nvms; i++) {
		const struct vm *vm = &u->vms[i];
		struct claimant *by = claim_vm(c, u, vm, input);

		if (vm->flavour != FLAVOUR_PACKER)
			claim_disks(c, by, u, vm);
		if (vm->flavour != FLAVOUR_PACKER && vm->args)
			claim_disks(c, by, u, vm->args);
		claim_variables(c, by, vm);
		claims_read_host(c, u, i, by);
		if (vm->builder)
			claim_output(c, by, u, vm->builder);
	}
	vec_sort(&c->v, by_place);
	set_lines(c, u);
}

void claims_free(struct claims *c)
{
	arena_free(&c->arena);
	*c = (struct claims){ 0 };
}

static bool have_common(const uint64_t *a, const uint64_t *b, size_t n)
{
	for (size_t i = 0; i < n && a[i]; i++) {
		for (size_t k = 0; k < n && b[k]; k++) {
			if (a[i] == b[k])
				return true;
		}
	}
	return false;
}

static bool has_disk(const struct claimant *c)
{
	return c->own_disk || c->disk[0];
}

static bool is_about_file(enum claim_kind k)
{
	return k == CLAIM_DISK || k == CLAIM_BASE || k == CLAIM_OUTPUT;
}

bool claimants_differ(const struct claimant *a, const struct claimant *b,
		      enum claim_kind about)
{
	/* Of two commands of a script one may stand in place of the other, and those of a unit
	 * run one after the other. */
	if (a->input == b->input && a->flavour == FLAVOUR_QEMU)
		return false;
	if (!a->is_vm || !b->is_vm || !a->named || !b->named ||
	    same_key(a->name, b->name))
		return false;
	if (about != CLAIM_UUID && a->has_uuid && b->has_uuid &&
	    same_key(a->uuid, b->uuid))
		return false;
	if (about != CLAIM_MAC && have_common(a->mac, b->mac, CLAIMANT_MACS))
		return false;
	if (is_about_file(about))
		return true;
	return has_disk(a) && has_disk(b) &&
	       !have_common(a->disk, b->disk, CLAIMANT_DISKS);
}
