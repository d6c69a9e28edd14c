/* systemd units that run QEMU. Recognised by a section of units and an ExecStart= that names
 * a QEMU program. systemd.syntax(7), systemd.service(5), "Command lines".
 *
 * The value of ExecStart= is one word of its lines, with a blank for each continuation, and
 * its words are in that (word.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_args.h"
#include "analyze/config/shell.h"
#include "analyze/unit.h"

#include "base/banned.h"

enum { UNIT_SIZE_MAX = 1 << 20, UNIT_COMMANDS_MAX = 256 };

/* ---- lines ---- */

struct lines {
	struct view text;
	size_t at; /* the next line */
};

/* The next line, without its end. False: there are no more. */
static bool next_line(struct lines *l, struct str *line)
{
	struct str rest = str_view(l->text);
	const char *eol;

	if (l->at >= l->text.n)
		return false;
	rest = (struct str){ rest.p + l->at, rest.n - l->at };
	eol = memchr(rest.p, '\n', rest.n);
	*line = (struct str){ rest.p, eol ? (size_t)(eol - rest.p) : rest.n };
	l->at += line->n + (eol ? 1 : 0);
	if (str_ends(*line, "\r"))
		line->n--;
	return true;
}

static bool is_comment(struct str line)
{
	line = str_trim(line);
	return line.n > 0 && (line.p[0] == '#' || line.p[0] == ';');
}

/* "ExecStart = value": where the value begins in the line; 0: it is another one. */
static size_t value_in(struct str line)
{
	static const char key[] = "ExecStart";
	struct str s = str_trim(line);
	size_t i = sizeof(key) - 1;

	if (!str_starts(s, key))
		return 0;
	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
		i++;
	if (i == s.n || s.p[i] != '=')
		return 0;
	for (i++; i < s.n && (s.p[i] == ' ' || s.p[i] == '\t');)
		i++;
	return (size_t)(s.p - line.p) + i;
}

/* ---- a value ---- */

struct reading {
	struct unit *u;
	struct arena *a;
	struct lines lines;
	struct buf value;
	VEC(struct word_part) parts;
	struct node *root;
	struct vm *vms;
	size_t nvms;
	bool full;
};

static void add_part(struct reading *r, struct str text, size_t from, size_t to,
		     bool exact, bool opaque)
{
	struct span at = { &r->u->src, from, to - from };
	struct word_part *p;

	if (text.n == 0 && to == from)
		return;
	r->full = r->full || r->a->used > r->a->budget / 2;
	if (r->full)
		return;
	p = vec_add(&r->parts, r->a);
	*p = (struct word_part){ .from = r->value.n,
				 .n = text.n,
				 .at = at,
				 .all = at,
				 .exact = exact,
				 .opaque = opaque };
	buf_add(&r->value, text);
}

/* {{ x }} of a template is decided elsewhere. */
static void add_line(struct reading *r, struct str s, size_t off)
{
	size_t from = 0;

	for (size_t i = 0; i + 1 < s.n; i++) {
		const char *end;

		if (s.p[i] != '{' || s.p[i + 1] != '{')
			continue;
		end = memchr(s.p + i, '}', s.n - i);
		if (!end || end + 1 >= s.p + s.n || end[1] != '}')
			break;
		add_part(r, (struct str){ s.p + from, i - from }, off + from, off + i,
			 true, false);
		from = (size_t)(end - s.p) + 2;
		add_part(r, (struct str){ s.p + i, from - i }, off + i, off + from, false,
			 true);
		i = from - 1;
	}
	add_part(r, (struct str){ s.p + from, s.n - from }, off + from, off + s.n, true,
		 false);
}

/* The value that begins at `from` of a line, with the lines that go on with it. */
static void read_value(struct reading *r, struct str line, size_t from)
{
	size_t off = (size_t)((const uint8_t *)line.p - r->lines.text.p);
	size_t end;

	r->parts.n = 0;
	buf_clear(&r->value);
	line = (struct str){ line.p + from, line.n - from };
	off += from;
	while (str_ends(line, "\\")) {
		line.n--;
		add_line(r, line, off);
		end = off + line.n;
		do {
			off = r->lines.at;
			if (!next_line(&r->lines, &line))
				line = (struct str){ line.p, 0 };
		} while (is_comment(line));
		add_part(r, STR(" "), end, off, false, false);
	}
	add_line(r, line, off);
}

/* ---- a command ---- */

static struct node *new_node(struct reading *r, enum node_kind kind, struct node *up,
			     struct span whole)
{
	struct node *n = node_try_new(r->a, up);

	r->full = r->full || !n;
	if (n) {
		n->kind = kind;
		n->syntax = SYNTAX_SHELL;
		n->key_at = (struct span){ whole.src, whole.off, 0 };
		n->text_at = n->open_at = n->whole = whole;
	}
	return n;
}

/* @-:+!| before the program's name. *named: its argv[0] follows. */
static struct str without_prefix(struct str s, bool *named)
{
	*named = false;
	while (s.n > 0 && strchr("@-:+!|", s.p[0])) {
		*named = *named || s.p[0] == '@';
		s = (struct str){ s.p + 1, s.n - 1 };
	}
	return s;
}

static bool runs_another(struct str s)
{
	static const char *const names[] = { "/env",     "/nice",  "/ionice", "/taskset",
					     "/numactl", "/chrt",  "/sudo",   "/runuser",
					     "/prlimit", "/setsid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_ends(s, names[i]))
			return true;
	}
	return false;
}

/* The word that names QEMU; n: none does. */
static size_t find_program(struct word *w, size_t n)
{
	bool named;
	struct str first = n ? without_prefix(w[0].text, &named) : STR("");

	if (n == 0)
		return 0;
	if (qemu_is_program(first)) {
		w[0].text = first;
		return named && n > 1 ? 1 : 0;
	}
	for (size_t i = 1; i < n && i < 16 && runs_another(first); i++) {
		if (qemu_is_program(w[i].text))
			return i;
	}
	return n;
}

/* Words up to a ';' that ends a command. */
static size_t command_end(const struct word *w, size_t n)
{
	size_t i = 0;

	while (i < n && !word_is(&w[i], ";"))
		i++;
	return i;
}

static bool asks_qemu(const struct qemu_command *c)
{
	return qemu_option(c, "version") || qemu_option(c, "help") ||
	       qemu_option(c, "h") || c->noptions == 0;
}

static void read_words(struct reading *r, struct word *w, size_t n)
{
	size_t at = find_program(w, n);
	struct word program = n ? w[0] : (struct word){ 0 };
	struct qemu_command *c;
	struct span whole;
	struct node *list;
	struct vm *vm;

	if (at + 1 >= n || r->nvms == UNIT_COMMANDS_MAX)
		return;
	if (!qemu_is_program(program.text))
		program = w[at];
	whole = w[0].at;
	whole.len = span_end(w[n - 1].at) - whole.off;
	list = new_node(r, NODE_LIST, r->root, whole);
	if (r->full)
		return;
	list->key = STR("ExecStart");
	list->open_at = program.at;
	for (size_t i = at + 1; i < n; i++)
		w[i].list = list;
	c = qemu_command(w + at + 1, n - at - 1, r->a);
	r->full = !c;
	if (r->full || asks_qemu(c))
		return;
	vm = &r->vms[r->nvms++];
	*vm = (struct vm){ .flavour = FLAVOUR_QEMU, .node = list };
	r->full = !qemu_vm(vm, &program, c, r->u->host, r->a);
	c->blanks = true;
}

static void read_command(struct reading *r)
{
	struct word *value = arena_try_new(r->a, struct word), *words;
	struct word_part *parts = arena_try_array(r->a, r->parts.n, struct word_part);
	const char *flaw;
	size_t n;

	r->full = r->full || !value || !parts;
	if (r->full || r->parts.n == 0)
		return;
	memcpy(parts, r->parts.v, r->parts.n * sizeof(*parts));
	*value = (struct word){
		.text = { arena_str(r->a, (struct str){ r->value.p, r->value.n }),
			  r->value.n },
		.at = { &r->u->src, parts[0].at.off,
			span_end(parts[r->parts.n - 1].at) - parts[0].at.off },
		.parts = parts,
		.nparts = r->parts.n,
		.code = WORD_LINE,
	};
	words = word_split(value, SPLIT_SYSTEMD, &n, &flaw, r->a);
	r->full = !words;
	while (!r->full && !flaw && n > 0) {
		size_t end = command_end(words, n);

		read_words(r, words, end);
		end += end < n;
		words += end;
		n -= end;
	}
}

static void read_lines(struct reading *r)
{
	bool service = false;
	struct str line;

	while (!r->full && next_line(&r->lines, &line)) {
		struct str s = str_trim(line);
		size_t value = value_in(line);

		if (s.n == 0 || is_comment(line))
			continue;
		if (s.p[0] == '[') {
			service = str_is(s, "[Service]");
			continue;
		}
		/* What goes on over several lines is read with its first. */
		read_value(r, line, value);
		if (value && service)
			read_command(r);
	}
}

/* ---- the format ---- */

static bool names_qemu(struct str s)
{
	return str_has(s, "qemu-system-") || str_has(s, "qemu-kvm") ||
	       str_has(s, "/kvm ");
}

static bool probe_systemd(struct view head, const struct source *s)
{
	struct lines l = { .text = head };
	bool section = false;
	struct str line;

	if (s->size > UNIT_SIZE_MAX)
		return false;
	while (next_line(&l, &line)) {
		struct str t = str_trim(line);

		if (t.n == 0 || is_comment(line))
			continue;
		/* The first thing that a unit has is a section: of most other texts, no
		 * more than the first line is looked at. */
		if (!section && t.p[0] != '[')
			return false;
		section = true;
		if (str_is(t, "[Service]"))
			return !memchr(head.p, '\0', head.n) &&
			       names_qemu(str_view(head)) &&
			       str_has((struct str){ (const char *)head.p + l.at,
						     head.n - l.at },
				       "ExecStart");
	}
	return false;
}

static int read_systemd(struct unit *u, struct err *e)
{
	struct reading r = { .u = u, .a = &u->arena };
	struct span all = { &u->src, 0, u->src.size };

	if (unit_read_text(u, e) != 0)
		return -1;
	r.lines.text = u->text;
	r.root = new_node(&r, NODE_MAP, NULL, all);
	r.vms = arena_try_array(r.a, UNIT_COMMANDS_MAX, struct vm);
	r.full = r.full || !r.vms;
	if (!r.full) {
		r.root->open_at.len = 0;
		read_lines(&r);
	}
	buf_free(&r.value);
	if (r.full)
		return err_set(e, ERR_LIMIT, "has more words than memory is allowed for");
	u->doc = r.root;
	u->vms = r.vms;
	u->nvms = r.nvms;
	return 0;
}

const struct format format_systemd = {
	.name = "systemd",
	.title = "systemd unit that runs QEMU",
	.kind = FORMAT_TEXT,
	.probe = probe_systemd,
	.read = read_systemd,
};
