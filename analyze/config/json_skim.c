/* A look at the beginning of what may be a JSON object: enough to know whose it is.
 * RFC 8259, without the pedantry: the reader is strict.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/json.h"

#include "base/banned.h"

enum { SKIM_LEVELS = 6 };

struct skim {
	struct view text;
	size_t at;
	size_t levels; /* of which names are told */
	size_t depth;  /* opened, and not closed */
	char close[SKIM_LEVELS];
	struct str names[SKIM_LEVELS];
	bool (*see)(const struct json_glance *g, void *data);
	void *data;
};

static bool blanks(struct skim *s)
{
	while (s->at < s->text.n && memchr(" \t\r\n", s->text.p[s->at], 4))
		s->at++;
	return s->at < s->text.n;
}

/* What is between the quotes that come next; false: they do not end here. */
static bool quoted(struct skim *s, struct str *inside)
{
	size_t from = ++s->at;

	while (s->at < s->text.n && s->text.p[s->at] != '"')
		s->at += s->text.p[s->at] == '\\' ? 2 : 1;
	if (s->at >= s->text.n)
		return false;
	*inside = (struct str){ (const char *)s->text.p + from, s->at - from };
	s->at++;
	return true;
}

/* Behind all of an object or array that is deeper than anybody wants to see. */
static bool over(struct skim *s)
{
	size_t depth = 0;
	struct str skipped;

	while (s->at < s->text.n) {
		uint8_t c = s->text.p[s->at];

		if (c == '"') {
			if (!quoted(s, &skipped))
				return false;
			continue;
		}
		s->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

/* The value that comes next. True: seen, or nothing more to see. */
static bool value(struct skim *s, struct str name)
{
	uint8_t c = s->text.p[s->at];
	struct json_glance g = { .names = s->names,
				 .depth = s->depth,
				 .begins = (char)c };

	if (s->depth)
		s->names[s->depth - 1] = name;
	if (c == '"' && !quoted(s, &g.text))
		return true;
	if (s->depth && s->see(&g, s->data))
		return true;
	if (c == '{' || c == '[') {
		if (s->depth == s->levels)
			return !over(s);
		s->close[s->depth++] = c == '{' ? '}' : ']';
		s->at++;
		return false;
	}
	while (c != '"' && s->at < s->text.n &&
	       !memchr(",}] \t\r\n", s->text.p[s->at], 7))
		s->at++;
	return c == ',' || c == '}' || c == ']';
}

/* One member, item or closing bracket. True: seen, or nothing more to see. */
static bool step(struct skim *s)
{
	struct str name = { 0 };
	bool map = s->close[s->depth - 1] == '}';

	if (!blanks(s))
		return true;
	if (s->text.p[s->at] == ',') {
		s->at++;
		return false;
	}
	if (s->text.p[s->at] == (uint8_t)s->close[s->depth - 1]) {
		s->at++;
		return --s->depth == 0;
	}
	if (map) {
		if (s->text.p[s->at] != '"' || !quoted(s, &name) || !blanks(s) ||
		    s->text.p[s->at++] != ':' || !blanks(s))
			return true;
	}
	return value(s, name);
}

struct answer {
	bool (*see)(const struct json_glance *g, void *data);
	void *data;
	bool seen;
};

static bool remember(const struct json_glance *g, void *data)
{
	struct answer *a = data;

	a->seen = a->see(g, a->data);
	return a->seen;
}

bool json_skim(struct view head, size_t levels,
	       bool (*see)(const struct json_glance *g, void *data), void *data)
{
	struct answer a = { .see = see, .data = data };
	struct skim s = { .text = head, .levels = levels, .see = remember, .data = &a };

	BUG_ON(levels > SKIM_LEVELS);
	if (!blanks(&s) || s.text.p[s.at] != '{' || value(&s, (struct str){ 0 }))
		return false;
	while (!step(&s))
		;
	return a.seen;
}
