/* The judge of an edited script, or of another text of words (a systemd unit): every byte
 * that no edit touches is read as it was before. It knows quotes, comments and line ends,
 * and nothing of the reader in analyze/config/shell*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "base/banned.h"

/* What a byte is to the one behind it. */
enum reading {
	READ_BLANK = ' ',
	READ_END = '\n', /* of a line or a command */
	READ_WORD = 'w',
	READ_COMMENT = '#',
	READ_SINGLE = '\'',
	READ_DOUBLE = '"',
	READ_ESCAPED = '\\', /* behind a backslash */
	READ_BROKEN = '!',   /* a backslash in double quotes */
};

static enum reading read_outside(enum reading before, uint8_t c)
{
	if (c == '#' && (before == READ_BLANK || before == READ_END))
		return READ_COMMENT;
	switch (c) {
	case '\'':
		return READ_SINGLE;
	case '"':
		return READ_DOUBLE;
	case '\\':
		return READ_ESCAPED;
	case ' ':
	case '\t':
		return READ_BLANK;
	case '\n':
	case ';':
	case '&':
	case '|':
	case '(':
	case ')':
		return READ_END;
	default:
		return READ_WORD;
	}
}

static enum reading read_byte(enum reading before, uint8_t c)
{
	switch (before) {
	case READ_COMMENT:
		return c == '\n' ? READ_END : READ_COMMENT;
	case READ_SINGLE:
		return c == '\'' ? READ_WORD : READ_SINGLE;
	case READ_DOUBLE:
		return c == '"' ? READ_WORD : c == '\\' ? READ_BROKEN : READ_DOUBLE;
	case READ_BROKEN:
		return READ_DOUBLE;
	case READ_ESCAPED:
		return c == '\n' ? READ_BLANK : READ_WORD;
	case READ_BLANK:
	case READ_END:
	case READ_WORD:
		break;
	}
	return read_outside(before, c);
}

static uint8_t *read_text(struct view v, struct arena *a)
{
	uint8_t *how = arena_alloc(a, v.n + 1, 1);
	enum reading r = READ_END;

	for (size_t i = 0; i < v.n; i++) {
		r = read_byte(r, v.p[i]);
		how[i] = (uint8_t)r;
	}
	return how;
}

static const struct edit *next_edit(const struct plan *p, uint64_t from,
				    const struct edit *after)
{
	const struct edit *best = NULL;

	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (e == after || e->at.off < from)
			continue;
		if (!best || e->at.off < best->at.off ||
		    (e->at.off == best->at.off && e->at.len < best->at.len))
			best = e;
	}
	return best;
}

struct pair {
	struct view before, after;
	const uint8_t *was, *is;
};

/* A run that no edit touches. */
static bool same_run(const struct pair *t, size_t from, size_t to, size_t end)
{
	if (!view_has(t->after, to, end - from))
		return false;
	for (size_t i = 0; i < end - from; i++) {
		if (t->before.p[from + i] != t->after.p[to + i] ||
		    t->was[from + i] != t->is[to + i])
			return false;
	}
	return true;
}

/* What would begin another command, or expand. */
static bool is_harmless(struct view added)
{
	for (size_t i = 0; i < added.n; i++) {
		if (memchr(";&|()<>`$!*?", added.p[i], 12))
			return false;
	}
	return true;
}

bool judge_shell(struct view before, struct view after, const struct plan *p,
		 struct arena *a, const char **why)
{
	struct pair t = { before, after, read_text(before, a), read_text(after, a) };
	const struct edit *e = next_edit(p, 0, NULL);
	size_t from = 0, to = 0;

	*why = NULL;
	for (;;) {
		size_t end = e ? (size_t)e->at.off : before.n;

		if (end < from || !same_run(&t, from, to, end)) {
			*why = "a part that no edit touches would be read in another way";
			return false;
		}
		to += end - from;
		if (!e)
			break;
		if (!is_harmless(e->bytes)) {
			*why = "an edit would add what a shell reads in a way of its own";
			return false;
		}
		from = (size_t)span_end(e->at);
		to += e->bytes.n;
		e = next_edit(p, from, e);
	}
	if (to != after.n)
		*why = "the text would be longer than its edits say";
	return !*why;
}
