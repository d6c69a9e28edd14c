/* Directories and files of a FAT volume.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/fat.h"
#include "base/utf16.h"
#include "base/vec.h"
#include "base/banned.h"

enum {
	DIR_NAME = 0, /* 11 bytes; of a long name its number */
	DIR_ATTRIBUTES = 11,
	DIR_CASE = 12, /* 8: the name is in small letters, 16: its ending is */
	DIR_CLUSTER_HIGH = 20,
	DIR_CLUSTER = 26,
	DIR_SIZE = 28,
	DIR_ENTRY = 32,
	LONG_CHECKSUM = 13,
	LONG_CLUSTER = 26, /* u16: 0 */

	DELETED = 0xe5,
	ATTRIBUTE_LABEL = 0x08,
	ATTRIBUTE_DIRECTORY = 0x10,
	ATTRIBUTE_LONG = 0x0f,

	LONG_LAST = 0x40,
	LONG_MAX = 20, /* entries */
	LONG_UNITS = 13,
	SHORT_NAME = 11,
	SHORT_BASE = 8,
};

/* ---- chains ---- */

/* A chain as it is followed: Brent's algorithm sees when it comes back to itself. */
struct chain {
	struct fat *fat;
	uint32_t at; /* 0: it has ended */
	uint32_t mark;
	uint64_t steps, lap;
};

static bool chain_start(struct chain *c, struct fat *f, uint32_t cluster)
{
	uint64_t off;

	*c = (struct chain){ .fat = f, .at = cluster, .mark = cluster, .lap = 1 };
	if (fat_cluster_at(f, cluster, &off))
		return true;
	f->look->why = "it begins with a cluster that there is not";
	return false;
}

static bool chain_step(struct chain *c)
{
	uint32_t next;

	if (!fat_next(c->fat, c->at, &next))
		return false;
	if (next == c->mark) {
		c->fat->look->why = "its chain of clusters is a circle";
		return false;
	}
	if (++c->steps == c->lap) {
		c->mark = next;
		c->lap *= 2;
		c->steps = 0;
	}
	c->at = next;
	return true;
}

/* The clusters that follow each other on the disk, up to `most` bytes of them, and goes on to
 * what is behind. False: the chain breaks after them. */
static bool chain_run(struct chain *c, uint64_t most, uint64_t *off, uint64_t *len)
{
	uint32_t last;

	BUG_ON(!fat_cluster_at(c->fat, c->at, off));
	*len = 0;
	do {
		last = c->at;
		*len += c->fat->cluster_size;
		if (!chain_step(c))
			return false;
	} while (c->at == last + 1 && *len < most);
	return true;
}

/* ---- names ---- */

static uint8_t short_sum(struct view entry)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SHORT_NAME; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + view_u8(entry, i));
	return sum;
}

static char short_char(uint8_t c, bool small)
{
	if (small && c >= 'A' && c <= 'Z')
		return (char)(c + 'a' - 'A');
	/* In a code page that nobody knows. */
	return c >= 0x20 && c < 0x7f ? (char)c : '?';
}

static void short_name(struct view entry, char out[13])
{
	uint8_t flags = view_u8(entry, DIR_CASE);
	size_t n = 0, base = SHORT_BASE, end = SHORT_NAME;

	while (base > 0 && view_u8(entry, base - 1) == ' ')
		base--;
	while (end > SHORT_BASE && view_u8(entry, end - 1) == ' ')
		end--;
	for (size_t i = 0; i < base; i++)
		out[n++] = short_char(view_u8(entry, i), flags & 8);
	if (end > SHORT_BASE)
		out[n++] = '.';
	for (size_t i = SHORT_BASE; i < end; i++)
		out[n++] = short_char(view_u8(entry, i), flags & 16);
	out[n] = '\0';
}

static bool long_part(struct view e, uint8_t sum, unsigned number)
{
	return view_u8(e, DIR_ATTRIBUTES) == ATTRIBUTE_LONG &&
	       view_le16(e, LONG_CLUSTER) == 0 && view_u8(e, LONG_CHECKSUM) == sum &&
	       (view_u8(e, DIR_NAME) & ~LONG_LAST) == (int)number;
}

static void long_units(struct view e, uint8_t *out)
{
	memcpy(out, e.p + 1, 10);
	memcpy(out + 10, e.p + 14, 12);
	memcpy(out + 22, e.p + 28, 4);
}

/* The long name that ends right before entry i, if there is one that belongs to it. */
static struct str long_name(struct view dir, size_t i, struct arena *a)
{
	uint8_t units[LONG_MAX * LONG_UNITS * 2];
	uint8_t sum = short_sum(view_cut(dir, i * DIR_ENTRY, DIR_ENTRY));

	for (unsigned n = 1; n <= LONG_MAX && n <= i; n++) {
		struct view e = view_cut(dir, (i - n) * DIR_ENTRY, DIR_ENTRY);

		if (!long_part(e, sum, n))
			break;
		long_units(e, units + (n - 1) * LONG_UNITS * 2);
		if (view_u8(e, DIR_NAME) & LONG_LAST)
			return utf16_text(a, (struct view){ units, n * LONG_UNITS * 2 },
					  false);
	}
	return (struct str){ 0 };
}

/* ---- directories ---- */

/* A directory as it is read: its bytes, and where each run of them is. */
struct slots {
	struct arena *a;
	uint8_t *bytes; /* FAT_DIR_MAX of them */
	size_t n;
	VEC(struct slot_run) run;
	bool ended; /* by an entry that says so */
	const char *why;
};

struct slot_run {
	size_t at;    /* in bytes */
	uint64_t off; /* in the image */
};

static void slots_read(struct slots *s, struct fat *f, uint64_t off, uint64_t len)
{
	size_t n = (size_t)u64_min(len, FAT_DIR_MAX - s->n);

	if (!fat_look(f, off, s->bytes + s->n, n)) {
		s->why = f->look->why;
		return;
	}
	*vec_add(&s->run, s->a) = (struct slot_run){ .at = s->n, .off = off };
	for (size_t i = 0; i < n && !s->ended; i += DIR_ENTRY) {
		s->ended = s->bytes[s->n] == 0;
		s->n += s->ended ? 0 : DIR_ENTRY;
	}
	if (n < len && !s->ended)
		s->why = "there are more entries in it than are looked at";
}

static void slots_follow(struct slots *s, struct fat *f, uint32_t cluster)
{
	struct chain c;
	bool whole = chain_start(&c, f, cluster);
	uint64_t off, len;

	while (whole && c.at != 0 && !s->ended && !s->why) {
		const char *why;

		whole = chain_run(&c, FAT_DIR_MAX / 2, &off, &len);
		why = f->look->why;
		slots_read(s, f, off, len);
		if (!whole && !s->ended && !s->why)
			s->why = why;
		else if (c.at != 0 && s->n == FAT_DIR_MAX && !s->why)
			s->why = "there are more entries in it than are looked at";
	}
	if (!whole && s->n == 0 && !s->ended && !s->why)
		s->why = f->look->why;
}

static struct span slot_at(const struct slots *s, const struct look *l, size_t at)
{
	size_t i = s->run.n - 1;

	while (s->run.v[i].at > at)
		i--;
	return look_span(l, s->run.v[i].off + (at - s->run.v[i].at), DIR_ENTRY);
}

static struct fat_file decode(const struct fat *f, struct view v, size_t i,
			      struct arena *a)
{
	struct view e = view_cut(v, i * DIR_ENTRY, DIR_ENTRY);
	struct fat_file file = {
		.dir = view_u8(e, DIR_ATTRIBUTES) & ATTRIBUTE_DIRECTORY,
		.cluster = view_le16(e, DIR_CLUSTER),
		.size = view_le32(e, DIR_SIZE),
	};

	if (f->bits == 32)
		file.cluster |= (uint32_t)view_le16(e, DIR_CLUSTER_HIGH) << 16;
	short_name(e, file.alias);
	file.name = long_name(v, i, a);
	if (file.name.n == 0)
		file.name = str_of(arena_str(a, str_of(file.alias)));
	return file;
}

static bool is_file(struct view e)
{
	uint8_t first = view_u8(e, DIR_NAME);

	return first != DELETED && first != '.' &&
	       !(view_u8(e, DIR_ATTRIBUTES) & ATTRIBUTE_LABEL);
}

void fat_list(struct fat *f, const struct fat_file *dir, struct arena *a,
	      struct fat_dir *out)
{
	struct slots s = { .a = a, .bytes = arena_array(a, FAT_DIR_MAX, uint8_t) };
	VEC(struct fat_file) files = { 0 };
	struct view v;

	if (dir)
		slots_follow(&s, f, dir->cluster);
	else if (f->bits == 32)
		slots_follow(&s, f, f->root_cluster);
	else
		slots_read(&s, f, f->root, f->root_size);
	v = (struct view){ s.bytes, s.n };
	for (size_t i = 0; i < s.n / DIR_ENTRY; i++) {
		struct fat_file *file;

		if (!is_file(view_cut(v, i * DIR_ENTRY, DIR_ENTRY)))
			continue;
		file = vec_add(&files, a);
		*file = decode(f, v, i, a);
		file->at = slot_at(&s, f->look, i * DIR_ENTRY);
	}
	*out = (struct fat_dir){ .file = files.v, .n = files.n, .why = s.why };
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c + 'A' - 'a') : c;
}

static bool same_name(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (upper(a.p[i]) != upper(b.p[i]))
			return false;
	}
	return true;
}

const struct fat_file *fat_find(const struct fat_dir *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct fat_file *file = &d->file[i];

		if (same_name(file->name, str_of(name)) ||
		    same_name(str_of(file->alias), str_of(name)))
			return file;
	}
	return NULL;
}

bool fat_name_ends(const struct fat_file *f, const char *ending)
{
	size_t n = strlen(ending);

	return f->name.n >= n &&
	       same_name((struct str){ f->name.p + f->name.n - n, n }, str_of(ending));
}

/* ---- files ---- */

bool fat_file_read(struct fat *f, const struct fat_file *file, uint64_t off, void *buf,
		   size_t n)
{
	uint8_t *out = buf;
	struct chain c;

	if (!range_within(off, n, u64_min(file->size, FAT_FILE_MAX))) {
		f->look->why = "it is further into the file than is looked";
		return false;
	}
	if (!chain_start(&c, f, file->cluster))
		return false;
	for (; off >= f->cluster_size; off -= f->cluster_size) {
		if (!chain_step(&c) || c.at == 0)
			goto cut;
	}
	while (n > 0) {
		uint64_t from, len, piece;
		bool whole;

		if (c.at == 0)
			goto cut;
		whole = chain_run(&c, off + n, &from, &len);
		piece = u64_min(n, len - off);
		if (!whole && piece < n)
			return false;
		if (!fat_look(f, from + off, out, (size_t)piece))
			return false;
		out += piece;
		n -= (size_t)piece;
		off = 0;
	}
	return true;
cut:
	if (c.at == 0)
		f->look->why = "it has fewer clusters than its size needs";
	return false;
}
