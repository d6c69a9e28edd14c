/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/yaml.h"
#include "analyze/config/yaml_tree.h"
#include "base/banned.h"

static bool is_utf16(struct view v)
{
	return v.n >= 2 &&
	       ((v.p[0] == 0xff && v.p[1] == 0xfe) || (v.p[0] == 0xfe && v.p[1] == 0xff));
}

/* From a place to the end of its line. */
static struct span rest_of_line(const struct yaml_tree *t, size_t from)
{
	size_t to = from;

	while (to < t->text.n && t->text.p[to] != '\n' && t->text.p[to] != '\r')
		to++;
	return (struct span){ .src = t->src, .off = from, .len = to - from };
}

/* Is this line's indentation made with tabs? */
static bool is_tab_indented(const struct yaml_tree *t, size_t at, size_t *tab)
{
	size_t from = at;

	while (from > 0 && t->text.p[from - 1] != '\n' && t->text.p[from - 1] != '\r')
		from--;
	for (; from < t->text.n && strchr(" \t", t->text.p[from]) && t->text.p[from];
	     from++) {
		if (t->text.p[from] == '\t') {
			*tab = from;
			return true;
		}
	}
	return false;
}

static void refused(struct yaml_tree *t, const yaml_parser_t *p)
{
	size_t at = p->error == YAML_READER_ERROR
			    ? (size_t)u64_min(p->problem_offset, t->text.n)
			    : yaml_byte_of(&t->index, &p->problem_mark);
	const char *what = p->problem ? p->problem : "no reason given";
	size_t tab;

	if (p->error == YAML_READER_ERROR)
		yaml_tree_bad(t, (struct span){ t->src, at, at < t->text.n },
			      "libyaml refuses it: %s", what);
	else if (is_tab_indented(t, at, &tab))
		yaml_tree_bad(t, (struct span){ t->src, tab, 1 },
			      "a tab where YAML expects blanks: indentation has no tabs");
	else if (p->context)
		yaml_tree_bad(t, rest_of_line(t, at),
			      "libyaml refuses it: %s, %s that begins in line %zu", what,
			      p->context, p->context_mark.line + 1);
	else
		yaml_tree_bad(t, rest_of_line(t, at), "libyaml refuses it: %s", what);
}

/* 0, or -1: t->e says why, or (t->bad) the text is broken. */
static int read_events(struct yaml_tree *t, yaml_parser_t *p)
{
	yaml_event_t ev;
	bool good = true, ended = false;

	while (good && !ended) {
		if (!yaml_parser_parse(p, &ev)) {
			if (p->error == YAML_MEMORY_ERROR)
				return err_set(t->e, ERR_LIMIT,
					       "libyaml has no memory for this text");
			refused(t, p);
			return -1;
		}
		ended = ev.type == YAML_STREAM_END_EVENT;
		good = yaml_tree_event(t, &ev);
		yaml_event_delete(&ev);
	}
	return good ? 0 : -1;
}

static struct node *root_of(const struct yaml_tree *t)
{
	struct node *only = t->stream->first;

	if (t->documents != 1)
		return t->stream;
	only->up = NULL;
	return only;
}

int yaml_read(const struct source *src, struct view text, struct arena *a,
	      struct node **root, const struct syntax_error **bad, struct err *e)
{
	struct yaml_tree *t = arena_new(a, struct yaml_tree);
	yaml_parser_t p;
	int rc;

	*root = NULL;
	*bad = NULL;
	if (text.n > YAML_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "has %zu bytes, YAML of up to %d is read",
			       text.n, YAML_SIZE_MAX);
	if (is_utf16(text))
		return err_set(
			e, ERR_UNSUPPORTED,
			"is text in UTF-16, only UTF-8 is read: convert it with iconv");
	if (!yaml_parser_initialize(&p))
		return err_set(e, ERR_LIMIT, "libyaml has no memory for this text");
	*t = (struct yaml_tree){
		.src = src, .text = text, .a = a, .e = e, .index = yaml_index(text)
	};
	t->stream = arena_new(a, struct node);
	*t->stream = (struct node){ .kind = NODE_STREAM, .syntax = SYNTAX_YAML };
	t->stream->whole = t->stream->text_at =
		(struct span){ .src = src, .off = 0, .len = text.n };
	t->stream->open_at = (struct span){ .src = src };
	yaml_parser_set_input_string(&p, text.p ? text.p : (const uint8_t *)"", text.n);
	rc = read_events(t, &p);
	yaml_parser_delete(&p);
	buf_free(&t->scratch);
	*bad = t->bad;
	if (rc == 0) {
		*root = root_of(t);
		node_index(*root);
	}
	return rc == 0 || t->bad ? 0 : -1;
}

bool yaml_accepts(struct view text)
{
	yaml_parser_t p;
	yaml_event_t ev;
	bool good = true, ended = false;

	if (text.n > YAML_SIZE_MAX || !yaml_parser_initialize(&p))
		return false;
	yaml_parser_set_input_string(&p, text.p ? text.p : (const uint8_t *)"", text.n);
	while (good && !ended) {
		good = yaml_parser_parse(&p, &ev) == 1;
		ended = good && ev.type == YAML_STREAM_END_EVENT;
		if (good)
			yaml_event_delete(&ev);
	}
	yaml_parser_delete(&p);
	return good;
}
