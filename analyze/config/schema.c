/* A document against a schema, step by step: where nothing is left, there is the fault, and
 * the walk goes on as if that were right. What must be true at most is a fault, so one that
 * libxml2 does not see is none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema.h"
#include "analyze/config/schema_why.h"
#include "analyze/config/xml.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

enum {
	STEPS_MAX = 8 << 20, /* of one document; half a second */
	SCRATCH_BUDGET = 24 << 20,
};

/* libxml2's is there from the start. Ours, which takes as long to read, is for documents that
 * do not fit, and is read with the first of them. */
struct schema {
	struct arena arena;
	const char *path;
	struct _xmlRelaxNG *compiled;
	pthread_mutex_t lock; /* of what follows, until it is read */
	bool tried, known;
	struct rng_grammar grammar;
};

/* ---- the schema ---- */

static const char *const places[] = {
	"/usr/share/libvirt/schemas",
	"/usr/local/share/libvirt/schemas",
	"/opt/homebrew/share/libvirt/schemas",
	"/usr/pkg/share/libvirt/schemas",
	"/run/current-system/sw/share/libvirt/schemas",
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int find(struct schema *s, const char *path, struct err *e)
{
	struct stat st;

	for (size_t i = 0; !path && i < PLACES; i++) {
		s->path = arena_printf(&s->arena, "%s/domain.rng", places[i]);
		if (stat(s->path, &st) == 0)
			return 0;
	}
	if (!path)
		return err_set(e, ERR_IO,
			       "libvirt's domain.rng is not installed, neither in %s nor "
			       "where other systems have it",
			       places[0]);
	s->path = is_folder(path) ? arena_printf(&s->arena, "%s/domain.rng", path) : path;
	if (stat(s->path, &st) != 0)
		return s->path == path ? err_sys(e, errno, "cannot be read")
				       : err_sys(e, errno, "has no domain.rng");
	return S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_IO, "is no file");
}

struct schema *schema_open(const char *path, struct err *e)
{
	struct schema *s = calloc(1, sizeof(*s));

	if (!s)
		out_of_memory();
	arena_init(&s->arena, ARENA_BUDGET);
	pthread_mutex_init(&s->lock, NULL);
	if (find(s, path, e) == 0)
		s->compiled = schema_compile(s->path, e);
	if (s->compiled)
		return s;
	schema_close(s);
	return NULL;
}

void schema_close(struct schema *s)
{
	if (!s)
		return;
	schema_compiled_free(s->compiled);
	if (s->tried)
		rng_free(&s->grammar);
	pthread_mutex_destroy(&s->lock);
	arena_free(&s->arena);
	free(s);
}

/* NULL: libxml2 understands it, we do not. */
static const struct rng_grammar *grammar_of(struct schema *s)
{
	struct err why;

	pthread_mutex_lock(&s->lock);
	if (!s->tried) {
		s->tried = true;
		s->known = rng_read(&s->grammar, s->path, &why) == 0;
	}
	pthread_mutex_unlock(&s->lock);
	return s->known ? &s->grammar : NULL;
}

/* ---- what a document has ---- */

struct rng_qname schema_name(const struct node *n)
{
	return (struct rng_qname){ n->ns, n->key };
}

bool schema_is_attribute(const struct node *n)
{
	return n->kind == NODE_ATTRIBUTE && !str_is(n->ns, XML_NS_DECLARATION);
}

static bool has_elements(const struct node *n)
{
	return n->last && n->last->kind == NODE_ELEMENT;
}

/* With the blanks at its ends, which a schema may refuse. */
struct rng_text schema_text(struct walk *w, const struct node *n)
{
	size_t size = n->lead + n->text.n + n->trail;
	struct view raw = view_cut(w->u->text, n->text_at.off, n->text_at.len);
	char *p;

	if (n->kind == NODE_ATTRIBUTE || (n->lead == 0 && n->trail == 0))
		return (struct rng_text){ n->text.p ? n->text.p : "", n->text.n };
	p = arena_try_array(&w->scratch, size, char);
	if (!p || raw.n < n->lead + n->trail) {
		w->pool.over = true;
		return (struct rng_text){ "", 0 };
	}
	memcpy(p, raw.p, n->lead);
	memcpy(p + n->lead, n->text.p, n->text.n);
	memcpy(p + n->lead + n->text.n, raw.p + raw.n - n->trail, n->trail);
	return (struct rng_text){ p, size };
}

/* ---- the walk ----
 * As deep as XML_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

static const struct rng_text any_text = { 0 };

/* Nothing is left any more: so whatever value it has, or as if it were not there. */
static const struct rng *past_attribute(struct walk *w, const struct rng *now,
					const struct node *n)
{
	const struct rng *next = rng_attribute(&w->pool, now, schema_name(n), any_text);

	return is_none(next) ? now : next;
}

const struct rng *schema_enter(struct walk *w, const struct rng *before,
			       const struct node *n, const struct node *wild,
			       const struct node *upto)
{
	const struct rng *now = rng_open(&w->pool, before, schema_name(n)), *next;

	if (n == w->given)
		now = rng_attribute(&w->pool, now, w->given_name, any_text);
	for_each_node (c, n) {
		if (c == upto || c->kind != NODE_ATTRIBUTE)
			break;
		if (!schema_is_attribute(c))
			continue;
		next = rng_attribute(&w->pool, now, schema_name(c),
				     c == wild || n == wild ? any_text
							    : schema_text(w, c));
		now = is_none(next) ? past_attribute(w, now, c) : next;
	}
	if (upto)
		return now;
	next = rng_close(&w->pool, now);
	return is_none(next) ? rng_close_any(&w->pool, now) : next;
}

static const struct rng *read_tag(struct walk *w, struct frame *f)
{
	const struct rng *now = rng_open(&w->pool, f->before, schema_name(f->node)),
			 *next;

	for_each_node (c, f->node) {
		if (c->kind != NODE_ATTRIBUTE)
			break;
		if (!schema_is_attribute(c))
			continue;
		next = rng_attribute(&w->pool, now, schema_name(c), schema_text(w, c));
		if (is_none(next)) {
			next = past_attribute(w, now, c);
			if (next == now)
				next = schema_why_attribute(w, f, c, now);
			else
				schema_why_value(w, f, c, now);
			f->faulty = true;
		}
		now = next;
	}
	next = rng_close(&w->pool, now);
	if (!is_none(next))
		return next;
	if (!f->faulty)
		schema_lacks_attribute(w, f, now);
	return rng_close_any(&w->pool, now);
}

static const struct rng *read_text(struct walk *w, struct frame *f, const struct rng *now)
{
	struct rng_text text = schema_text(w, f->node);
	bool alone = !has_elements(f->node);
	const struct rng *next;

	if (!alone && f->node->text.n == 0)
		return now;
	next = alone ? rng_only_text(&w->pool, now, text)
		     : rng_text_of(&w->pool, now, text);
	if (!is_none(next))
		return next;
	schema_why_value(w, f, f->node, now);
	f->faulty = true;
	next = rng_text_of(&w->pool, now, any_text);
	return is_none(next) ? now : next;
}

static const struct rng *visit(struct walk *w, const struct frame *up,
			       const struct rng *before, const struct node *n);

const struct rng *schema_content(struct walk *w, struct frame *f,
				 const struct rng *inside)
{
	const struct rng *now = read_text(w, f, inside), *next;

	for_each_node (c, f->node) {
		if (c->kind != NODE_ELEMENT || w->faults.n == SCHEMA_FAULTS_MAX)
			continue;
		next = rng_open(&w->pool, now, schema_name(c));
		if (w->pool.over)
			break;
		if (!is_none(next)) {
			now = visit(w, f, now, c);
			continue;
		}
		schema_why_element(w, f, c, now);
		f->faulty = true;
	}
	return now;
}

/* Returns what is left behind n, which may begin here. */
static const struct rng *visit(struct walk *w, const struct frame *up,
			       const struct rng *before, const struct node *n)
{
	struct frame f = { .node = n, .before = before, .up = up };
	const struct rng *now, *next;

	f.inside = read_tag(w, &f);
	now = schema_content(w, &f, f.inside);
	next = rng_end(&w->pool, now);
	if (!is_none(next))
		return next;
	if (!f.faulty)
		schema_lacks_element(w, &f, now);
	return rng_end_any(&w->pool, now);
}

const struct rng *schema_pass(struct walk *w, const struct rng *before,
			      const struct node *n)
{
	bool was = w->quiet;
	const struct rng *next;

	w->quiet = true;
	next = visit(w, NULL, before, n);
	w->quiet = was;
	return next;
}
/* NOLINTEND(misc-no-recursion) */

static void explain(struct walk *w, const struct node *doc)
{
	const struct rng *first = rng_open(&w->pool, w->g->start, schema_name(doc));

	if (is_none(first))
		schema_why_element(w, NULL, doc, w->g->start);
	else
		visit(w, NULL, w->g->start, doc);
}

/* libxml2 takes time for each of them, for all others that it has to be compared with. */
static size_t tags_of(struct view text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '<';
	return n;
}

void schema_read(struct schema *s, struct unit *u)
{
	struct walk w = { .u = u, .a = &u->arena };
	int valid;

	if (u->text.n > SCHEMA_TEXT_MAX || tags_of(u->text) > SCHEMA_TAGS_MAX) {
		u->skip_reason = arena_printf(
			&u->arena,
			"has %zu bytes and %zu tags: --schema is about up to %d and %d",
			u->text.n, tags_of(u->text), SCHEMA_TEXT_MAX, SCHEMA_TAGS_MAX);
		return;
	}
	valid = schema_accepts(s->compiled, u->text);
	if (valid < 0)
		u->skip_reason = "libxml2 does not say whether it fits the schema";
	if (valid != 0)
		return;
	w.g = grammar_of(s);
	arena_init(&w.scratch, SCRATCH_BUDGET);
	if (w.g && rng_pool_init(&w.pool, &w.scratch, &w.g->pool, STEPS_MAX))
		explain(&w, u->doc);
	arena_free(&w.scratch);
	if (w.faults.n == 0)
		schema_add(&w, SCHEMA_UNKNOWN, u->doc, NULL);
	u->schema_faults = w.faults.v;
	u->nschema_faults = w.faults.n;
}
