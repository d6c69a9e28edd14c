/* Directories of a volume: each is read once, breadth first, and what does not fit is noted.
 * ECMA-119, 6.8 and 9.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso_read.h"
#include "analyze/unit.h"
#include "base/utf16.h"
#include "base/vec.h"
#include "base/banned.h"

enum {
	FLAG_DIR = 2,
	NEAR = 512 << 10,  /* directories stand together: one read for most of them */
	WINDOW = 32 << 10, /* of those that do not */
	DIRS_MAX = 65536,
	SEEN = 4 * DIRS_MAX, /* slots */
	PATH_DEPTH = 64,
	DIR_MAX = 16 << 20, /* bytes of one */
};

static const uint32_t HASH = 2654435761u; /* 2^32 by the golden section */

struct record {
	struct view v; /* in the window: gone with the next read */
	uint64_t off;
	struct iso_pair extent, size;
	struct view name;
	bool dir;
};

struct walk {
	struct iso_reader *r;
	struct iso_volume *v;
	VEC(struct iso_dir) dirs;
	struct iso_flaw *flaw;
	struct str *root; /* v's */
	uint32_t *seen;   /* blocks of directories, plus one */
	struct view near;
	uint64_t near_off;
	uint8_t *window;
	uint64_t window_off;
	size_t window_n;
};

/* ---- bytes ---- */

/* A sector of a directory that goes on for `left` bytes. */
static struct view sector(struct walk *w, uint64_t off, uint64_t left)
{
	uint64_t size = w->r->img->size;
	size_t n;

	if (!range_within(off, ISO_SECTOR, size)) {
		w->r->tree.why = "it leads past the end of the image";
		return (struct view){ 0 };
	}
	if (off >= w->near_off && range_within(off - w->near_off, ISO_SECTOR, w->near.n))
		return view_cut(w->near, (size_t)(off - w->near_off), ISO_SECTOR);
	if (off < w->window_off ||
	    !range_within(off - w->window_off, ISO_SECTOR, w->window_n)) {
		/* The next one, perhaps: then others follow. */
		n = off == w->window_off + w->window_n
			    ? WINDOW
			    : (size_t)u64_min(WINDOW, u64_max(left, ISO_SECTOR));
		n = (size_t)u64_min(n, (size - off) / ISO_SECTOR * ISO_SECTOR);
		w->window_n = 0;
		if (!look_read(&w->r->tree, off, w->window, n))
			return (struct view){ 0 };
		w->window_off = off;
		w->window_n = n;
	}
	return view_cut((struct view){ w->window, w->window_n },
			(size_t)(off - w->window_off), ISO_SECTOR);
}

/* ---- records ---- */

/* The record at `at` of a sector, whose lengths are plausible; false: they are not. */
static bool record_read(const struct walk *w, struct view s, uint64_t off, size_t at,
			struct record *out)
{
	size_t n = view_u8(s, at), name;

	if (n < ISO_DR_MIN || !view_has(s, at, n))
		return false;
	name = view_u8(s, at + ISO_DR_NAME_LEN);
	if (name == 0 || ISO_DR_NAME + name > n)
		return false;
	*out = (struct record){ .v = view_cut(s, at, n), .off = off + at };
	out->extent = iso_pair_read(w->r, out->v, out->off, ISO_DR_EXTENT, 4);
	out->size = iso_pair_read(w->r, out->v, out->off, ISO_DR_SIZE, 4);
	out->name = view_cut(out->v, ISO_DR_NAME, name);
	out->dir = view_u8(out->v, ISO_DR_FLAGS) & FLAG_DIR;
	return true;
}

static struct span record_at(const struct walk *w, const struct record *x)
{
	return look_span(&w->r->look, x->off, x->v.n);
}

/* What Rock Ridge calls it: NM, without those that are continued elsewhere. */
static struct str rock_ridge_name(const struct record *x)
{
	size_t at = ISO_DR_NAME + x->name.n + (x->name.n % 2 == 0);

	for (unsigned i = 0; i < 32 && view_has(x->v, at, 4); i++) {
		size_t n = view_u8(x->v, at + 2);

		if (n < 4 || !view_has(x->v, at, n))
			break;
		if (view_eq(x->v, at, "NM", 2) && n > 5 && view_u8(x->v, at + 4) == 0)
			return str_view(view_cut(x->v, at + 5, n - 5));
		at += n;
	}
	return (struct str){ 0 };
}

static struct str name_of(const struct walk *w, const struct record *x)
{
	struct str s = rock_ridge_name(x);

	if (w->v->kind == ISO_JOLIET)
		s = utf16_text(w->r->a, x->name, true);
	else if (s.n == 0)
		s = str_view(x->name);
	while (s.n > 1 && w->v->kind != ISO_JOLIET && s.p[s.n - 1] == ' ')
		s.n--;
	if (s.n > 2 && s.p[s.n - 2] == ';')
		s.n -= 2;
	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

static const char *shown_name(const struct walk *w, const struct record *x)
{
	return str_shown(w->r->a, name_of(w, x));
}

static const char *path_of(const struct walk *w, uint32_t dir, const struct record *x)
{
	const char *path = x ? shown_name(w, x) : "";

	for (unsigned i = 0; dir != 0 && i < PATH_DEPTH; i++) {
		struct str s = w->dirs.v[dir].name;

		if (w->v->kind == ISO_JOLIET)
			s = utf16_text(w->r->a, str_bytes(s), true);
		path = arena_printf(w->r->a, "%s/%s", str_shown(w->r->a, s), path);
		dir = w->dirs.v[dir].parent;
	}
	return arena_printf(w->r->a, "/%s", path);
}

/* ---- what is wrong ---- */

static struct iso_flaw *flaw(struct walk *w, enum iso_flaw_kind kind, struct span at)
{
	struct iso_flaw *f;

	if (w->v->nflaws_all++ >= ISO_FLAWS_MAX)
		return NULL;
	f = &w->flaw[w->v->nflaws++];
	*f = (struct iso_flaw){ .kind = kind, .at = at };
	return f;
}

static void pair_flaw(struct walk *w, const struct iso_pair *p, uint32_t dir,
		      const struct record *x)
{
	struct iso_flaw *f;

	if (iso_pair_agrees(p))
		return;
	f = flaw(w, ISO_FLAW_PAIR, iso_pair_at(p));
	if (!f)
		return;
	f->pair = *p;
	f->path = path_of(w, dir, x);
}

/* ---- proofs ---- */

/* The first record of the directory at a block, when it leads to that block itself. */
static bool begins_there(struct walk *w, uint64_t lba, struct record *out)
{
	struct view s;
	uint64_t off;

	if (!u64_mul(lba, ISO_SECTOR, &off) ||
	    !range_within(off, ISO_SECTOR, w->r->img->size))
		return false;
	s = sector(w, off, ISO_SECTOR);
	return s.n && record_read(w, s, off, 0, out) && out->dir && out->name.n == 1 &&
	       out->name.p[0] == 0 &&
	       (out->extent.le.v == lba || out->extent.be.v == lba);
}

static bool was_seen(const struct walk *w, uint64_t lba)
{
	size_t i = ((uint32_t)lba * HASH) % SEEN;

	while (w->seen[i] && w->seen[i] != lba + 1)
		i = (i + 1) % SEEN;
	return w->seen[i] != 0;
}

/* Such a directory, and nobody else has led there. Only the root is in itself. */
static bool may_be_dir(struct walk *w, uint64_t lba, bool root)
{
	struct record self, parent;
	struct view s;

	if (!begins_there(w, lba, &self) || was_seen(w, lba))
		return false;
	s = sector(w, lba * ISO_SECTOR, ISO_SECTOR);
	return !root || (record_read(w, s, lba * ISO_SECTOR, self.v.n, &parent) &&
			 parent.extent.le.v == lba);
}

static void prove_dir(struct walk *w, struct iso_pair *extent, struct iso_pair *size)
{
	bool little, big, root = w->dirs.n == 0;
	struct record self;

	if (!iso_pair_agrees(extent)) {
		little = may_be_dir(w, extent->le.v, root);
		big = may_be_dir(w, extent->be.v, root);
		if (little != big)
			extent->proven = little ? ISO_LITTLE : ISO_BIG;
	}
	if (!iso_pair_agrees(size) && begins_there(w, iso_value(extent), &self) &&
	    iso_pair_agrees(&self.size)) {
		little = self.size.le.v == size->le.v;
		big = self.size.le.v == size->be.v;
		if (little != big)
			size->proven = little ? ISO_LITTLE : ISO_BIG;
	}
}

/* Behind this nothing can be: the end of the image, or of the volume if that is further. */
static uint64_t limit(const struct walk *w)
{
	uint64_t bytes;

	if (!u64_mul(iso_value(&w->v->space), ISO_SECTOR, &bytes))
		return UINT64_MAX;
	return u64_max(bytes, w->r->img->size);
}

static bool in_image(const struct walk *w, uint64_t lba, uint64_t n)
{
	return range_within(lba * ISO_SECTOR, n, limit(w));
}

/* Of a file: the one that lies in the image, or, of its place, that the catalog names. */
static void prove_file(struct walk *w, struct iso_pair *extent, struct iso_pair *size)
{
	bool little, big;

	if (!iso_pair_agrees(extent)) {
		little = in_image(w, extent->le.v, size->le.v);
		big = in_image(w, extent->be.v, size->le.v);
		for (size_t i = 0; little && big && i < w->r->nentries; i++) {
			uint64_t lba = w->r->entry[i].lba.v;

			if ((extent->le.v == lba) == (extent->be.v == lba))
				continue;
			little = extent->le.v == lba;
			big = !little;
		}
		if (little != big)
			extent->proven = little ? ISO_LITTLE : ISO_BIG;
	}
	if (!iso_pair_agrees(size)) {
		little = in_image(w, iso_value(extent), size->le.v);
		big = in_image(w, iso_value(extent), size->be.v);
		if (little != big)
			size->proven = little ? ISO_LITTLE : ISO_BIG;
	}
}

/* ---- the walk ---- */

/* False: it was there before. */
static bool is_new(struct walk *w, uint32_t lba)
{
	size_t i = (lba * HASH) % SEEN;

	while (w->seen[i] && w->seen[i] != lba + 1)
		i = (i + 1) % SEEN;
	if (w->seen[i])
		return false;
	w->seen[i] = lba + 1;
	return true;
}

static void add_dir(struct walk *w, uint32_t parent, struct record *x)
{
	uint64_t lba = iso_value(&x->extent) + view_u8(x->v, 1);
	struct iso_dir *d;
	struct iso_flaw *f;

	if (lba >= UINT32_MAX || !is_new(w, (uint32_t)lba)) {
		f = flaw(w, ISO_FLAW_LOOP, record_at(w, x));
		if (f) {
			f->path = path_of(w, parent, x);
			f->expected = lba;
		}
		w->v->why = "two directories are at one place";
		return;
	}
	if (w->dirs.n == DIRS_MAX) {
		w->v->why = "it has more directories than are looked at";
		w->v->bounded = true;
		return;
	}
	d = vec_add(&w->dirs, w->r->a);
	*d = (struct iso_dir){ .lba = (uint32_t)lba,
			       .size = (uint32_t)iso_value(&x->size),
			       .parent = parent,
			       .at = record_at(w, x) };
	d->name = str_view(arena_copy(w->r->a, x->name));
}

/* Is it one that the catalog starts? */
static void name_image(struct walk *w, uint32_t dir, const struct record *x)
{
	struct iso_reader *r = w->r;

	for (size_t i = 0; w->v->kind == ISO_PRIMARY && i < r->nentries; i++) {
		struct iso_boot_entry *b = &r->entry[i];

		if (!b->path && b->lba.v > iso_value(&x->extent) &&
		    b->lba.v - iso_value(&x->extent) <
			    div_up(iso_value(&x->size), ISO_SECTOR)) {
			b->inside = path_of(w, dir, x);
			b->inside_lba = iso_value(&x->extent);
		}
		if (b->path || iso_value(&x->extent) != b->lba.v || x->size.le.v == 0)
			continue;
		b->path = path_of(w, dir, x);
		b->record = record_at(w, x);
		b->file_size = iso_value(&x->size);
	}
}

static void add_maybe(struct iso_reader *r, uint32_t lba)
{
	if (r->nmaybe < ISO_MAYBE_MAX)
		r->maybe[r->nmaybe] = lba;
	r->nmaybe++;
}

static void note_root(struct walk *w, uint32_t dir, const struct record *x)
{
	struct str name;

	if (dir != 0 || w->v->nroot == ISO_ROOT_MAX)
		return;
	name = name_of(w, x);
	w->root[w->v->nroot++] = str_of(arena_str(w->r->a, name));
}

static void add_record(struct walk *w, uint32_t dir, struct record *x)
{
	struct iso_flaw *f;
	uint64_t lba, n;

	note_root(w, dir, x);

	/* The record is gone with the next sector that is read, so names come first. */
	if (!iso_pair_agrees(&x->extent) || !iso_pair_agrees(&x->size)) {
		x->v = arena_copy(w->r->a, x->v);
		x->name = view_cut(x->v, ISO_DR_NAME, x->name.n);
		if (x->dir)
			prove_dir(w, &x->extent, &x->size);
		else
			prove_file(w, &x->extent, &x->size);
		pair_flaw(w, &x->extent, dir, x);
		pair_flaw(w, &x->size, dir, x);
	}
	lba = iso_value(&x->extent);
	n = iso_value(&x->size);
	if (n || x->dir)
		w->v->reach = u64_max(w->v->reach, lba * ISO_SECTOR + n);
	if (!in_image(w, lba, n) && (n || x->dir)) {
		f = flaw(w, ISO_FLAW_OUTSIDE, record_at(w, x));
		if (f) {
			f->path = path_of(w, dir, x);
			f->pair = x->extent;
			f->expected = n;
		}
		if (x->dir)
			w->v->why = "a directory is not in the image";
		return;
	}
	if (range_within(lba * ISO_SECTOR, n, w->r->img->size))
		w->v->end = u64_max(w->v->end, lba * ISO_SECTOR + n);
	if (x->dir) {
		add_dir(w, dir, x);
		return;
	}
	w->v->nfiles++;
	iso_use_add(w->r, lba, n);
	name_image(w, dir, x);
	if (w->v->kind == ISO_PRIMARY && n >= 2 * ISO_CATALOG_ENTRY &&
	    n <= ISO_CATALOG_SECTORS * ISO_SECTOR && w->r->nentries == 0)
		add_maybe(w->r, (uint32_t)lba);
}

/* "." and "..". */
static void check_own(struct walk *w, uint32_t dir, struct record *x, bool parent)
{
	const struct iso_dir *d = &w->dirs.v[dir];
	uint32_t lba = parent ? w->dirs.v[d->parent].lba : d->lba;
	struct iso_pair *extent = &x->extent;
	struct record other;
	struct iso_flaw *f;

	if (!iso_pair_agrees(extent) && (extent->le.v == lba) != (extent->be.v == lba))
		extent->proven = extent->le.v == lba ? ISO_LITTLE : ISO_BIG;
	if (!iso_pair_agrees(&x->size) && !parent &&
	    (x->size.le.v == d->size) != (x->size.be.v == d->size))
		x->size.proven = x->size.le.v == d->size ? ISO_LITTLE : ISO_BIG;
	pair_flaw(w, extent, dir, NULL);
	pair_flaw(w, &x->size, dir, NULL);
	if (iso_value(extent) == lba || extent->be.v == lba)
		return;
	/* So xorriso writes it where nobody reads it. */
	if (parent && w->v->kind == ISO_JOLIET && iso_value(extent) == d->lba)
		return;
	f = flaw(w, parent ? ISO_FLAW_PARENT : ISO_FLAW_SELF, iso_pair_at(extent));
	if (f) {
		f->pair = *extent;
		f->path = path_of(w, dir, NULL);
		f->expected = lba;
		f->doubt = !parent && begins_there(w, iso_value(extent), &other);
	}
}

/* The first two entries must be these; false: it is no directory. */
static bool first_entries(struct walk *w, uint32_t dir, struct record *x, unsigned n)
{
	struct iso_flaw *f;

	if (x->name.n == 1 && x->name.p[0] == n) {
		check_own(w, dir, x, n == 1);
		return true;
	}
	f = flaw(w, n ? ISO_FLAW_PARENT : ISO_FLAW_SELF, record_at(w, x));
	if (f) {
		f->path = path_of(w, dir, NULL);
		f->pair = x->extent;
		f->expected = w->dirs.v[dir].lba;
	}
	if (n == 0)
		return false;
	add_record(w, dir, x);
	return true;
}

/* *n: entries so far, up to two. False: nothing more of it is to be read. */
static bool walk_sector(struct walk *w, uint32_t dir, uint64_t off, uint64_t left,
			unsigned *n)
{
	for (size_t at = 0; at < ISO_SECTOR;) {
		/* Read anew: a proof may have had to look elsewhere. */
		struct view s = sector(w, off, left);
		struct iso_flaw *f;
		struct record x;
		size_t len;

		if (s.n == 0 || view_u8(s, at) == 0)
			return true;
		if (!record_read(w, s, off, at, &x)) {
			f = flaw(w, ISO_FLAW_RECORD, look_span(&w->r->look, off + at, 1));
			if (f)
				f->path = path_of(w, dir, NULL);
			w->v->why = "a directory is damaged";
			*n = 2;
			return true;
		}
		len = x.v.n;
		if (*n >= 2)
			add_record(w, dir, &x);
		else if (!first_entries(w, dir, &x, *n)) {
			w->v->why = "a directory is not what it should be";
			*n = 2;
			return false;
		}
		*n += *n < 2;
		at += len;
	}
	return true;
}

/* There is not one entry where it should be. */
static void no_dir(struct walk *w, uint32_t dir)
{
	struct iso_flaw *f = flaw(w, ISO_FLAW_SELF, w->dirs.v[dir].at);

	if (f) {
		f->path = path_of(w, dir, NULL);
		f->expected = w->dirs.v[dir].lba;
	}
	w->v->why = "a directory is not what it should be";
}

static void walk_dir(struct walk *w, uint32_t dir)
{
	uint64_t off = (uint64_t)w->dirs.v[dir].lba * ISO_SECTOR;
	uint64_t size = u64_min(w->dirs.v[dir].size, DIR_MAX);
	unsigned n = 0;

	for (uint64_t at = 0; at < size; at += ISO_SECTOR) {
		if (sector(w, off + at, size - at).n == 0) {
			w->v->why = w->r->tree.why;
			w->v->bounded |=
				range_within(off + at, ISO_SECTOR, w->r->img->size);
			return;
		}
		if (!walk_sector(w, dir, off + at, size - at, &n) || w->r->tree.broken)
			return;
		if (n == 0) {
			no_dir(w, dir);
			return;
		}
	}
	w->v->nread++;
}

static void read_near(struct walk *w)
{
	uint64_t off = w->dirs.v[0].lba * (uint64_t)ISO_SECTOR, size = w->r->img->size;
	size_t n = off < size ? (size_t)u64_min(NEAR, size - off) : 0;
	uint8_t *p = n ? arena_try(w->r->a, n, 1) : NULL;

	w->near_off = off;
	if (p && look_read(&w->r->tree, off, p, n))
		w->near = (struct view){ p, n };
}

/* The root; and, unless the image is only one that a config names, all that is below. */
static void walk_all(struct walk *w)
{
	bool shallow = w->r->img->unit->host->shallow;

	if (!shallow)
		read_near(w);
	walk_dir(w, 0);
	w->v->root_read = !w->v->why && !w->v->nflaws_all && !w->r->tree.broken;
	for (uint32_t i = 1;
	     !shallow && i < w->dirs.n && !w->r->tree.broken && !w->v->bounded; i++)
		walk_dir(w, i);
	if (shallow && !w->v->why && w->dirs.n > 1)
		w->v->why = "only its root was read";
}

void iso_tree_read(struct iso_reader *r, struct iso_volume *v)
{
	struct walk *w = arena_new(r->a, struct walk);
	struct iso_dir *root;

	*w = (struct walk){ .r = r, .v = v };
	w->flaw = arena_array(r->a, ISO_FLAWS_MAX, struct iso_flaw);
	w->seen = arena_array(r->a, SEEN, uint32_t);
	w->window = arena_array(r->a, WINDOW, uint8_t);
	v->flaw = w->flaw;
	w->root = arena_array(r->a, ISO_ROOT_MAX, struct str);
	v->root = w->root;
	prove_dir(w, &v->root_extent, &v->root_size);
	root = vec_add(&w->dirs, r->a);
	*root = (struct iso_dir){ .lba = (uint32_t)iso_value(&v->root_extent),
				  .size = (uint32_t)iso_value(&v->root_size),
				  .at = look_span(&r->look, v->at.off + ISO_VD_ROOT,
						  ISO_DR_MIN),
				  .name = { "", 1 } };
	if (in_image(w, root->lba, root->size)) {
		is_new(w, root->lba);
		walk_all(w);
	} else {
		struct iso_flaw *f = flaw(w, ISO_FLAW_OUTSIDE, root->at);

		if (f) {
			f->path = "/";
			f->pair = v->root_extent;
			f->expected = root->size;
		}
		v->why = "its root directory is not in the image";
	}
	/* Where another record leads, that one is right. */
	for (size_t i = 0; i < v->nflaws; i++)
		w->flaw[i].doubt =
			w->flaw[i].doubt && !was_seen(w, iso_value(&w->flaw[i].pair));
	v->dir = w->dirs.v;
	v->ndirs = w->dirs.n;
	v->complete = !v->why;
}
