/* raw.qemu.conf: its lines, and where in the file each of them stands.
 * internal/server/instance/drivers/driver_qemu_config_override.go
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"
#include "analyze/config/node.h"
#include "analyze/config/yaml.h"
#include "base/vec.h"
#include "base/banned.h"

enum { SECTIONS_MAX = 1024 }; /* Incus generates some fifty */

struct reader {
	const struct node *node;
	struct view text; /* of the file */
	struct str value;
	uint32_t *at; /* where each byte of the value stands */
	struct arena *a;
	struct incus_override *o;
	struct node *root;
	VEC(struct incus_section) sections;
	bool full;
};

static struct span place(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->node->whole.src,
			      .off = r->at[from],
			      .len = r->at[to] - r->at[from] };
}

static bool flaw(struct reader *r, struct span at, const char *what)
{
	r->o->flaw_at = at;
	r->o->flaw = what;
	return false;
}

static bool is_break(uint8_t c)
{
	return c == '\n' || c == '\r';
}

/* Where the value's line from..to is, as lines of the file; empty: it has none. */
static struct span whole_lines(const struct reader *r, size_t from, size_t to)
{
	struct span at = place(r, from, to);
	size_t end = (size_t)span_end(at);

	if (r->node->style == STYLE_DOUBLE)
		return memchr(r->text.p + at.off, '\n', (size_t)at.len)
			       ? (struct span){ at.src, at.off, 0 }
			       : at;
	if (r->node->style != STYLE_LITERAL)
		return (struct span){ at.src, at.off, 0 };
	while (at.off > r->node->text_at.off && !is_break(r->text.p[at.off - 1]))
		at.off--;
	while (to < r->value.n && end > at.off && !is_break(r->text.p[end - 1]))
		end--;
	if (to == r->value.n && end == span_end(r->node->text_at))
		end += yaml_break(r->text, end);
	/* The file's last line has no end: the line before loses its own. */
	if (end == r->text.n && !is_break(r->text.p[end - 1]) &&
	    at.off > r->node->text_at.off)
		at.off -= at.off >= 2 && r->text.p[at.off - 2] == '\r' ? 2 : 1;
	at.len = end - at.off;
	return at;
}

static size_t blanks_at(struct view text, size_t from)
{
	size_t n = 0;

	while (from + n < text.n && text.p[from + n] == ' ')
		n++;
	return n;
}

/* A literal's first line decides on its indentation: the next one must begin as it does. */
static bool keeps_indentation(const struct reader *r, struct span lines)
{
	size_t next = (size_t)span_end(lines);

	if (r->node->style != STYLE_LITERAL || lines.off != r->node->text_at.off ||
	    next >= span_end(r->node->text_at))
		return true;
	return blanks_at(r->text, (size_t)lines.off) == blanks_at(r->text, next);
}

/* The lines of the last section end where the next begins, if nothing is between. */
static void end_section(struct reader *r, size_t from_line, size_t to_line)
{
	struct incus_section *s = &r->sections.v[r->sections.n - 1];

	if (s->nkeys > 0)
		return;
	s->lines = whole_lines(r, from_line, to_line);
	if (!keeps_indentation(r, s->lines))
		s->lines.len = 0;
}

/* ---- the sections as options of QEMU ---- */

static size_t offset(const struct reader *r, const char *p)
{
	return (size_t)(p - r->value.p);
}

static struct span place_of(const struct reader *r, struct str s)
{
	size_t from = offset(r, s.p);

	return place(r, from, from + s.n);
}

static struct node *add_node(struct reader *r, struct node *up, enum node_kind kind,
			     struct span at)
{
	struct node *n = node_try_new(r->a, up);

	r->full = r->full || !n;
	if (!n)
		return NULL;
	n->kind = kind;
	n->syntax = SYNTAX_INI;
	n->key_at = (struct span){ at.src, at.off, 0 };
	n->text_at = n->open_at = n->whole = at;
	return n;
}

/* The sections of that name that Incus itself writes have more settings, and those of other
 * devices have no others. */
static bool is_new(struct str kind, struct str id, struct str rest)
{
	if (rest.n || (!str_is(kind, "device") && !str_is(kind, "drive")))
		return false;
	return id.n > 0 && !str_starts(id, "qemu_") && !str_starts(id, "dev-") &&
	       !str_starts(id, "incus_") && !str_starts(id, "lxd_") &&
	       !str_is(id, "intel-iommu") && !str_is(id, "vmgenid0");
}

/* 'device "x"', and what is behind its bracket. */
static void add_section(struct reader *r, struct incus_section *s, struct str rest)
{
	const char *blank = memchr(s->name.p, ' ', s->name.n);
	struct str kind = { s->name.p, blank ? (size_t)(blank - s->name.p) : s->name.n };
	struct str id = str_trim((struct str){ kind.p + kind.n, s->name.n - kind.n });
	struct node *n;

	s->map = add_node(r, NULL, NODE_MAP, s->at);
	if (!s->map)
		return;
	s->map->style = r->node->style == STYLE_LITERAL ? STYLE_LITERAL : STYLE_DOUBLE;
	s->map->key = kind;
	s->map->key_at = place_of(r, kind);
	s->map->text_at = (struct span){ s->at.src, span_end(s->at), 0 };
	if (id.n > 2 && id.p[0] == '"' && id.p[id.n - 1] == '"') {
		n = add_node(r, s->map, NODE_SCALAR, place_of(r, id));
		id = (struct str){ id.p + 1, id.n - 2 };
		if (n) {
			n->key = STR("id");
			n->text = id;
			n->text_at = place_of(r, id);
		}
	}
	if (!is_new(kind, id, rest))
		add_node(r, s->map, NODE_OPAQUE,
			 (struct span){ s->at.src, s->at.off, 0 });
}

/* key = value; an empty one takes away what Incus says. */
static void add_setting(struct reader *r, struct incus_section *s, struct str key,
			struct str value, struct span at)
{
	bool quoted = value.n > 1 && value.p[0] == '"';
	bool odd = value.n == 0 || str_is(value, "\"\"") ||
		   memchr(value.p, '\\', value.n) != NULL;
	struct node *n = add_node(r, s->map, odd ? NODE_OPAQUE : NODE_SCALAR, at);

	if (!n)
		return;
	n->style = quoted ? STYLE_DOUBLE : STYLE_PLAIN;
	n->key = key;
	n->key_at = place_of(r, key);
	n->open_at = place_of(r, value);
	n->text = quoted ? (struct str){ value.p + 1, value.n - 2 } : value;
	n->text_at = place_of(r, n->text);
	s->map->whole.len = span_end(at) - s->map->whole.off;
	s->map->text_at.len = span_end(at) - s->map->text_at.off;
	/* A section without settings takes one away, and is none. */
	if (s->map->up)
		return;
	s->map->up = r->root;
	if (r->root->last)
		r->root->last->next = s->map;
	else
		r->root->first = s->map;
	r->root->last = s->map;
}

static bool is_number(struct str s)
{
	uint64_t n;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = (struct str){ s.p + 1, s.n - 1 };
	return str_u64(s, &n);
}

static bool read_header(struct reader *r, struct str line, struct span at)
{
	const char *end = memchr(line.p, ']', line.n);
	struct incus_section *s;
	struct str rest;

	if (!end || end == line.p + 1)
		return flaw(r, at, "a section header without a name, expected '[name]'");
	rest = (struct str){ end + 1, (size_t)(line.p + line.n - end) - 1 };
	if (rest.n && !(rest.n > 2 && rest.p[0] == '[' && rest.p[rest.n - 1] == ']' &&
			is_number((struct str){ rest.p + 1, rest.n - 2 })))
		return flaw(r, at,
			    "something behind a section header, expected at most an "
			    "index such as [0]");
	if (r->sections.n == SECTIONS_MAX)
		return false;
	s = vec_add(&r->sections, r->a);
	s->name = str_trim((struct str){ line.p + 1, (size_t)(end - line.p) - 1 });
	s->at = at;
	s->lines = (struct span){ at.src, at.off, 0 };
	s->first = true;
	for (size_t i = 0; i + 1 < r->sections.n; i++) {
		if (str_eq(r->sections.v[i].name, s->name))
			s->first = false;
	}
	add_section(r, s, rest);
	return !r->full;
}

/* strconv.Unquote() */
static bool is_quoted(struct str s)
{
	if (s.n < 2 || s.p[s.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '"')
			return false;
		if (s.p[i] != '\\')
			continue;
		if (i + 2 >= s.n || !strchr("abfnrtv\\\"xuU01234567", s.p[i + 1]))
			return false;
		i++;
	}
	return true;
}

static bool read_property(struct reader *r, struct str line, struct span at)
{
	const char *eq = memchr(line.p, '=', line.n);
	struct str value;

	if (line.p[0] == '#' || line.p[0] == ';')
		return flaw(r, at, "a comment, expected '[section]' or 'key = value'");
	if (r->sections.n == 0)
		return flaw(r, at, "a line before the first section header");
	if (!eq || eq == line.p)
		return flaw(r, at,
			    "a line that is neither '[section]' nor 'key = value'");
	value = str_trim((struct str){ eq + 1, (size_t)(line.p + line.n - eq) - 1 });
	if (str_starts(value, "\"") && !is_quoted(value))
		return flaw(r, at, "a value whose quotes do not match");
	r->sections.v[r->sections.n - 1].nkeys++;
	add_setting(r, &r->sections.v[r->sections.n - 1],
		    str_trim((struct str){ line.p, (size_t)(eq - line.p) }), value, at);
	return !r->full;
}

static bool read_lines(struct reader *r)
{
	size_t header = 0, next;

	for (size_t from = 0; from < r->value.n; from = next) {
		const char *nl = memchr(r->value.p + from, '\n', r->value.n - from);
		size_t end = nl ? (size_t)(nl - r->value.p) : r->value.n;
		struct str line = str_trim((struct str){ r->value.p + from, end - from });
		size_t begin = line.n ? (size_t)(line.p - r->value.p) : from;
		struct span at;

		next = nl ? end + 1 : end;
		if (line.n == 0)
			continue;
		at = place(r, begin, begin + line.n);
		if (line.p[0] != '[') {
			if (!read_property(r, line, at))
				return false;
			continue;
		}
		if (r->sections.n)
			end_section(r, header, from);
		header = from;
		if (!read_header(r, line, at))
			return false;
	}
	if (r->sections.n)
		end_section(r, header, r->value.n);
	return true;
}

const struct incus_override *incus_override(const struct node *value, struct view text,
					    struct arena *a)
{
	struct reader r = { .node = value, .text = text, .a = a };
	struct buf decoded = { 0 };

	r.o = arena_try_new(a, struct incus_override);
	r.at = arena_try_array(a, 2 * (value->whole.len + 2), uint32_t);
	r.root = add_node(&r, NULL, NODE_MAP, value->whole);
	if (!r.o || !r.at || !r.root)
		return NULL;
	r.value = value->text;
	if (yaml_places(text, value, &decoded, r.at))
		read_lines(&r);
	buf_free(&decoded);
	r.o->sections = r.sections.v;
	r.o->nsections = r.sections.n;
	r.o->root = r.root;
	return r.full ? NULL : r.o;
}

bool incus_override_says(const struct incus_override *o, const char *kind,
			 const char *key)
{
	for (size_t i = 0; i < o->nsections; i++) {
		const struct incus_section *s = &o->sections[i];

		if (str_is(s->map->key, kind) &&
		    (s->nkeys == 0 || node_child(s->map, key)))
			return true;
	}
	return o->flaw != NULL;
}
