/* A schema's files to patterns: names, references and includes are resolved, and the short
 * forms written out. ISO/IEC 19757-2:2008, 7 (simplification).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/rng.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"

#include "base/banned.h"

#define NS_RNG "http://relaxng.org/ns/structure/1.0"

enum {
	FILES_MAX = 64,
	DEPTH_MAX = 192,        /* elements and definitions within each other */
	PATTERNS_MAX = 1 << 20, /* libvirt's have 20000 */
	GRAMMAR_BUDGET = 32 << 20,
};

struct file {
	struct source src;
	const struct node *root;
};

/* All elements <define> of a name, or <start>, are one definition. */
struct define {
	struct str name; /* empty: start */
	const struct node *node;
	const struct file *file;
	size_t order;
	bool gone; /* an include replaces it */
	bool open; /* is being read */
	const struct rng *pattern;
};

struct todo {
	struct rng *element;
	const struct node *from; /* where its content begins */
	const struct file *file;
};

struct reader {
	struct rng_grammar *g;
	struct arena *a;
	struct err *e;
	VEC(struct define) defines;
	VEC(struct todo) todo;
	const struct file *now; /* for messages */
	size_t nfiles, depth;
	bool failed;
};

static void failure(struct reader *r, const struct node *n, const char *what)
{
	const struct source *s = &r->now->src;
	unsigned line = 1;
	struct view text = s->mem;

	if (r->failed)
		return;
	r->failed = true;
	for (uint64_t i = 0; n && i < n->whole.off && i < text.n; i++)
		line += text.p[i] == '\n';
	err_set(r->e, ERR_PARSE, "%s, line %u: %s", str_shown(r->a, str_of(s->path)),
		line, what);
}

/* ---- names ---- */

static const struct node *element_from(const struct node *n)
{
	while (n && (n->kind != NODE_ELEMENT || !str_is(n->ns, NS_RNG)))
		n = n->next;
	return n;
}

/* An attribute that holds for all that is within its element, too. */
static struct str inherited(const struct node *n, const char *name)
{
	for (; n; n = n->up) {
		const struct node *a = node_attr(n, name);

		if (a)
			return a->text;
	}
	return (struct str){ 0 };
}

static bool find_prefix(const struct node *n, struct str prefix, struct str *uri)
{
	for (; n; n = n->up) {
		for_each_node (c, n) {
			if (c->kind != NODE_ATTRIBUTE)
				break;
			if (!str_is(c->ns, XML_NS_DECLARATION) || !str_eq(c->key, prefix))
				continue;
			*uri = c->text;
			return true;
		}
	}
	return false;
}

static const struct rng_name *one_name(struct reader *r, const struct node *n,
				       struct str text, bool inherits)
{
	struct rng_name *name = arena_new(r->a, struct rng_name);
	struct str prefix = str_trim(text);
	const char *colon = prefix.n ? memchr(prefix.p, ':', prefix.n) : NULL;
	const struct node *ns = node_attr(n, "ns");

	name->name.local = prefix;
	if (colon) {
		prefix.n = (size_t)(colon - prefix.p);
		name->name.local.p += prefix.n + 1;
		name->name.local.n -= prefix.n + 1;
		if (!find_prefix(n, prefix, &name->name.ns))
			failure(r, n, "a prefix that is not declared");
	} else if (inherits) {
		name->name.ns = inherited(n, "ns");
	} else if (ns) {
		name->name.ns = ns->text;
	}
	return name;
}

static const struct rng_name *name_class(struct reader *r, const struct node *n);

/* Of all children of n, and NULL where there are none. NOLINTNEXTLINE(misc-no-recursion) */
static const struct rng_name *name_choice(struct reader *r, const struct node *n)
{
	const struct rng_name *all = NULL;

	for (n = element_from(n->first); n; n = element_from(n->next)) {
		const struct rng_name *one = name_class(r, n);
		struct rng_name *both;

		if (!all) {
			all = one;
			continue;
		}
		both = arena_new(r->a, struct rng_name);
		*both = (struct rng_name){ .kind = RNG_NAME_CHOICE, .a = all, .b = one };
		all = both;
	}
	return all;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static const struct rng_name *name_class(struct reader *r, const struct node *n)
{
	struct rng_name *name;
	const struct node *except;

	if (str_is(n->key, "name"))
		return one_name(r, n, n->text, true);
	if (str_is(n->key, "choice"))
		return name_choice(r, n);
	name = arena_new(r->a, struct rng_name);
	name->kind = str_is(n->key, "nsName") ? RNG_NAME_NS : RNG_NAME_ANY;
	if (name->kind == RNG_NAME_ANY && !str_is(n->key, "anyName"))
		failure(r, n, "a kind of name that is not known");
	name->name.ns = inherited(n, "ns");
	except = element_from(n->first);
	if (except)
		name->except = name_choice(r, except);
	return name;
}

/* ---- patterns ----
 * As deep as DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

static const struct rng *pattern(struct reader *r, const struct node *n);

static const struct rng *make(struct reader *r, enum rng_kind kind, const struct rng *a,
			      const struct rng *b)
{
	const struct rng *made = rng_make(&r->g->pool, kind, a, b);

	if (r->g->pool.over)
		failure(r, NULL, "a schema that is larger than is allowed");
	return made;
}

/* n and what stands behind it, as one. */
static const struct rng *combined(struct reader *r, const struct node *n,
				  enum rng_kind kind)
{
	VEC(const struct rng *) parts = { 0 };
	const struct rng *all;

	for (n = element_from(n); n && !r->failed; n = element_from(n->next))
		*vec_add(&parts, r->a) = pattern(r, n);
	if (parts.n == 0)
		return &rng_empty;
	all = parts.v[--parts.n];
	while (parts.n)
		all = make(r, kind, parts.v[--parts.n], all);
	return all;
}

/* Of an element or attribute; *from: where its content begins. */
static const struct rng_name *own_name(struct reader *r, const struct node *n,
				       bool is_element, const struct node **from)
{
	const struct node *name = node_attr(n, "name");
	const struct node *first = element_from(n->first);

	*from = first;
	if (name)
		return one_name(r, n, name->text, is_element);
	if (!first) {
		failure(r, n, "a pattern without a name");
		return NULL;
	}
	*from = first->next;
	return name_class(r, first);
}

/* Its content is read later: definitions come back to themselves through elements. */
static const struct rng *element(struct reader *r, const struct node *n)
{
	struct rng *p = arena_new(r->a, struct rng);
	struct todo *t = vec_add(&r->todo, r->a);

	*p = (struct rng){ .kind = RNG_ELEMENT, .a = &rng_empty };
	t->element = p;
	t->file = r->now;
	p->name = own_name(r, n, true, &t->from);
	*vec_add(&r->g->elements, r->a) = p;
	return p;
}

static const struct rng *attribute(struct reader *r, const struct node *n)
{
	struct rng *p = arena_new(r->a, struct rng);
	const struct node *from;

	*p = (struct rng){ .kind = RNG_ATTRIBUTE, .has_attributes = true };
	p->name = own_name(r, n, false, &from);
	p->a = element_from(from) ? combined(r, from, RNG_GROUP) : &rng_text;
	return p;
}

static const struct rng *value(struct reader *r, const struct node *n)
{
	struct rng *p = arena_new(r->a, struct rng);
	const struct node *type = node_attr(n, "type");

	p->kind = RNG_VALUE;
	p->value = n->text;
	p->exact = type && str_is(type->text, "string");
	return p;
}

static const struct rng *data(struct reader *r, const struct node *n)
{
	struct rng *p = arena_new(r->a, struct rng);
	const struct node *type = node_attr(n, "type");
	struct rng_type *t = type ? rng_type_new(r->a, type->text) : NULL;

	*p = (struct rng){ .kind = RNG_DATA, .type = t };
	if (!t) {
		failure(r, n, "a data type that is not known");
		return p;
	}
	*rng_type_next(t) = r->g->types;
	r->g->types = t;
	for (n = element_from(n->first); n; n = element_from(n->next)) {
		const struct node *name = node_attr(n, "name");

		if (str_is(n->key, "except"))
			p->a = combined(r, n->first, RNG_CHOICE);
		else if (!name || !rng_type_param(t, r->a, name->text, n->text))
			failure(r, n, "a parameter that its data type does not have");
	}
	return p;
}

static int define_cmp(const void *a, const void *b)
{
	const struct define *x = a, *y = b;
	int c = memcmp(x->name.p ? x->name.p : "", y->name.p ? y->name.p : "",
		       x->name.n < y->name.n ? x->name.n : y->name.n);

	if (c != 0 || x->name.n != y->name.n)
		return c ? c : x->name.n < y->name.n ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Index of the first one of that name. */
static size_t define_find(const struct reader *r, struct str name)
{
	struct define key = { .name = name };

	return vec_find(&r->defines, &key, define_cmp);
}

static const struct rng *resolve(struct reader *r, const struct node *n, struct str name)
{
	size_t first = define_find(r, name);
	const struct file *was = r->now;
	enum rng_kind kind = RNG_CHOICE;
	const struct rng *all = NULL;
	struct define *d;

	if (first == r->defines.n || !str_eq(r->defines.v[first].name, name)) {
		failure(r, n, "a reference to what is not defined");
		return &rng_none;
	}
	d = &r->defines.v[first];
	if (d->pattern)
		return d->pattern;
	if (d->open) {
		failure(r, n, "a definition that is within itself");
		return &rng_none;
	}
	d->open = true;
	for (size_t i = first; i < r->defines.n && str_eq(r->defines.v[i].name, name);
	     i++) {
		const struct node *how = node_attr(r->defines.v[i].node, "combine");

		if (how && str_is(how->text, "interleave"))
			kind = RNG_INTERLEAVE;
	}
	for (size_t i = first; i < r->defines.n && str_eq(r->defines.v[i].name, name);
	     i++) {
		const struct rng *one;

		r->now = r->defines.v[i].file;
		one = combined(r, r->defines.v[i].node->first, RNG_GROUP);
		all = all ? make(r, kind, all, one) : one;
	}
	r->now = was;
	d->open = false;
	d->pattern = all;
	return all;
}

static const struct rng *repeated(struct reader *r, const struct node *n, bool maybe)
{
	const struct rng *p = make(r, RNG_MORE, combined(r, n->first, RNG_GROUP), NULL);

	return maybe ? make(r, RNG_CHOICE, p, &rng_empty) : p;
}

static const struct rng *pattern_of(struct reader *r, const struct node *n)
{
	const struct node *name = node_attr(n, "name");

	if (str_is(n->key, "element"))
		return element(r, n);
	if (str_is(n->key, "attribute"))
		return attribute(r, n);
	if (str_is(n->key, "ref") && name)
		return resolve(r, n, str_trim(name->text));
	if (str_is(n->key, "group"))
		return combined(r, n->first, RNG_GROUP);
	if (str_is(n->key, "interleave"))
		return combined(r, n->first, RNG_INTERLEAVE);
	if (str_is(n->key, "choice"))
		return combined(r, n->first, RNG_CHOICE);
	if (str_is(n->key, "optional"))
		return make(r, RNG_CHOICE, combined(r, n->first, RNG_GROUP), &rng_empty);
	if (str_is(n->key, "zeroOrMore"))
		return repeated(r, n, true);
	if (str_is(n->key, "oneOrMore"))
		return repeated(r, n, false);
	if (str_is(n->key, "mixed"))
		return make(r, RNG_INTERLEAVE, combined(r, n->first, RNG_GROUP),
			    &rng_text);
	if (str_is(n->key, "list"))
		return make(r, RNG_LIST, combined(r, n->first, RNG_GROUP), NULL);
	if (str_is(n->key, "value"))
		return value(r, n);
	if (str_is(n->key, "data"))
		return data(r, n);
	if (str_is(n->key, "text"))
		return &rng_text;
	if (str_is(n->key, "empty"))
		return &rng_empty;
	if (!str_is(n->key, "notAllowed"))
		failure(r, n,
			arena_printf(r->a, "<%s>, which is not understood here",
				     str_shown(r->a, n->key)));
	return &rng_none;
}

static const struct rng *pattern(struct reader *r, const struct node *n)
{
	const struct rng *p;

	if (r->depth == DEPTH_MAX)
		failure(r, n, "patterns that are nested too deep");
	if (r->failed)
		return &rng_none;
	r->depth++;
	p = pattern_of(r, n);
	r->depth--;
	return p;
}

/* ---- files ---- */

static void read_file(struct reader *r, const char *path);

/* Nothing is fetched: what libxml2 reads after us are the same names. */
static const char *beside(struct reader *r, const struct node *n, struct str href)
{
	const char *path = r->now->src.path, *slash = strrchr(path, '/');

	href = str_trim(href);
	if (href.n == 0 || memchr(href.p, ':', href.n) || memchr(href.p, '%', href.n) ||
	    memchr(href.p, '#', href.n)) {
		failure(r, n, "an include of what is no file");
		return NULL;
	}
	if (*href.p == '/' || !slash)
		return arena_str(r->a, href);
	return arena_printf(r->a, "%.*s/%.*s", (int)(slash - path), path, STR_ARG(href));
}

/* Those of these names since `from`, which an include has brought. */
static void replace(struct reader *r, const struct node *n, size_t from)
{
	for (n = element_from(n->first); n; n = element_from(n->next)) {
		const struct node *name = node_attr(n, "name");
		struct str id = name ? str_trim(name->text) : (struct str){ 0 };

		if (str_is(n->key, "div"))
			replace(r, n, from);
		for (size_t i = from; i < r->defines.n; i++) {
			if (!str_is(n->key, "div") && str_eq(r->defines.v[i].name, id))
				r->defines.v[i].gone = true;
		}
	}
}

/* What a grammar, an include or a div has. */
static void read_parts(struct reader *r, const struct node *n)
{
	for (n = element_from(n->first); n && !r->failed; n = element_from(n->next)) {
		const struct node *href = node_attr(n, "href"),
				  *name = node_attr(n, "name");
		size_t from = r->defines.n;

		if (str_is(n->key, "div")) {
			read_parts(r, n);
		} else if (str_is(n->key, "include") && href) {
			const struct file *was = r->now;
			const char *path = beside(r, n, href->text);

			if (path)
				read_file(r, path);
			r->now = was;
			replace(r, n, from);
			read_parts(r, n);
		} else if (str_is(n->key, "start") ||
			   (str_is(n->key, "define") && name)) {
			*vec_add(&r->defines, r->a) = (struct define){
				.name = name ? str_trim(name->text) : (struct str){ 0 },
				.node = n,
				.file = r->now,
				.order = from,
			};
		} else {
			failure(r, n, "something that is not understood in a grammar");
		}
	}
}

static void read_file(struct reader *r, const char *path)
{
	struct file *f = arena_new(r->a, struct file);
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct view text = { 0 };
	struct source s;
	struct err why = { 0 };

	f->src.path = path;
	r->now = f;
	if (r->nfiles++ == FILES_MAX) {
		failure(r, NULL, "more files than are read, or one that includes itself");
		return;
	}
	if (source_open(&s, path, SOURCE_READ, &why) != 0) {
		r->failed = true;
		err_set(r->e, ERR_IO, "%s: %s", str_shown(r->a, str_of(path)), why.msg);
		return;
	}
	if (source_view(&s, r->a, 0, s.size, &text, &why) != 0)
		failure(r, NULL, arena_str(r->a, str_of(why.msg)));
	source_close(&s);
	f->src = source_of_bytes(path, text);
	if (!r->failed && xml_read(&f->src, text, r->a, &root, &bad, &why) != 0)
		failure(r, NULL, arena_str(r->a, str_of(why.msg)));
	if (r->failed)
		return;
	if (bad || !str_is(root->ns, NS_RNG) || !str_is(root->key, "grammar")) {
		failure(r, NULL, bad ? bad->what : "is no grammar of RELAX NG");
		return;
	}
	f->root = root;
	read_parts(r, root);
}
/* NOLINTEND(misc-no-recursion) */

/* ---- all of it ---- */

static void settle_defines(struct reader *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->defines.n; i++) {
		if (!r->defines.v[i].gone)
			r->defines.v[kept++] = r->defines.v[i];
	}
	r->defines.n = kept;
	vec_sort(&r->defines, define_cmp);
}

int rng_read(struct rng_grammar *g, const char *path, struct err *e)
{
	struct reader r = { .g = g, .e = e };

	*g = (struct rng_grammar){ 0 };
	arena_init(&g->arena, GRAMMAR_BUDGET);
	r.a = &g->arena;
	if (!rng_pool_init(&g->pool, &g->arena, NULL, PATTERNS_MAX))
		return err_set(e, ERR_LIMIT, "no memory for a schema");
	read_file(&r, path);
	if (r.failed)
		return -1;
	settle_defines(&r);
	g->start = resolve(&r, NULL, (struct str){ 0 });
	for (size_t i = 0; i < r.todo.n && !r.failed; i++) {
		struct todo t = r.todo.v[i];

		r.now = t.file;
		t.element->a = combined(&r, t.from, RNG_GROUP);
	}
	return r.failed ? -1 : 0;
}

void rng_free(struct rng_grammar *g)
{
	for (struct rng_type *t = g->types; t; t = *rng_type_next(t))
		rng_type_free(t);
	arena_free(&g->arena);
}
