/* What must hold of every XML text, for the unit tests, the fuzzer and the run over real
 * files: the tree's places lie as they must, what stands there decodes to what the tree
 * says, and our verdict agrees with libxml2's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_XML_FLAWS_H
#define TESTS_LIB_XML_FLAWS_H

#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct flaws {
	struct view text;
	const char *what; /* the first flaw, or NULL */
	char said[200];   /* what the last text was refused with */
	const struct node *node;
	unsigned long accepted, refused, limits; /* texts so far */
};

static bool flaw(struct flaws *f, const struct node *n, const char *what)
{
	if (!f->what) {
		f->what = what;
		f->node = n;
	}
	return false;
}

#define HOLDS(f, n, cond) ((cond) || flaw((f), (n), #cond))

static struct str bytes_at(const struct flaws *f, uint64_t from, uint64_t to)
{
	return str_view(view_cut(f->text, (size_t)from, (size_t)(to - from)));
}

/* ---- a decoder of its own ---- */

static void add_reference(struct buf *out, struct str name)
{
	static const char *const names[] = { "lt", "gt", "amp", "quot", "apos" };
	uint8_t utf8[4];

	for (size_t i = 0; i < 5; i++) {
		if (str_is(name, names[i]))
			buf_char(out, "<>&\"'"[i]);
	}
	if (name.n > 1 && name.p[0] == '#') {
		char digits[64] = "";
		size_t skip = name.p[1] == 'x' ? 2 : 1;

		/* Leading zeros may be many. */
		while (skip + 1 < name.n && name.p[skip] == '0')
			skip++;
		snprintf(digits, sizeof(digits), "%.*s", (int)(name.n - skip),
			 name.p + skip);
		buf_add_bytes(out, utf8,
			      utf8_put((uint32_t)strtoul(digits, NULL,
							 name.p[1] == 'x' ? 16 : 10),
				       utf8));
	}
}

/* Line ends first, as 2.11 has it, then piece by piece. */
static void decode(struct buf *out, struct str raw, bool attribute)
{
	struct buf b = { 0 };
	char *p, *end;

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\r')
			buf_char(&b, raw.p[i]);
		else if (i + 1 == raw.n || raw.p[i + 1] != '\n')
			buf_char(&b, '\n');
	}
	buf_char(&b, '\0');
	for (p = b.p; *p; p = end) {
		if (*p == '&') {
			end = strchr(p, ';') + 1;
			add_reference(out, (struct str){ p + 1, (size_t)(end - p) - 2 });
		} else if (strncmp(p, "<![CDATA[", 9) == 0) {
			end = strstr(p, "]]>") + 3;
			buf_add_bytes(out, p + 9, (size_t)(end - p) - 12);
		} else if (*p == '<') {
			end = p[1] == '!' ? strstr(p + 4, "-->") + 3
					  : strstr(p, "?>") + 2;
		} else {
			end = p + 1;
			buf_char(out, attribute && isspace((unsigned char)*p) ? ' ' : *p);
		}
	}
	buf_free(&b);
}

/* ---- places ---- */

static bool is_blank_run(struct str s)
{
	return str_trim(s).n == 0;
}

/* Text, comments, instructions, CDATA: no tag begins here. */
static bool is_without_tags(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		struct str rest = { s.p + i, s.n - i };
		const char *end = NULL;

		if (s.p[i] != '<')
			continue;
		if (str_starts(rest, "<!--"))
			end = memmem(rest.p + 4, rest.n - 4, "-->", 3);
		else if (str_starts(rest, "<![CDATA["))
			end = memmem(rest.p, rest.n, "]]>", 3);
		else if (str_starts(rest, "<?"))
			end = memmem(rest.p, rest.n, "?>", 2);
		if (!end)
			return false;
		i = (size_t)(end - s.p);
	}
	return true;
}

static bool name_holds(struct flaws *f, const struct node *n)
{
	struct str raw = bytes_at(f, n->key_at.off, span_end(n->key_at));
	size_t prefix = raw.n - n->key.n;

	return HOLDS(f, n, raw.n >= n->key.n) &&
	       HOLDS(f, n, memcmp(raw.p + prefix, n->key.p, n->key.n) == 0) &&
	       HOLDS(f, n, prefix == 0 || raw.p[prefix - 1] == ':') &&
	       HOLDS(f, n, prefix == 0 || n->ns.n > 0);
}

static bool attribute_holds(struct flaws *f, const struct node *n)
{
	struct str raw = bytes_at(f, n->whole.off, span_end(n->whole));
	struct buf b = { 0 };
	bool same;

	decode(&b, bytes_at(f, n->text_at.off, span_end(n->text_at)), true);
	same = str_eq(n->text, (struct str){ b.p, b.n });
	buf_free(&b);
	return HOLDS(f, n, same) && HOLDS(f, n, n->key_at.off == n->whole.off) &&
	       HOLDS(f, n, span_end(n->text_at) + 1 == span_end(n->whole)) &&
	       HOLDS(f, n, n->text_at.off > span_end(n->key_at)) &&
	       HOLDS(f, n, f->text.p[n->text_at.off - 1] == raw.p[raw.n - 1]) &&
	       HOLDS(f, n, raw.p[raw.n - 1] == '"' || raw.p[raw.n - 1] == '\'') &&
	       HOLDS(f, n,
		     n->open_at.off == n->whole.off && n->open_at.len == n->whole.len) &&
	       HOLDS(f, n, !n->first && !n->last);
}

/* Attributes with blanks before them, then elements with anything but tags between. */
static bool children_hold(struct flaws *f, const struct node *n)
{
	uint64_t at = span_end(n->key_at);
	const struct node *last = NULL;
	struct buf own = { 0 };
	bool elements = false, good;

	for_each_node (c, n) {
		if (c->kind == NODE_ELEMENT && !elements) {
			elements = true;
			at = n->text_at.off;
		}
		if (!HOLDS(f, c, c->up == n) || !HOLDS(f, c, c->whole.off >= at) ||
		    !HOLDS(f, c, (c->kind == NODE_ELEMENT) == elements) ||
		    !HOLDS(f, c,
			   span_end(c->whole) <=
				   span_end(elements ? n->text_at : n->open_at)))
			return false;
		if (!elements &&
		    !HOLDS(f, c,
			   c->whole.off > at &&
				   is_blank_run(bytes_at(f, at, c->whole.off))))
			return false;
		if (elements &&
		    !HOLDS(f, c, is_without_tags(bytes_at(f, at, c->whole.off))))
			return false;
		if (elements)
			decode(&own, bytes_at(f, at, c->whole.off), false);
		at = span_end(c->whole);
		last = c;
	}
	if (!elements)
		at = n->text_at.off;
	decode(&own, bytes_at(f, at, span_end(n->text_at)), false);
	good = HOLDS(f, n, n->last == last) &&
	       HOLDS(f, n, is_without_tags(bytes_at(f, at, span_end(n->text_at)))) &&
	       HOLDS(f, n, str_eq(n->text, str_trim((struct str){ own.p, own.n })));
	buf_free(&own);
	return good;
}

static bool element_holds(struct flaws *f, const struct node *n)
{
	struct str open = bytes_at(f, n->open_at.off, span_end(n->open_at));
	struct str name = bytes_at(f, n->key_at.off, span_end(n->key_at));
	struct str close = bytes_at(f, span_end(n->text_at), span_end(n->whole));
	struct span value = node_value_at(n);

	if (!HOLDS(f, n, str_starts(open, "<") && str_ends(open, ">")) ||
	    !HOLDS(f, n, n->key_at.off == n->open_at.off + 1) ||
	    !HOLDS(f, n, n->whole.off == n->open_at.off) ||
	    !HOLDS(f, n, n->text_at.off == span_end(n->open_at)) ||
	    !HOLDS(f, n, n->self_closing == str_ends(open, "/>")) ||
	    !HOLDS(f, n,
		   value.off >= n->text_at.off &&
			   span_end(value) <= span_end(n->text_at)))
		return false;
	if (n->self_closing)
		return HOLDS(f, n, close.n == 0 && n->text.n == 0);
	return HOLDS(f, n, close.n >= 3 + name.n) &&
	       HOLDS(f, n, str_starts(close, "</")) &&
	       HOLDS(f, n, memcmp(close.p + 2, name.p, name.n) == 0) &&
	       HOLDS(f, n,
		     is_blank_run((struct str){ close.p + 2 + name.n,
						close.n - 3 - name.n })) &&
	       HOLDS(f, n, str_ends(close, ">"));
}

static bool tree_holds(struct flaws *f, const struct node *root)
{
	const struct node *n = root;

	while (n) {
		if (!name_holds(f, n) ||
		    !(n->kind == NODE_ATTRIBUTE
			      ? attribute_holds(f, n)
			      : element_holds(f, n) && children_hold(f, n)))
			return false;
		if (!HOLDS(f, n, node_at(root, n->whole) == n))
			return false;
		if (n->first) {
			n = n->first;
			continue;
		}
		while (n && !n->next)
			n = n->up;
		n = n ? n->next : NULL;
	}
	return true;
}

/* ---- verdicts ---- */

/* Where we are stricter than libxml2, on purpose. */
static bool is_policy(const char *what)
{
	static const char *const policies[] = {
		"document type declarations are not accepted",
		"holds more than the names",
		"is no entity of XML", /* a property list's could be elsewhere */
		"only UTF-8 and US-ASCII are read",
		"which is the declared encoding",
		"is no name: at most one colon",
		"is no name for an instruction",
		"are reserved",
		"a blank is missing in the XML declaration", /* before standalone */
		": 1.0 was expected",                        /* it takes "1." */
		"is declared without a namespace",
		"appears twice",    /* two prefixes of one namespace */
		"character U+0000", /* libxml2 takes it for the end of the text */
		"an XML declaration may only stand at the very start", /* <?XML?> */
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strstr(what, policies[i]))
			return true;
	}
	return false;
}

/* False: f->what says what is wrong with our reading of this text. */
static bool reading_holds(struct flaws *f, struct view text)
{
	const struct syntax_error *bad;
	struct source src = source_of_bytes("text", text);
	struct err e = { 0 };
	struct arena a;
	struct node *root;
	bool good;

	f->text = text;
	arena_init(&a, ARENA_BUDGET);
	if (xml_read(&src, text, &a, &root, &bad, &e) != 0) {
		f->limits++;
		good = HOLDS(f, NULL, e.code == ERR_LIMIT || e.code == ERR_UNSUPPORTED) &&
		       HOLDS(f, NULL, !root && e.msg[0]);
	} else if (bad) {
		f->refused++;
		snprintf(f->said, sizeof(f->said), "%llu: %s",
			 (unsigned long long)bad->at.off, bad->what);
		good = HOLDS(f, NULL,
			     !root && range_within(bad->at.off, bad->at.len, text.n)) &&
		       HOLDS(f, NULL, strncmp(bad->what, "read differently", 16) != 0) &&
		       HOLDS(f, NULL, strncmp(bad->what, "libxml2 refuses", 15) != 0) &&
		       HOLDS(f, NULL, is_policy(bad->what) || !xml_accepts(text));
	} else {
		f->accepted++;
		good = HOLDS(f, NULL, root && xml_accepts(text)) && tree_holds(f, root);
	}
	arena_free(&a);
	return good;
}

#endif
