/* Commands and assignments of a script.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/shell.h"
#include "analyze/config/shell_lex.h"

#include "base/banned.h"

/* A compound command that is open. */
struct block {
	char kind; /* i(f), l(oop), c(ase), {, ( */
	unsigned id;
};

struct reader {
	struct shell_lex l;
	struct shell *s;
	shell_wants *wants;
	VEC(struct word) cur; /* of the command that is being read */
	struct block blocks[SHELL_DEPTH_MAX];
	size_t depth;
	unsigned last_id;
	VEC(struct str) here; /* ends of here-documents that begin behind this line */
	bool after_and;       /* behind && or || */
};

static bool is_name_start(int c)
{
	return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_name_start(s.p[i]) && (i == 0 || s.p[i] < '0' || s.p[i] > '9'))
			return false;
	}
	return s.n > 0;
}

static bool is_one_of(struct str s, const char *const *list)
{
	for (; *list; list++) {
		if (str_is(s, *list))
			return true;
	}
	return false;
}

static bool too_much(struct reader *r, const char *why)
{
	r->l.why = why;
	return false;
}

/* ---- blocks ---- */

static unsigned block_of(const struct reader *r)
{
	return r->depth ? r->blocks[r->depth - 1].id : 0;
}

static bool open_block(struct reader *r, char kind)
{
	if (r->depth == SHELL_DEPTH_MAX)
		return too_much(r, "commands too deep to be read");
	r->blocks[r->depth++] = (struct block){ kind, ++r->last_id };
	return true;
}

/* What closes nothing is somebody else's error: it is not for us to say. */
static void close_block(struct reader *r, char kind)
{
	if (r->depth && r->blocks[r->depth - 1].kind == kind)
		r->depth--;
}

/* else, ;; : another branch. */
static void next_branch(struct reader *r)
{
	if (r->depth)
		r->blocks[r->depth - 1].id = ++r->last_id;
}

/* ---- commands ---- */

static const char *const writers[] = { "read",    "mapfile", "readarray", "getopts",
				       "unset",   "let",     "printf",    "for",
				       "select",  "local",   "export",    "declare",
				       "typeset", NULL };
static const char *const declarers[] = { "local",    "export",  "declare",
					 "readonly", "typeset", NULL };

static void note_written(struct reader *r)
{
	if (!is_one_of(r->cur.v[0].text, writers) ||
	    str_is(r->cur.v[0].text, "export")) /* of a value that it has */
		return;
	for (size_t i = 1; i < r->cur.n; i++) {
		struct str *name;

		if (!is_name(r->cur.v[i].text) || r->s->written.n == SHELL_WORDS_MAX)
			continue;
		name = vec_add(&r->s->written, r->l.a);
		*name = r->cur.v[i].text;
	}
}

static bool end_command(struct reader *r)
{
	struct shell_command *c;

	if (r->cur.n == 0)
		return true;
	note_written(r);
	if (r->wants(r->cur.v, r->cur.n)) {
		if (r->s->words.n + r->cur.n > SHELL_WORDS_MAX)
			return too_much(r, "more words than are read");
		c = vec_add(&r->s->commands, r->l.a);
		*c = (struct shell_command){ .from = r->s->words.n,
					     .n = r->cur.n,
					     .block = block_of(r),
					     .sometimes = r->after_and || r->depth };
		for (size_t i = 0; i < r->cur.n; i++) {
			struct word *w = vec_add(&r->s->words, r->l.a);

			*w = r->cur.v[i];
		}
	}
	r->cur.n = 0;
	return true;
}

/* ---- assignments ---- */

/* The length of "name=" or "name+=" here; 0: this is none. */
static size_t assignment_len(const struct reader *r, size_t *name)
{
	size_t n = 0;

	if (!is_name_start(lex_peek(&r->l, 0)))
		return 0;
	while (is_name_start(lex_peek(&r->l, n)) ||
	       (lex_peek(&r->l, n) >= '0' && lex_peek(&r->l, n) <= '9'))
		n++;
	*name = n;
	if (lex_peek(&r->l, n) == '+')
		n++;
	return lex_peek(&r->l, n) == '=' ? n + 1 : 0;
}

static bool keep_word(struct reader *r, const struct word *w)
{
	struct word *kept;

	if (r->s->words.n == SHELL_WORDS_MAX)
		return too_much(r, "more words than are read");
	kept = vec_add(&r->s->words, r->l.a);
	*kept = *w;
	return true;
}

static void skip_comment(struct reader *r)
{
	while (lex_peek(&r->l, 0) != -1 && lex_peek(&r->l, 0) != '\n')
		r->l.at++;
}

/* Behind "name=(" to behind ")". */
static bool read_items(struct reader *r)
{
	size_t from = r->l.at - 1;
	struct word w;

	for (;;) {
		int c;

		lex_blanks(&r->l);
		c = lex_peek(&r->l, 0);
		if (c == '\n' || c == '\r') {
			r->l.at++;
		} else if (c == '#') {
			skip_comment(r);
		} else if (c == ')') {
			return true;
		} else if (c == -1 || lex_is_meta(c)) {
			r->l.at = from;
			return too_much(r, "an array that does not close");
		} else if (!lex_word(&r->l, &w) || !keep_word(r, &w)) {
			return false;
		}
	}
}

static struct span span_of(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->l.src, .off = from, .len = to - from };
}

/* A value that is nothing has a place all the same. */
static bool read_value(struct reader *r)
{
	struct word w;

	if (!lex_word(&r->l, &w))
		return false;
	if (w.nparts == 0 && !word_plain(&w, w.at, STR(""), r->l.a))
		return too_much(r, "more text than is read");
	return keep_word(r, &w);
}

static bool read_assignment(struct reader *r, size_t name, size_t len)
{
	size_t from = r->l.at, items;
	struct shell_assign as = {
		.name = str_view(view_cut(r->l.text, from, name)),
		.name_at = span_of(r, from, from + name),
		.append = len > name + 1,
		.sometimes = r->after_and || r->depth,
		.chained = r->after_and,
		.block = block_of(r),
		.from = r->s->words.n,
	};
	struct shell_assign *kept;

	r->l.at += len;
	if (lex_peek(&r->l, 0) == '(') {
		as.array = true;
		items = ++r->l.at;
		if (!read_items(r))
			return false;
		as.items = span_of(r, items, r->l.at);
		r->l.at++;
	} else if (!read_value(r)) {
		return false;
	}
	as.n = r->s->words.n - as.from;
	as.whole = span_of(r, from, r->l.at);
	kept = vec_add(&r->s->assigns, r->l.a);
	*kept = as;
	return true;
}

/* ---- words that structure ---- */

/* [[ ... ]] and its operators. */
static bool skip_condition(struct reader *r)
{
	size_t from = r->l.at;
	struct word w;

	for (;;) {
		int c;

		lex_blanks(&r->l);
		c = lex_peek(&r->l, 0);
		if (c == -1) {
			r->l.at = from;
			return too_much(r, "a [[ that does not close");
		}
		if (lex_is_meta(c)) {
			r->l.at++;
			continue;
		}
		if (!lex_word(&r->l, &w))
			return false;
		if (str_is(w.text, "]]"))
			return true;
	}
}

struct reserved {
	const char *word;
	char action; /* ( opens kind, ) closes it, | another branch, - nothing, w a word */
	char kind;
};

static const struct reserved reserveds[] = {
	{ "if", '(', 'i' },     { "while", '(', 'l' },  { "until", '(', 'l' },
	{ "{", '(', '{' },      { "fi", ')', 'i' },     { "done", ')', 'l' },
	{ "esac", ')', 'c' },   { "}", ')', '{' },      { "then", '-', 0 },
	{ "do", '-', 0 },       { "!", '-', 0 },        { "time", '-', 0 },
	{ "coproc", '-', 0 },   { "else", '|', 0 },     { "elif", '|', 0 },
	{ "for", 'w', 'l' },    { "select", 'w', 'l' }, { "case", 'w', 'c' },
	{ "function", 'w', 0 },
};

/* Is it a reserved word, and done with? *as_word: it is the first word of a command, too. */
static bool read_reserved(struct reader *r, const struct word *w, bool *as_word)
{
	*as_word = true;
	if (w->nparts != 1 || !w->parts[0].exact || w->parts[0].quote)
		return true;
	if (str_is(w->text, "[[")) {
		*as_word = false;
		return skip_condition(r);
	}
	for (size_t i = 0; i < sizeof(reserveds) / sizeof(reserveds[0]); i++) {
		const struct reserved *k = &reserveds[i];

		if (!str_is(w->text, k->word))
			continue;
		*as_word = k->action == 'w';
		if (k->action == ')')
			close_block(r, k->kind);
		else if (k->action == '|')
			next_branch(r);
		else if (k->kind)
			return open_block(r, k->kind);
		return true;
	}
	return true;
}

static bool read_word(struct reader *r)
{
	size_t name, len = 0;
	struct word w, *kept;
	bool as_word = true;

	if (r->cur.n == 0 || is_one_of(r->cur.v[0].text, declarers))
		len = assignment_len(r, &name);
	if (len)
		return read_assignment(r, name, len);
	if (!lex_word(&r->l, &w))
		return false;
	if (r->cur.n == 0 && !read_reserved(r, &w, &as_word))
		return false;
	if (!as_word)
		return true;
	if (r->cur.n == SHELL_WORDS_MAX)
		return too_much(r, "more words than are read");
	kept = vec_add(&r->cur, r->l.a);
	*kept = w;
	return true;
}

/* ---- operators ---- */

/* ((...)): arithmetic. */
static bool read_paren(struct reader *r)
{
	if (r->cur.n == 0 && lex_is(&r->l, "((")) {
		r->l.at--;
		/* As if it were $((...)). */
		return lex_expansion(&r->l);
	}
	r->l.at++;
	/* name ( ): a function. */
	if (r->cur.n > 0) {
		lex_blanks(&r->l);
		if (lex_peek(&r->l, 0) == ')') {
			r->l.at++;
			r->cur.n = 0;
			return true;
		}
	}
	return end_command(r) && open_block(r, '(');
}

static bool read_redirection(struct reader *r)
{
	struct word w, *last = r->cur.n ? &r->cur.v[r->cur.n - 1] : NULL;
	uint64_t fd;
	int c;

	if (lex_peek(&r->l, 1) == '(') {
		/* <(...): the name of a file. */
		if (!lex_expansion(&r->l))
			return false;
		w = word_opaque(span_of(r, r->l.at, r->l.at), STR("<()"));
		last = vec_add(&r->cur, r->l.a);
		*last = w;
		return true;
	}
	/* 2>: the word before is its descriptor. */
	if (last && span_end(last->at) == r->l.at && str_u64(last->text, &fd))
		r->cur.n--;
	if (lex_is(&r->l, "<<") && !lex_is(&r->l, "<<<")) {
		struct str *end = vec_add(&r->here, r->l.a);

		*end = lex_here_end(&r->l);
		return true;
	}
	while ((c = lex_peek(&r->l, 0)) != -1 && strchr("<>&|", c))
		r->l.at++;
	lex_blanks(&r->l);
	return lex_is_meta(lex_peek(&r->l, 0)) || lex_word(&r->l, &w);
}

static bool read_line_end(struct reader *r)
{
	r->l.at++;
	if (!end_command(r))
		return false;
	r->after_and = false;
	for (size_t i = 0; i < r->here.n; i++)
		lex_here_body(&r->l, r->here.v[i]);
	r->here.n = 0;
	return true;
}

static bool read_operator(struct reader *r)
{
	bool chain = lex_is(&r->l, "&&") || lex_is(&r->l, "||");

	if (lex_is(&r->l, "&>")) {
		r->l.at++;
		return read_redirection(r);
	}
	if (!end_command(r))
		return false;
	if (lex_is(&r->l, ";;") || lex_is(&r->l, ";&"))
		next_branch(r);
	if (chain)
		r->after_and = true;
	else if (lex_peek(&r->l, 0) != '|')
		r->after_and = false;
	r->l.at += chain || lex_is(&r->l, ";;") ? 2 : 1;
	return true;
}

static bool read_token(struct reader *r)
{
	switch (lex_peek(&r->l, 0)) {
	case '\n':
		return read_line_end(r);
	case '\r':
		r->l.at++;
		return true;
	case '#':
		skip_comment(r);
		return true;
	case '(':
		return read_paren(r);
	case ')':
		r->l.at++;
		if (!end_command(r))
			return false;
		close_block(r, '(');
		return true;
	case '<':
	case '>':
		return read_redirection(r);
	case ';':
	case '&':
	case '|':
		return read_operator(r);
	default:
		return read_word(r);
	}
}

void shell_read(struct shell *s, const struct source *src, struct view text,
		shell_wants *wants, struct arena *a)
{
	struct reader r = { .l = { .src = src, .text = text, .a = a },
			    .s = s,
			    .wants = wants };

	*s = (struct shell){ 0 };
	if (view_eq(text, 0, "\xef\xbb\xbf", 3))
		r.l.at = 3;
	for (;;) {
		lex_blanks(&r.l);
		if (lex_peek(&r.l, 0) == -1) {
			(void)end_command(&r);
			break;
		}
		if (!read_token(&r))
			break;
	}
	s->why = r.l.why;
	s->end = (struct span){ .src = src, .off = u64_min(r.l.at, text.n) };
	lex_free(&r.l);
}

/* ---- asking ---- */

bool shell_has_shebang(struct view head)
{
	static const char *const shells[] = { "sh",  "bash", "dash", "ksh",
					      "ash", "mksh", NULL };
	struct str line = str_view(head), word;

	if (!str_starts(line, "#!"))
		return false;
	for (size_t i = 2; i < line.n && line.p[i] != '\n'; i = i + word.n + 1) {
		word = (struct str){ line.p + i, 0 };
		while (i + word.n < line.n && !strchr(" \t/\r\n", word.p[word.n]))
			word.n++;
		if (word.n && is_one_of(word, shells))
			return true;
		if (i + word.n < line.n && word.p[word.n] == '\n')
			return false;
	}
	return false;
}

const struct shell_assign *shell_once(const struct shell *s, struct str name)
{
	const struct shell_assign *found = NULL;

	for (size_t i = 0; i < s->assigns.n; i++) {
		if (!str_eq(s->assigns.v[i].name, name))
			continue;
		if (found)
			return NULL;
		found = &s->assigns.v[i];
	}
	for (size_t i = 0; found && i < s->written.n; i++) {
		if (str_eq(s->written.v[i], name))
			return NULL;
	}
	return found && !found->array && !found->append ? found : NULL;
}

struct str shell_variable(const struct word *w, bool *all)
{
	struct str s = w->text;

	*all = false;
	if (w->nparts != 1 || !w->parts[0].opaque || s.n < 2 || s.p[0] != '$')
		return (struct str){ 0 };
	s = (struct str){ s.p + 1, s.n - 1 };
	if (s.p[0] == '{' && s.p[s.n - 1] == '}')
		s = (struct str){ s.p + 1, s.n - 2 };
	if (str_ends(s, "[@]")) {
		*all = true;
		s.n -= 3;
	}
	return is_name(s) ? s : (struct str){ 0 };
}

struct node *shell_node(const struct shell *s, const struct shell_assign *as,
			struct arena *a)
{
	const struct word *w = as->array ? NULL : &s->words.v[as->from];
	struct node *n = arena_try_new(a, struct node);

	if (!n)
		return NULL;
	*n = (struct node){ .kind = as->array ? NODE_LIST : NODE_SCALAR,
			    .syntax = SYNTAX_SHELL,
			    .flow = as->array,
			    .key = as->name,
			    .key_at = as->name_at,
			    .text_at = as->items,
			    .open_at = as->items,
			    .whole = as->whole };
	if (!w)
		return n;
	if (as->append || as->sometimes || word_unknown(w, 0, w->text.n))
		n->kind = NODE_OPAQUE;
	n->text = w->text;
	n->open_at = w->at;
	n->text_at = word_span(w, 0, w->text.n);
	return n;
}
