/* Shell scripts that start QEMU. Recognised by a simple command whose name is that of a QEMU
 * program, in a file whose first line says that it is a script, or which begins with such a
 * command.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/config/shell.h"
#include "analyze/unit.h"

#include "base/banned.h"

/* ---- which commands ---- */

static bool is_one_of(struct str s, const char *const *list)
{
	for (; *list; list++) {
		if (str_is(s, *list))
			return true;
	}
	return false;
}

/* Commands that run another one. */
static bool is_prefix(const struct word *w)
{
	static const char *const prefixes[] = { "exec",    "sudo",    "doas",    "nohup",
						"env",     "time",    "nice",    "ionice",
						"taskset", "setsid",  "numactl", "chrt",
						"unshare", "command", "chronic", "stdbuf",
						"timeout", "prlimit", NULL };

	return is_one_of(w->text, prefixes) && !word_unknown(w, 0, w->text.n);
}

/* What may stand between such a command and the one that it runs: its options and their
 * values, assignments, lists of processors, times. */
static bool is_prefix_option(const struct word *w, const struct word *before)
{
	char c = w->text.n ? w->text.p[0] : '\0';

	return c == '-' || memchr(w->text.p, '=', w->text.n) || (c >= '0' && c <= '9') ||
	       (before->text.n == 2 && before->text.p[0] == '-');
}

static bool is_variable(const struct word *w)
{
	bool all;

	return shell_variable(w, &all).n > 0 && !all;
}

/* The first word that may be the name of a QEMU program; n: there is none. */
static size_t find_program(const struct word *w, size_t n, size_t from)
{
	bool prefixed = from > 0;

	for (size_t i = from; i < n; i++) {
		if (is_variable(&w[i]) ||
		    (!word_unknown(&w[i], 0, w[i].text.n) && qemu_is_program(w[i].text)))
			return i;
		if (is_prefix(&w[i]))
			prefixed = true;
		else if (!prefixed || (i > 0 && !is_prefix_option(&w[i], &w[i - 1])))
			break;
	}
	return n;
}

static bool is_qemu_img(const struct word *w)
{
	return !word_unknown(w, 0, w->text.n) &&
	       (str_is(w->text, "qemu-img") || str_ends(w->text, "/qemu-img"));
}

static bool wants(const struct word *w, size_t n)
{
	return is_qemu_img(&w[0]) || find_program(w, n, 0) < n;
}

/* ---- the tree ---- */

struct reading {
	struct shell *s;
	struct arena *a;
	struct node *root;
	struct node **assigned; /* one for each of s->assigns */
	bool full;              /* no more memory */
};

static struct node *new_node(struct reading *r, enum node_kind kind, struct span whole)
{
	struct node *n = arena_try_new(r->a, struct node);

	if (!n) {
		r->full = true;
		return NULL;
	}
	*n = (struct node){ .kind = kind,
			    .syntax = SYNTAX_SHELL,
			    .key_at = { whole.src, whole.off, 0 },
			    .text_at = whole,
			    .open_at = whole,
			    .whole = whole };
	return n;
}

static void add_child(struct node *up, struct node *n)
{
	n->up = up;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
}

static void make_assignments(struct reading *r)
{
	r->assigned = arena_try_array(r->a, r->s->assigns.n, struct node *);
	r->full = !r->assigned;
	for (size_t i = 0; !r->full && i < r->s->assigns.n; i++) {
		r->assigned[i] = shell_node(r->s, &r->s->assigns.v[i], r->a);
		r->full = !r->assigned[i];
	}
}

static int by_place(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;

	return x->whole.off < y->whole.off ? -1 : x->whole.off > y->whole.off;
}

/* ---- commands ---- */

struct words {
	VEC(struct word) v;
	const struct node *array; /* the only thing that they come from; or NULL */
};

static void add_word(struct reading *r, struct words *to, const struct word *w,
		     struct node *list)
{
	struct word *added;

	if (to->v.n == SHELL_WORDS_MAX)
		return;
	added = vec_add(&to->v, r->a);
	*added = *w;
	added->list = list;
}

/* args=(...), then perhaps args+=(...): the words of all that are always there. False: it is
 * not known what the array has. */
static bool add_array(struct reading *r, struct words *to, struct str name)
{
	const struct shell_assign *first = NULL;
	bool all = true;

	for (size_t i = 0; i < r->s->assigns.n; i++) {
		const struct shell_assign *as = &r->s->assigns.v[i];

		if (!str_eq(as->name, name))
			continue;
		if (!as->array || (!as->append && first && first->n))
			return false;
		if (!as->append)
			first = as;
	}
	for (size_t i = 0; first && i < r->s->assigns.n; i++) {
		const struct shell_assign *as = &r->s->assigns.v[i];

		if (!str_eq(as->name, name) || (!as->append && as != first))
			continue;
		if (as->append && (as->block != first->block || as->chained)) {
			all = false;
			continue;
		}
		to->array = r->assigned[i];
		for (size_t k = 0; k < as->n; k++)
			add_word(r, to, &r->s->words.v[as->from + k], r->assigned[i]);
	}
	return first && all;
}

/* The words behind the program's name, arrays taken apart. */
static struct words words_of(struct reading *r, const struct word *w, size_t n,
			     struct node *list)
{
	struct words to = { 0 };
	bool all;

	for (size_t i = 0; i < n; i++) {
		struct str name = shell_variable(&w[i], &all);

		if (name.n > 0 && all && add_array(r, &to, name))
			continue;
		add_word(r, &to, &w[i], list);
		to.array = n == 1 ? to.array : NULL;
	}
	if (n != 1)
		to.array = NULL;
	return to;
}

/* The name that the program's word means. */
static bool read_program(const struct reading *r, struct word *w)
{
	const struct shell_assign *as;
	const struct word *value;
	struct str name;
	bool all;

	name = shell_variable(w, &all);
	if (name.n == 0)
		return qemu_is_program(w->text);
	as = shell_once(r->s, name);
	if (!as)
		return false;
	value = &r->s->words.v[as->from];
	if (word_unknown(value, 0, value->text.n) || !qemu_is_program(value->text))
		return false;
	w->text = value->text;
	return true;
}

/* Those that ask QEMU about itself run no VM. */
static bool runs_vm(const struct qemu_command *c)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (str_is(o->name, "version") || str_is(o->name, "help") ||
		    str_is(o->name, "h"))
			return false;
		if (o->value &&
		    (str_is(o->value->text, "help") || str_is(o->value->text, "?")))
			return false;
	}
	return c->noptions > 0;
}

struct vms {
	struct vm *v;
	size_t n;
	struct node **nodes; /* of all commands */
	size_t nnodes;
	const struct node **arrays;
	const struct qemu_img *imgs;
	size_t nimgs;
};

/* The same array in the branches of an if: one VM. */
static bool is_seen(const struct vms *to, const struct node *array)
{
	for (size_t i = 0; array && i < to->n; i++) {
		if (to->arrays[i] == array)
			return true;
	}
	return false;
}

static void read_command(struct reading *r, struct vms *to,
			 const struct shell_command *sc, const struct host *host)
{
	const struct word *w = &r->s->words.v[sc->from];
	size_t at = find_program(w, sc->n, 0);
	struct word program;
	struct vm *vm = &to->v[to->n];
	struct qemu_command *c;
	struct words words;
	struct node *list;
	struct span whole;

	while (at < sc->n) {
		program = w[at];
		if (read_program(r, &program))
			break;
		at = find_program(w, sc->n, at + 1);
	}
	if (at == sc->n || at + 1 == sc->n)
		return;
	whole = w[at].at;
	whole.len = span_end(w[sc->n - 1].at) - whole.off;
	list = new_node(r, NODE_LIST, whole);
	if (!list)
		return;
	list->key = program.text;
	list->key_at = list->open_at = w[at].at;
	words = words_of(r, w + at + 1, sc->n - at - 1, list);
	if (is_seen(to, words.array))
		return;
	c = qemu_command(words.v.v, words.v.n, r->a);
	if (c && !runs_vm(c))
		return;
	*vm = (struct vm){ .flavour = FLAVOUR_QEMU, .node = list };
	r->full = !c || !qemu_vm(vm, &program, c, host, r->a);
	if (r->full)
		return;
	c->blanks = true;
	c->imgs = to->imgs;
	c->nimgs = to->nimgs;
	to->arrays[to->n++] = words.array;
	to->nodes[to->nnodes++] = list;
}

/* Its words as items, for who names places. */
static void add_img_node(struct reading *r, struct vms *to, const struct word *w,
			 size_t n)
{
	struct span whole = w[0].at;
	struct node *list, *item;

	whole.len = span_end(w[n - 1].at) - whole.off;
	list = new_node(r, NODE_LIST, whole);
	if (!list)
		return;
	list->key = STR("qemu-img");
	list->key_at = list->open_at = w[0].at;
	for (size_t i = 1; i < n; i++) {
		item = new_node(r, NODE_SCALAR, w[i].at);
		if (!item)
			return;
		item->text = w[i].text;
		add_child(list, item);
	}
	to->nodes[to->nnodes++] = list;
}

static void read_imgs(struct reading *r, struct vms *to)
{
	struct qemu_img *imgs = arena_try_array(r->a, r->s->commands.n, struct qemu_img);

	r->full = !imgs;
	to->imgs = imgs;
	for (size_t i = 0; imgs && i < r->s->commands.n; i++) {
		const struct shell_command *c = &r->s->commands.v[i];

		const struct word *w = &r->s->words.v[c->from];

		if (!is_qemu_img(w))
			continue;
		imgs[to->nimgs++] = (struct qemu_img){ .words = w, .n = c->n };
		add_img_node(r, to, w, c->n);
	}
}

/* Assignments and commands, in the order of the file. */
static void fill_root(struct reading *r, const struct vms *vms)
{
	size_t n = r->s->assigns.n + vms->nnodes;
	struct node **all = arena_try_array(r->a, n, struct node *);

	if (!all || r->full) {
		r->full = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		all[i] = i < vms->nnodes ? vms->nodes[i] : r->assigned[i - vms->nnodes];
	sort_stable(all, n, sizeof(struct node *), by_place);
	for (size_t i = 0; i < n; i++)
		add_child(r->root, all[i]);
}

static bool read_vms(struct reading *r, struct vms *to, const struct host *host)
{
	size_t n = r->s->commands.n;

	to->v = arena_try_array(r->a, n, struct vm);
	to->nodes = arena_try_array(r->a, n, struct node *);
	to->arrays = arena_try_array(r->a, n, const struct node *);
	if (!to->v || !to->nodes || !to->arrays)
		return false;
	make_assignments(r);
	if (!r->full)
		read_imgs(r, to);
	for (size_t i = 0; !r->full && i < n; i++)
		read_command(r, to, &r->s->commands.v[i], host);
	return !r->full;
}

/* ---- the format ---- */

static bool has_word(struct view v, const char *word)
{
	return str_has(str_view(v), word);
}

/* "qemu-system-x86_64 ..." without a first line that says so. */
static bool begins_with_qemu(struct view head)
{
	struct str s = str_view(head), line;

	for (; s.n > 0; s = (struct str){ s.p + line.n + 1, s.n - line.n - 1 }) {
		const char *eol = memchr(s.p, '\n', s.n);

		line = (struct str){ s.p, eol ? (size_t)(eol - s.p) : s.n };
		if (line.n == s.n && !eol)
			s.n++;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#') {
			line.n = eol ? (size_t)(eol - s.p) : s.n - 1;
			continue;
		}
		for (size_t i = 0; i < line.n; i++) {
			if (line.p[i] == ' ' || line.p[i] == '\t')
				line.n = i;
		}
		return qemu_is_program(line) && !str_has(line, "(");
	}
	return false;
}

static bool probe_script(struct view head, const struct source *s)
{
	struct arena a;
	struct shell sh;
	bool found = false;

	/* The first line decides for most texts, before all of it is looked at. */
	if (s->size > SHELL_SIZE_MAX ||
	    !(view_eq(head, 0, "#!", 2) ? shell_has_shebang(head)
					: begins_with_qemu(head)))
		return false;
	if (memchr(head.p, '\0', head.n) ||
	    !(has_word(head, "qemu-") || has_word(head, "kvm")))
		return false;
	arena_init(&a, ARENA_BUDGET);
	shell_read(&sh, s, head, wants, &a);
	for (size_t i = 0; !found && i < sh.commands.n; i++) {
		struct reading r = { .s = &sh };
		const struct word *w = &sh.words.v[sh.commands.v[i].from];
		size_t n = sh.commands.v[i].n, at = find_program(w, n, 0);
		struct word program;

		for (; !found && at + 1 < n; at = find_program(w, n, at + 1)) {
			program = w[at];
			found = read_program(&r, &program);
		}
	}
	arena_free(&a);
	return found;
}

static int read_script(struct unit *u, struct err *e)
{
	struct shell *s = arena_new(&u->arena, struct shell);
	struct reading r = { .s = s, .a = &u->arena };
	struct vms vms = { 0 };

	if (unit_read_text(u, e) != 0)
		return -1;
	shell_read(s, &u->src, u->text, wants, &u->arena);
	if (s->why) {
		u->skip_reason = arena_printf(&u->arena,
					      "the script cannot be read: %s (line %zu)",
					      s->why, view_line(u->text, s->end.off));
		return 0;
	}
	r.root = new_node(&r, NODE_MAP, (struct span){ &u->src, 0, u->src.size });
	if (!r.root || !read_vms(&r, &vms, u->host))
		return err_set(e, ERR_LIMIT, "has more words than memory is allowed for");
	r.root->open_at.len = 0;
	fill_root(&r, &vms);
	if (r.full)
		return err_set(e, ERR_LIMIT, "has more words than memory is allowed for");
	u->doc = r.root;
	u->vms = vms.v;
	u->nvms = vms.n;
	return 0;
}

const struct format format_script = {
	.name = "script",
	.title = "shell script that runs QEMU",
	.kind = FORMAT_TEXT,
	.probe = probe_script,
	.read = read_script,
};
