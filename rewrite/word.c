/* Edits of words, in whatever they are written: each layer of quotes writes what the
 * one within it wants.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "rewrite/text.h"
#include "base/banned.h"

/* No shell, XML, JSON, YAML or HCL reads these in a way of its own within a word. */
static bool is_bare(char c)
{
	return c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789_./:+-=,",
			   c);
}

/* What may not stand there at all. */
static bool is_refused(enum word_code code, char c, char quote)
{
	/* JSON over several lines, between quotes. */
	if ((uint8_t)c < ' ')
		return !(code == WORD_SHELL && quote && (c == '\n' || c == '\t'));
	switch (code) {
	case WORD_BARE:
		return !is_bare(c);
	case WORD_FLOW:
		return !is_bare(c) || c == ',';
	case WORD_SHELL:
		return c == '!' || (quote == '\'' ? c == '\'' : quote && quote != '"');
	case WORD_BLANKS:
		return c == '"' || (c == ' ' && !quote);
	case WORD_SYSTEMD:
		return !quote && (c == ';' || c == ' ');
	case WORD_LINE:
	case WORD_XML:
	case WORD_JSON:
	case WORD_HCL:
	case WORD_YAML_SINGLE:
		return false;
	}
	BUG("code %u", code);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

/* What stands before c; NULL: it is written in another way. */
static const char *before(enum word_code code, char c, char next, char quote)
{
	switch (code) {
	case WORD_SHELL:
		if (quote == '"')
			return strchr("$`\"\\", c) ? "\\" : "";
		return quote || is_bare(c) || strchr("@%", c) ? "" : "\\";
	case WORD_SYSTEMD:
		if (c == '%' || c == '$')
			return c == '%' ? "%" : "$";
		return c == '\\' || c == quote || (!quote && (c == '"' || c == '\''))
			       ? "\\"
			       : "";
	case WORD_XML:
		return entity(c) ? NULL : "";
	case WORD_HCL:
		if (next == '{' && (c == '$' || c == '%'))
			return c == '$' ? "$" : "%";
		return c == '"' || c == '\\' ? "\\" : "";
	case WORD_JSON:
		return c == '"' || c == '\\' ? "\\" : "";
	case WORD_YAML_SINGLE:
		return c == '\'' ? "'" : "";
	case WORD_BARE:
	case WORD_FLOW:
	case WORD_BLANKS:
	case WORD_LINE:
		return "";
	}
	BUG("code %u", code);
}

/* ---- the text of one ---- */

/* text, as it stands in a word of that code between such quotes ('\0': none). */
static bool add_written(struct plan *p, struct buf *b, enum word_code code, char quote,
			struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		const char *lead;

		if (is_refused(code, c, quote))
			return plan_refuse(p, "'%s' would need other quotes there",
					   str_shown(p->arena, text));
		lead = before(code, c, i + 1 < text.n ? text.p[i + 1] : '\0', quote);
		buf_add(b, str_of(lead ? lead : entity(c)));
		if (lead)
			buf_char(b, c);
	}
	return true;
}

bool plan_word(struct plan *p, const struct word *w, size_t from, size_t to,
	       struct str text)
{
	const struct word *in = w->outer ? w->inner : w;
	const struct word_part *part;
	struct buf b = { 0 };
	struct str written;
	struct span at;
	char quote = '\0';

	if (w->fixed)
		return plan_refuse(p, "its word cannot be edited: %s", w->fixed);
	if (!text_load(p))
		return false;
	if (!word_cut(in, from, to, &at, &part))
		return plan_refuse(p, "quotes begin or end within it");
	if (part)
		quote = w->outer ? w->outer->text.p[part->all.off]
				 : (char)p->text.p[part->all.off];
	if (!add_written(p, &b, w->code, quote, text)) {
		buf_free(&b);
		return false;
	}
	written = text_kept(p, &b);
	if (w->outer)
		return plan_word(p, w->outer, (size_t)at.off, (size_t)span_end(at),
				 written);
	/* Behind a plain scalar something else could begin: it is that scalar which grows. */
	if ((w->code == WORD_BARE || w->code == WORD_FLOW) && at.len == 0 &&
	    at.off > w->at.off) {
		at = text_span(p, at.off - 1, at.off);
		written = str_of(arena_printf(p->arena, "%c%.*s", p->text.p[at.off],
					      STR_ARG(written)));
	}
	return plan_replace(p, at, written);
}

/* ---- options: one word or two, among others ---- */

/* Words i and i + 1 stand in one text: "-m 1" of a list. */
static bool together(const struct qemu_command *c, size_t i)
{
	return i + 1 < c->nwords && c->words[i].outer &&
	       c->words[i].outer == c->words[i + 1].outer;
}

/* Of words [from, to), and others beside them, is one text. */
static bool is_within_text(const struct qemu_command *c, size_t from, size_t to)
{
	return (from > 0 && together(c, from - 1)) || together(c, to - 1);
}

/* What has to go for all words of its text to be gone. */
static struct span item_of(const struct word *w)
{
	if (w->outer && w->outer->item.len)
		return w->outer->item;
	return w->item.len ? w->item : w->at;
}

/* Words [from, to) with what stands around them: quotes, elements, a row. */
static struct span words_at(const struct qemu_command *c, size_t from, size_t to)
{
	const struct word *first = &c->words[from], *last = &c->words[to - 1];
	bool within = is_within_text(c, from, to);
	struct span at = within ? first->at : item_of(first);

	at.len = span_end(within ? last->at : item_of(last)) - at.off;
	return at;
}

static struct span option_at(const struct qemu_command *c, const struct qemu_option *o)
{
	return words_at(c, o->from, o->from + o->n);
}

static struct str text_between(const struct plan *p, uint64_t from, uint64_t to)
{
	if (to < from || !view_has(p->text, (size_t)from, (size_t)(to - from)))
		return STR("#");
	return str_view(view_cut(p->text, (size_t)from, (size_t)(to - from)));
}

/* Blanks, line ends and commas, and nothing that somebody said. */
static bool is_gap(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!strchr(" \t\r\n,\\", s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* What stands between words i and i + 1: within one text, or else between items. False: more
 * than a gap, or the other of the two. */
static bool gap_behind(const struct plan *p, const struct qemu_command *c, size_t i,
		       bool within, struct str *gap)
{
	struct span a, b;

	if (i + 1 >= c->nwords || together(c, i) != within)
		return false;
	a = within ? c->words[i].at : item_of(&c->words[i]);
	b = within ? c->words[i + 1].at : item_of(&c->words[i + 1]);
	*gap = text_between(p, span_end(a), b.off);
	return b.off >= span_end(a) && is_gap(*gap);
}

static uint64_t line_of(const struct plan *p, uint64_t at)
{
	while (at > 0 && p->text.p[at - 1] != '\n')
		at--;
	return at;
}

/* What parts o from another option: what does so beside it, or within it. */
static struct str gap_of(struct plan *p, const struct qemu_command *c,
			 const struct qemu_option *o)
{
	struct span at = option_at(c, o);
	uint64_t line = line_of(p, at.off);
	struct str gap, lead = text_between(p, line, at.off);
	bool within = is_within_text(c, o->from, o->from + o->n);

	if (gap_behind(p, c, o->from + o->n - 1, within, &gap) ||
	    (o->from > 0 && gap_behind(p, c, o->from - 1, within, &gap)) ||
	    (o->n > 1 && gap_behind(p, c, o->from, within, &gap)))
		return gap;
	/* The only row of a list. */
	if (line > 0 && str_trim(lead).n == 0)
		return str_of(arena_printf(p->arena, ",\n%.*s", STR_ARG(lead)));
	return STR(", ");
}

/* Where a word's text stands, which another one is to take the place of. */
static bool text_of(const struct word *w, struct span *at)
{
	const struct word_part *in;

	*at = w->at;
	return w->outer || w->list ||
	       (w->nparts > 0 && word_cut(w, 0, w->text.n, at, &in));
}

/* The text of a new word like w, without quotes of its own. */
static bool add_text(struct plan *p, struct buf *b, const struct word *w,
		     const char *text)
{
	struct buf inner = { 0 };
	bool ok = add_written(p, &inner, w->code, '\0', str_of(text));

	if (ok && w->outer)
		ok = add_text(p, b, w->outer, text_kept(p, &inner).p);
	else if (ok)
		buf_add(b, text_kept(p, &inner));
	else
		buf_free(&inner);
	return ok;
}

/* o with other words. */
static bool copy_option(struct plan *p, struct buf *b, const struct qemu_command *c,
			const struct qemu_option *o, const char *const *words)
{
	struct span whole = option_at(c, o), at;
	uint64_t from = whole.off;

	for (size_t i = 0; i < o->n; i++) {
		const struct word *w = &c->words[o->from + i];
		struct str between;

		if (w->fixed || !text_of(w, &at))
			return plan_refuse(p, "the words beside it cannot be copied");
		between = text_between(p, from, at.off);
		if (str_has(between, "#") || str_has(between, "//") ||
		    str_has(between, "--"))
			return plan_refuse(p, "there is a comment between its words");
		buf_add(b, between);
		if (!add_text(p, b, w, words[i]))
			return false;
		from = span_end(at);
	}
	buf_add(b, text_between(p, from, span_end(whole)));
	return true;
}

static bool add_words(struct plan *p, const struct qemu_option *o, bool behind,
		      const char *name, const char *value)
{
	struct span at = behind && o->value ? o->value->at : o->word->at;
	uint64_t off = behind ? span_end(at) : at.off;

	return text_insert(p, off,
			   str_of(arena_printf(p->arena, "%s%s%s%s%s", behind ? " " : "",
					       name, value ? " " : "", value ? value : "",
					       behind ? "" : " ")));
}

bool plan_add_option(struct plan *p, const struct qemu_command *c,
		     const struct qemu_option *o, bool behind, const char *name,
		     const char *value)
{
	const char *const words[] = { name, value };
	struct buf b = { 0 };
	struct span at;
	struct str gap;

	if (!text_load(p))
		return false;
	if (c->blanks)
		return add_words(p, o, behind, name, value);
	if (!c->words || o->n != (value ? 2 : 1) ||
	    (o->n == 2 && !together(c, o->from) &&
	     is_within_text(c, o->from, o->from + 2)))
		return plan_refuse(p, "there is no option of its kind beside it");
	at = option_at(c, o);
	gap = gap_of(p, c, o);
	if (behind)
		buf_add(&b, gap);
	if (!copy_option(p, &b, c, o, words)) {
		buf_free(&b);
		return false;
	}
	if (!behind)
		buf_add(&b, gap);
	return text_insert(p, behind ? span_end(at) : at.off, text_kept(p, &b));
}

/* The whole lines of a run that has them alone. */
static struct span with_lines(const struct plan *p, struct span at)
{
	uint64_t from = line_of(p, at.off), to = span_end(at);

	while (to < p->text.n && strchr(" \t\r", p->text.p[to]))
		to++;
	if (str_trim(text_between(p, from, at.off)).n > 0 || to == p->text.n ||
	    p->text.p[to] != '\n')
		return at;
	return text_span(p, from, to + 1);
}

/* Words of one text, or all of those of some. */
static bool remove_words(struct plan *p, const struct qemu_command *c, size_t from,
			 size_t to)
{
	bool within = is_within_text(c, from, to);
	struct span at = words_at(c, from, to);
	uint64_t end = span_end(at);
	struct str gap;

	if (gap_behind(p, c, to - 1, within, &gap)) {
		end += gap.n;
	} else if (from > 0 && (within || to == c->nwords) &&
		   gap_behind(p, c, from - 1, within, &gap)) {
		at.off -= gap.n;
	} else {
		/* The only one, or one beside a comment: with the comma behind it. */
		while (end < p->text.n && strchr(" \t", p->text.p[end]))
			end++;
		end = end < p->text.n && p->text.p[end] == ',' ? end + 1 : span_end(at);
		at = with_lines(p, text_span(p, at.off, end));
		end = span_end(at);
	}
	return plan_replace(p, text_span(p, at.off, end), STR(""));
}

/* Its value is a word of the same list; what is a map goes with the option anyway. */
static bool is_text_beside(const struct qemu_option *o)
{
	return o->value_node && o->value_node->kind != NODE_MAP &&
	       o->value_node->up == o->node->up && o->node->syntax == SYNTAX_SHELL;
}

bool plan_remove_option(struct plan *p, const struct qemu_command *c,
			const struct qemu_option *o)
{
	size_t from = o->from, to = o->from + o->n;

	if (o->node && o->node->up && !is_text_beside(o))
		return plan_remove_node(p, o->node);
	if (o->node && o->node->up)
		return text_load(p) && text_remove_words(p, o->node->whole.off,
							 span_end(o->value_node->whole));
	if (!c->words || o->word->fixed || !text_load(p))
		return plan_refuse(p, "its words cannot be edited");
	/* The name at the end of one text, and the value at the begin of another one. */
	if (o->n == 2 && !together(c, from) && is_within_text(c, from, to))
		return remove_words(p, c, from, from + 1) &&
		       remove_words(p, c, from + 1, to);
	return remove_words(p, c, from, to);
}
