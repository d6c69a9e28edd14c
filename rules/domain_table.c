/* The walk over a domain with what libvirt reads of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_table.h"
#include "analyze/config/lens.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct domain_value values[] = {
#define DOMAIN_WORDS(path, attribute, when, words)                                       \
	{ (path), (attribute), (when), VALUE_WORDS, (words), 0, 0, 0 },
#define DOMAIN_YESNO(path, attribute, when)                                              \
	{ (path), (attribute), (when), VALUE_YESNO, "yes no", 0, 0, 0 },
#define DOMAIN_ONOFF(path, attribute, when)                                              \
	{ (path), (attribute), (when), VALUE_ONOFF, "on off", 0, 0, 0 },
#define DOMAIN_NUMBER(path, attribute, when, base, least, most)                          \
	{ (path), (attribute), (when), VALUE_NUMBER, NULL, (base), (least), (most) },
#define DOMAIN_SIZE(path, attribute, when)                                               \
	{ (path), (attribute), (when), VALUE_SIZE, NULL, 10, 0, UINT64_MAX },
#define DOMAIN_UUID(path, attribute, when)                                               \
	{ (path), (attribute), (when), VALUE_UUID, NULL, 0, 0, 0 },
#define DOMAIN_MAC(path, attribute, when)                                                \
	{ (path), (attribute), (when), VALUE_MAC, NULL, 0, 0, 0 },
#define DOMAIN_CPUSET(path, attribute, when, empty)                                      \
	{ (path), (attribute), (when), VALUE_CPUSET, NULL, 0, 0, (empty) ? 1 : 0 },
#define DOMAIN_REQUIRED(path, attribute, when)                                           \
	{ (path), (attribute), (when), VALUE_REQUIRED, NULL, 0, 0, 0 },
#include "rules/domain_values.def"
#undef DOMAIN_WORDS
#undef DOMAIN_YESNO
#undef DOMAIN_ONOFF
#undef DOMAIN_NUMBER
#undef DOMAIN_SIZE
#undef DOMAIN_UUID
#undef DOMAIN_MAC
#undef DOMAIN_CPUSET
#undef DOMAIN_REQUIRED
};

static const struct domain_names names[] = {
#define DOMAIN_NAMES(path, attributes, children) { (path), (attributes), (children) },
#include "rules/domain_names.def"
#undef DOMAIN_NAMES
};

/* Elements that are made of the same as another one. */
static const struct domain_alias {
	const char *path, *is;
} aliases[] = {
	{ "devices/channel/log", "chardev/log" },
	{ "devices/channel/protocol", "chardev/protocol" },
	{ "devices/channel/source", "chardev/source" },
	{ "devices/console/log", "chardev/log" },
	{ "devices/console/protocol", "chardev/protocol" },
	{ "devices/console/source", "chardev/source" },
	{ "devices/disk/backingStore/backingStore", "devices/disk/backingStore" },
	{ "devices/disk/backingStore/source", "devices/disk/source" },
	{ "devices/disk/mirror/backingStore", "devices/disk/backingStore" },
	{ "devices/disk/mirror/source", "devices/disk/source" },
	{ "devices/disk/source/dataStore/source", "devices/disk/source" },
	{ "devices/parallel/log", "chardev/log" },
	{ "devices/parallel/protocol", "chardev/protocol" },
	{ "devices/parallel/source", "chardev/source" },
	{ "devices/redirdev/log", "chardev/log" },
	{ "devices/redirdev/protocol", "chardev/protocol" },
	{ "devices/redirdev/source", "chardev/source" },
	{ "devices/rng/backend/log", "chardev/log" },
	{ "devices/rng/backend/protocol", "chardev/protocol" },
	{ "devices/rng/backend/source", "chardev/source" },
	{ "devices/serial/log", "chardev/log" },
	{ "devices/serial/protocol", "chardev/protocol" },
	{ "devices/serial/source", "chardev/source" },
	{ "devices/smartcard/log", "chardev/log" },
	{ "devices/smartcard/protocol", "chardev/protocol" },
	{ "devices/smartcard/source", "chardev/source" },
	{ "devices/tpm/backend/source", "chardev/source" },
	{ "os/nvram/source", "devices/disk/source" },
};

enum {
	TABLES = 3, /* values, names, aliases */
	DEPTH_MAX = 64,
};

/* Each is sorted by path, which is its rows' first member. */
static const struct table {
	const void *rows;
	size_t size, n;
} tables[TABLES] = {
#define TABLE(t)                                                                         \
	{                                                                                \
		(t), sizeof((t)[0]), sizeof(t) / sizeof((t)[0])                          \
	}
	TABLE(values),
	TABLE(names),
	TABLE(aliases),
#undef TABLE
};
enum { VALUES, NAMES, ALIASES };

/* ---- paths ---- */

/* The rows of each table whose paths begin with the same elements, which are `n` bytes. */
struct rows {
	size_t n;
	struct {
		size_t first, end;
	} of[TABLES];
};

/* An element, as the tables name it: by its path, and with a star for the device or for one
 * of its like ("devices/" and "features/hyperv/" with a star behind). */
enum { SPELLINGS_MAX = 4 };
struct spot {
	struct rows by[SPELLINGS_MAX];
	size_t n;                  /* 0: nothing is known of it, nor of what is in it */
	const struct node *anchor; /* the device, or the child of <domain> */
};

static const char *path_of(const struct table *t, size_t row)
{
	const char *const *path = (const void *)((const char *)t->rows + row * t->size);

	return *path;
}

/* The rows of exactly this path are the first ones; false: row i is of an element below. */
static bool is_own(const struct rows *r, size_t table, size_t i)
{
	return i < r->of[table].end && path_of(&tables[table], i)[r->n] == '\0';
}

/* How the element of the path that begins at `at` stands to key; the path may have ended
 * before. */
static int order_at(const char *path, size_t at, struct str key)
{
	if (at && !path[at - 1])
		return -1;
	path += at;
	for (size_t i = 0; i < key.n; i++) {
		if (path[i] != key.p[i])
			return path[i] == '/'
				       ? -1
				       : (unsigned char)path[i] - (unsigned char)key.p[i];
	}
	return path[key.n] == '\0' || path[key.n] == '/' ? 0 : 1;
}

/* The first row of first to end that is not before key, or with `behind` that is behind it. */
static size_t bisect(const struct table *t, size_t first, size_t end, size_t at,
		     struct str key, bool behind)
{
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		int order = order_at(path_of(t, mid), at, key);

		if (order < 0 || (behind && order == 0))
			first = mid + 1;
		else
			end = mid;
	}
	return first;
}

static bool is_at(const struct table *t, size_t row, size_t end, size_t at,
		  struct str key)
{
	return row < end && order_at(path_of(t, row), at, key) == 0;
}

static void add_rows(struct spot *to, const struct rows *up, struct str key)
{
	size_t at = up->n ? up->n + 1 : 0;
	struct rows below = { .n = at + key.n };
	bool any = false;

	for (size_t i = 0; i < TABLES; i++) {
		const struct table *t = &tables[i];
		size_t end = up->of[i].end,
		       first = bisect(t, up->of[i].first, end, at, key, false);

		if (!is_at(t, first, end, at, key))
			continue;
		any = true;
		below.of[i].first = first;
		below.of[i].end = bisect(t, first, end, at, key, true);
	}
	if (!any)
		return;
	BUG_ON(to->n == SPELLINGS_MAX);
	to->by[to->n++] = below;
}

/* Its rows are the first ones behind those of the path itself. */
static bool has_star(const struct rows *up)
{
	size_t at = up->n ? up->n + 1 : 0;

	for (size_t i = 0; i < TABLES; i++) {
		size_t row = up->of[i].first;

		while (is_own(up, i, row))
			row++;
		if (is_at(&tables[i], row, up->of[i].end, at, STR("*")))
			return true;
	}
	return false;
}

static void step(struct spot *to, const struct spot *up, struct str key)
{
	to->n = 0;
	for (size_t i = 0; i < up->n; i++)
		add_rows(to, &up->by[i], key);
	for (size_t i = 0; i < up->n; i++) {
		if (has_star(&up->by[i]))
			add_rows(to, &up->by[i], STR("*"));
	}
}

static struct spot root_spot(void)
{
	struct spot root = { .n = 1 };

	for (size_t i = 0; i < TABLES; i++)
		root.by[0].of[i].end = tables[i].n;
	return root;
}

static struct spot spot_of(const char *path)
{
	struct spot at = root_spot();

	while (*path) {
		struct str key = { path, strcspn(path, "/") };
		struct spot below = { 0 };

		step(&below, &at, key);
		at = below;
		path += key.n + (path[key.n] == '/');
	}
	return at;
}

static const struct domain_alias *alias_of(const struct spot *at)
{
	for (size_t i = 0; i < at->n; i++) {
		size_t first = at->by[i].of[ALIASES].first;

		if (is_own(&at->by[i], ALIASES, first))
			return &aliases[first];
	}
	return NULL;
}

static struct spot spot_below(const struct spot *up, const struct node *n)
{
	struct spot to = { .anchor = up->anchor };
	const struct domain_alias *alias;

	step(&to, up, n->key);
	if (!up->anchor || str_is(n->up->key, "devices"))
		to.anchor = n;
	alias = alias_of(&to);
	if (alias) {
		const struct node *anchor = to.anchor;

		to = spot_of(alias->is);
		/* Of which type such a source is, is said by what it is of. */
		to.anchor =
			strcmp(alias->is, "devices/disk/source") == 0 ? n->up : anchor;
	}
	return to;
}

/* "@type=unix|tcp" of the anchor, "model@type=virtio" of a child of it, ".@type=pci" of the
 * element itself. */
static bool applies(const struct domain_value *v, const struct spot *at,
		    const struct node *element)
{
	const char *equals = strchr(v->when, '='), *word;
	bool self = v->when[0] == '.';
	const struct node *of = self ? element : at->anchor;
	struct str has;
	struct fact f;
	char path[32];
	size_t n;

	if (!equals)
		return true;
	n = (size_t)(equals - v->when) - (self ? 1 : 0);
	BUG_ON(n >= sizeof(path));
	memcpy(path, v->when + (self ? 1 : 0), n);
	path[n] = '\0';
	if (!of)
		return false;
	f = ASK(of, path);
	if (f.state == FACT_UNKNOWN)
		return false;
	has = fact_known(&f) ? f.v : (struct str){ 0 };
	for (word = equals; word; word = strchr(word + 1, '|')) {
		n = strcspn(word + 1, "|");
		if (has.n == n && (n == 0 || memcmp(has.p, word + 1, n) == 0))
			return true;
	}
	return false;
}

/* ---- walks ---- */

struct value_hit {
	const struct domain_value *row;
	const struct node *n;
};

struct name_hit {
	const struct domain_names *row;
	const struct node *n;
};

/* What of a domain there are rows for. */
struct hits {
	VEC(struct value_hit) values;
	VEC(struct name_hit) names;
};

/* What libvirt takes for none when it is empty: read by an XPath, or asked for its first
 * byte. An empty element is none in any case. */
static bool is_none(const struct domain_value *v)
{
	static const struct {
		const char *path, *attributes;
	} read[] = {
		{ "", "type" }, /* a program fills it in: in templates */
		{ "chardev/protocol", "type" },
		{ "clock", "basis offset" },
		{ "cpu/model", "fallback" },
		{ "devices/*/rom", "enabled" },
		{ "devices/channel/target", "state" },
		{ "devices/controller/model", "name" },
		{ "devices/disk/encryption/secret", "type" },
		{ "devices/disk/source/encryption/secret", "type" },
		{ "devices/disk/source/readahead", "size" },
		{ "devices/disk/source/timeout", "seconds" },
		{ "devices/filesystem", "accessmode" },
		{ "devices/filesystem/binary/thread_pool", "size" },
		{ "devices/filesystem/driver", "queue" },
		{ "devices/graphics", "autoport" },
		{ "devices/hostdev/teaming", "type" },
		{ "devices/interface/teaming", "type" },
		{ "devices/rng/rate", "bytes period" },
		{ "devices/serial/target/model", "name" },
		{ "devices/shmem/model", "type" },
		{ "devices/video/model", "heads ram type vgamem vram vram64" },
		{ "memoryBacking/access", "mode" },
		{ "memoryBacking/allocation", "mode threads" },
		{ "memoryBacking/source", "type" },
		{ "os", "firmware" },
		{ "os/smbios", "mode" },
	};

	if (v->kind != VALUE_WORDS && v->kind != VALUE_YESNO && v->kind != VALUE_ONOFF &&
	    v->kind != VALUE_NUMBER)
		return v->kind != VALUE_MAC;
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		if (strcmp(read[i].path, v->path) == 0)
			return str_among(str_of(v->attribute), read[i].attributes);
	}
	return false;
}

/* Where the value is that the row is about; NULL: it has nothing to say of this element. */
static const struct node *value_at(const struct domain_value *v, const struct spot *at,
				   const struct node *element)
{
	const struct node *n =
		v->attribute[0] ? node_attr(element, v->attribute) : element;

	if (v->kind == VALUE_REQUIRED)
		return !n && !node_is_open(element) && applies(v, at, element) ? element
									       : NULL;
	if (!n || (n->text.n == 0 && (n == element || is_none(v))))
		return NULL;
	return !node_is_variable(n) && applies(v, at, element) ? n : NULL;
}

static void meet_element(struct hits *hits, const struct spot *at,
			 const struct node *element, struct arena *a)
{
	for (size_t k = 0; k < at->n; k++) {
		const struct rows *r = &at->by[k];

		for (size_t i = r->of[VALUES].first; is_own(r, VALUES, i); i++) {
			const struct node *n = value_at(&values[i], at, element);

			if (n)
				*vec_add(&hits->values, a) =
					(struct value_hit){ &values[i], n };
		}
		for (size_t i = r->of[NAMES].first; is_own(r, NAMES, i); i++)
			*vec_add(&hits->names, a) =
				(struct name_hit){ &names[i], element };
	}
}

static void walk_below(struct hits *hits, const struct spot *at,
		       const struct node *element, unsigned depth, struct arena *a)
{
	meet_element(hits, at, element, a);
	if (depth == DEPTH_MAX)
		return;
	for_each_node (n, element) {
		struct spot below;

		if (n->kind != NODE_ELEMENT || n->ns.n || str_is(n->key, "metadata"))
			continue;
		below = spot_below(at, n);
		if (below.n)
			walk_below(hits, &below, n, depth + 1, a);
	}
}

/* One walk serves all the rules that ask. */
static const struct hits *hits_of(struct scan *s, const struct domain *d)
{
	void **memo = scan_memo(s, d);
	struct spot root = root_spot();
	struct hits *hits = *memo;

	if (!hits) {
		*memo = hits = arena_new(scan_arena(s), struct hits);
		*hits = (struct hits){ 0 };
		walk_below(hits, &root, d->node, 0, scan_arena(s));
	}
	return hits;
}

void domain_each_value(struct scan *s, const struct domain *d, unsigned kinds,
		       void (*visit)(struct scan *s, const struct domain_value *v,
				     const struct node *n))
{
	const struct hits *hits = hits_of(s, d);

	for (size_t i = 0; i < hits->values.n; i++) {
		const struct value_hit *hit = &hits->values.v[i];

		if (kinds & 1u << hit->row->kind)
			visit(s, hit->row, hit->n);
	}
}

void domain_each_element(struct scan *s, const struct domain *d,
			 void (*visit)(struct scan *s, const struct domain_names *row,
				       const struct node *n))
{
	const struct hits *hits = hits_of(s, d);

	for (size_t i = 0; i < hits->names.n; i++)
		visit(s, hits->names.v[i].row, hits->names.v[i].n);
}

const struct domain_value *domain_value_of(const struct domain *d, const struct node *n,
					   enum value_kind kind)
{
	const struct node *element = n->kind == NODE_ATTRIBUTE ? n->up : n,
			  *way[DEPTH_MAX];
	const struct domain_value *found = NULL;
	struct spot at = root_spot();
	size_t depth = 0;

	for (const struct node *e = element; e && e != d->node; e = e->up) {
		if (depth == DEPTH_MAX)
			return NULL;
		way[depth++] = e;
	}
	while (depth)
		at = spot_below(&at, way[--depth]);
	for (size_t k = 0; k < at.n; k++) {
		for (size_t i = at.by[k].of[VALUES].first; is_own(&at.by[k], VALUES, i);
		     i++) {
			if (values[i].kind == kind &&
			    value_at(&values[i], &at, element) == n)
				found = &values[i];
		}
	}
	return found;
}

bool domain_has_child(const char *path, struct str name)
{
	struct spot at = spot_of(path);

	for (size_t k = 0; k < at.n; k++) {
		size_t row = at.by[k].of[NAMES].first;

		if (is_own(&at.by[k], NAMES, row) && str_among(name, names[row].children))
			return true;
	}
	return false;
}

/* By elements: what is in one stands right behind it. */
static int order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

const char *domain_table_unsorted(void)
{
	for (size_t k = 0; k < TABLES; k++) {
		for (size_t i = 1; i < tables[k].n; i++) {
			const char *before = path_of(&tables[k], i - 1),
				   *path = path_of(&tables[k], i);

			/* Of one path there may be several values. */
			if (order(before, path) > (k == VALUES ? 0 : -1))
				return path;
		}
	}
	return NULL;
}
