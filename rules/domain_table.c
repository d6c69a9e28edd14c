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

enum {
	NVALUES = sizeof(values) / sizeof(values[0]),
	NNAMES = sizeof(names) / sizeof(names[0]),
	PATH_MAX_BYTES = 160,
	DEPTH_MAX = 64,
	SPELLINGS = 3, /* of a path: its own, of any device, of any sibling */
};

/* Elements that are made of the same as another one. */
static const struct {
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
enum { NALIASES = sizeof(aliases) / sizeof(aliases[0]) };

/* ---- paths ---- */

struct spot {
	char path[PATH_MAX_BYTES];
	size_t n;
	const struct node *anchor; /* the device, or the child of <domain> */
};

static bool spot_below(struct spot *to, const struct spot *up, const struct node *n)
{
	bool top = up->n == 0;

	*to = *up;
	if (up->n + n->key.n + 2 > sizeof(to->path))
		return false;
	if (!top)
		to->path[to->n++] = '/';
	memcpy(to->path + to->n, n->key.p, n->key.n);
	to->n += n->key.n;
	to->path[to->n] = '\0';
	if (top || str_is(n->up->key, "devices"))
		to->anchor = n;
	for (size_t i = 0; to->n > 12 && i < NALIASES; i++) {
		if (strcmp(aliases[i].path, to->path) != 0)
			continue;
		/* Of which type such a source is, is said by what it is of. */
		if (strcmp(aliases[i].is, "devices/disk/source") == 0)
			to->anchor = n->up;
		to->n = strlen(aliases[i].is);
		memcpy(to->path, aliases[i].is, to->n + 1);
		break;
	}
	return true;
}

/* The same of any device, and of any sibling. False: there is no such spelling. */
static bool spelling(const struct spot *at, unsigned which, char out[PATH_MAX_BYTES])
{
	const char *rest;
	size_t keep;

	if (which == 0) {
		memcpy(out, at->path, at->n + 1);
		return true;
	}
	if (which == 1) {
		if (strncmp(at->path, "devices/", 8) != 0)
			return false;
		rest = strchr(at->path + 8, '/');
		if (!rest)
			return false;
		memcpy(out, "devices/*", 9);
		memmove(out + 9, rest, strlen(rest) + 1);
		return true;
	}
	if (strncmp(at->path, "features/", 9) != 0 &&
	    strncmp(at->path, "devices/audio/", 14) != 0)
		return false;
	/* features/hyperv/x, devices/audio/x/settings */
	rest = strchr(at->path + 9, '/');
	if (!rest)
		return false;
	keep = (size_t)(rest - at->path) + 1;
	rest = strchr(rest + 1, '/');
	memcpy(out, at->path, keep);
	out[keep] = '*';
	memcpy(out + keep + 1, rest ? rest : "", rest ? strlen(rest) + 1 : 1);
	return true;
}

/* The first of the rows, whose first member is their path, that has this one; n: none. */
static size_t first_row(const void *rows, size_t n, size_t size, const char *path)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *const *has = (const void *)((const char *)rows + mid * size);

		if (strcmp(*has, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
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

struct hit {
	const struct domain_value *value;
	const struct node *n;
};

struct hits {
	VEC(struct hit) v;
};

struct walk {
	struct scan *s;
	unsigned kinds;
	struct hits *hits; /* of domain_each_value() */
	void (*element)(struct scan *s, const struct domain_names *names,
			const struct node *n);
	const struct node *wanted; /* of domain_value_of() */
	const struct domain_value *found;
};

static void meet(struct walk *w, const struct domain_value *v, const struct node *n)
{
	if (w->wanted) {
		if (w->wanted == n)
			w->found = v;
	} else {
		struct hit *hit = vec_add(&w->hits->v, scan_arena(w->s));

		*hit = (struct hit){ v, n };
	}
}

static void meet_values(struct walk *w, const struct spot *at, const struct node *element,
			const char *path)
{
	size_t i = first_row(values, NVALUES, sizeof(values[0]), path);

	for (; i < NVALUES && strcmp(values[i].path, path) == 0; i++) {
		const struct domain_value *v = &values[i];
		const struct node *n;

		if (!(w->kinds & 1u << v->kind))
			continue;
		n = v->attribute[0] ? node_attr(element, v->attribute) : element;
		if (v->kind == VALUE_REQUIRED) {
			if (!n && !node_is_open(element) && applies(v, at, element))
				meet(w, v, element);
			continue;
		}
		/* libvirt takes an empty element, and some attributes, for none. */
		if (n && n->text.n && !text_is_variable(n->text) &&
		    applies(v, at, element))
			meet(w, v, n);
	}
}

static void meet_element(struct walk *w, const struct spot *at,
			 const struct node *element)
{
	char path[PATH_MAX_BYTES + 2];

	for (unsigned i = 0; i < SPELLINGS; i++) {
		size_t row;

		if (!spelling(at, i, path))
			continue;
		if (w->kinds)
			meet_values(w, at, element, path);
		if (!w->element)
			continue;
		row = first_row(names, NNAMES, sizeof(names[0]), path);
		if (row < NNAMES && strcmp(names[row].path, path) == 0)
			w->element(w->s, &names[row], element);
	}
}

static void walk_below(struct walk *w, const struct spot *at, const struct node *element,
		       unsigned depth)
{
	meet_element(w, at, element);
	if (depth == DEPTH_MAX)
		return;
	for_each_node (n, element) {
		struct spot below;

		if (n->kind == NODE_ELEMENT && n->ns.n == 0 &&
		    !str_is(n->key, "metadata") && spot_below(&below, at, n))
			walk_below(w, &below, n, depth + 1);
	}
}

static void walk_domain(struct walk *w, const struct domain *d)
{
	struct spot root = { .path = "" };

	walk_below(w, &root, d->node, 0);
}

void domain_each_value(struct scan *s, const struct domain *d, unsigned kinds,
		       void (*visit)(struct scan *s, const struct domain_value *v,
				     const struct node *n))
{
	void **memo = scan_memo(s, d);

	/* One walk serves all the rules that ask. */
	if (!*memo) {
		struct walk w = { .s = s, .kinds = ~0u };

		*memo = w.hits = arena_new(scan_arena(s), struct hits);
		*w.hits = (struct hits){ 0 };
		walk_domain(&w, d);
	}
	const struct hits *all = *memo;

	for (size_t i = 0; i < all->v.n; i++) {
		if (kinds & 1u << all->v.v[i].value->kind)
			visit(s, all->v.v[i].value, all->v.v[i].n);
	}
}

void domain_each_element(struct scan *s, const struct domain *d,
			 void (*visit)(struct scan *s, const struct domain_names *row,
				       const struct node *n))
{
	struct walk w = { .s = s, .element = visit };

	walk_domain(&w, d);
}

const struct domain_value *domain_value_of(const struct domain *d, const struct node *n,
					   enum value_kind kind)
{
	struct walk w = { .kinds = 1u << kind, .wanted = n };
	const struct node *element = n->kind == NODE_ATTRIBUTE ? n->up : n,
			  *way[DEPTH_MAX];
	struct spot at = { .path = "" }, below;
	size_t depth = 0;

	for (const struct node *e = element; e && e != d->node; e = e->up) {
		if (depth == DEPTH_MAX)
			return NULL;
		way[depth++] = e;
	}
	while (depth) {
		if (!spot_below(&below, &at, way[--depth]))
			return NULL;
		at = below;
	}
	meet_element(&w, &at, element);
	return w.found;
}

bool domain_has_child(const char *path, struct str name)
{
	size_t row = first_row(names, NNAMES, sizeof(names[0]), path);

	return row < NNAMES && strcmp(names[row].path, path) == 0 &&
	       str_among(name, names[row].children);
}

const char *domain_table_unsorted(void)
{
	for (size_t i = 1; i < NVALUES; i++) {
		if (strcmp(values[i - 1].path, values[i].path) > 0)
			return values[i].path;
	}
	for (size_t i = 1; i < NNAMES; i++) {
		if (strcmp(names[i - 1].path, names[i].path) >= 0)
			return names[i].path;
	}
	return NULL;
}
