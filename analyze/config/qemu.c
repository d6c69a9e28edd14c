/* Which words of a command line are options, and what they take.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/config/qemu_json.h"
#include "analyze/config/qemu_opts.h"

#include "base/banned.h"

enum kind { NONE, TEXT, OPTS };

struct arg {
	const char *name;
	enum kind kind;
	const char *implied;
};

static const struct arg args[] = {
#define QEMU_ARG(name, kind, implied) { (name), (kind), (implied) },
#include "analyze/config/qemu_args.def"
#undef QEMU_ARG
};

static const struct arg *find_arg(struct str name)
{
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		if (str_is(name, args[i].name))
			return &args[i];
	}
	return NULL;
}

bool qemu_is_program(struct str name)
{
	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == '/') {
			name = (struct str){ name.p + i, name.n - i };
			break;
		}
	}
	if (str_ends(name, ".exe"))
		name.n -= 4;
	return (str_starts(name, "qemu-system-") && name.n > 12) ||
	       str_is(name, "qemu-kvm") || str_is(name, "kvm");
}

/* ---- the tree ---- */

static struct node *add_item(const struct word *w, struct arena *a)
{
	struct node *list = w->list;
	struct node *n = arena_try_new(a, struct node);

	if (!n)
		return NULL;
	*n = (struct node){ .kind = word_unknown(w, 0, w->text.n) ? NODE_OPAQUE
								  : NODE_SCALAR,
			    .syntax = list ? list->syntax : SYNTAX_QEMU,
			    .text = w->text,
			    .key_at = { w->at.src, w->at.off, 0 },
			    .text_at = w->nparts ? word_span(w, 0, w->text.n) : w->at,
			    .open_at = w->at,
			    .whole = w->at,
			    .up = list };
	if (!list)
		return n;
	if (list->last)
		list->last->next = n;
	else
		list->first = n;
	list->last = n;
	return n;
}

/* ---- options ---- */

struct reading {
	const struct word *words;
	size_t n, at;
	struct arena *a;
	struct qemu_command *c;
	struct qemu_option *options;
};

static bool begins_with_dash(const struct word *w)
{
	return w->text.n > 1 && w->text.p[0] == '-' && !word_unknown(w, 0, 1);
}

static struct str option_name(const struct word *w)
{
	size_t dashes = w->text.n > 2 && w->text.p[1] == '-' ? 2 : 1;

	return (struct str){ w->text.p + dashes, w->text.n - dashes };
}

static bool takes_next(const struct reading *r, const struct arg *arg)
{
	if (r->at == r->n || (arg && arg->kind == NONE))
		return false;
	return arg || !begins_with_dash(&r->words[r->at]);
}

static bool read_value(struct reading *r, struct qemu_option *o, const struct arg *arg)
{
	const struct word *w = &r->words[r->at++];
	const struct word *inner = w;
	struct word *unread;

	o->value = w;
	o->n = 2;
	if (!arg || arg->kind != OPTS) {
		o->value_node = add_item(w, r->a);
		return o->value_node != NULL;
	}
	if (str_starts(w->text, "{")) {
		o->opts = o->value_node = qemu_json(w, w->list, r->a);
		if (o->opts)
			return true;
		/* Broken, or of parts that are decided elsewhere: any options. */
		unread = arena_try_new(r->a, struct word);
		if (!unread)
			return false;
		*unread = word_opaque(w->at, w->text);
		inner = unread;
	}
	o->opts = o->value_node = qemu_opts(inner, arg->implied, w->list, r->a);
	return o->opts != NULL;
}

/* Several words from one make it unclear which are options from here on. */
static bool read_option(struct reading *r)
{
	const struct word *w = &r->words[r->at++];
	struct qemu_option *o;
	const struct arg *arg;

	if (w->open || word_unknown(w, 0, w->text.n)) {
		r->c->open = true;
		return add_item(w, r->a) != NULL;
	}
	o = &r->options[r->c->noptions++];
	*o = (struct qemu_option){ .word = w, .from = r->at - 1, .n = 1 };
	o->node = add_item(w, r->a);
	if (!o->node)
		return false;
	if (!begins_with_dash(w)) {
		o->value = w;
		return true;
	}
	o->name = option_name(w);
	if (str_is(o->name, "readconfig"))
		r->c->open = true;
	arg = find_arg(o->name);
	return !takes_next(r, arg) || read_value(r, o, arg);
}

struct qemu_command *qemu_command(const struct word *words, size_t n, struct arena *a)
{
	struct reading r = { .words = words, .n = n, .a = a };

	r.c = arena_try_new(a, struct qemu_command);
	r.options = arena_try_array(a, n, struct qemu_option);
	if (!r.c || !r.options)
		return NULL;
	r.c->options = r.options;
	r.c->words = words;
	r.c->nwords = n;
	if (n > 0)
		r.c->at = words[0].at;
	while (r.at < n) {
		if (!read_option(&r))
			return NULL;
	}
	return r.c;
}

/* ---- sections of a file ---- */

static bool is_group(const struct node *section)
{
	static const char *const groups[] = { "accel",  "chardev", "device",  "drive",
					      "fsdev",  "global",  "machine", "mon",
					      "name",   "netdev",  "object",  "spice",
					      "tpmdev", "vnc" };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (str_is(section->key, groups[i]))
			return true;
	}
	return false;
}

static bool read_section(struct qemu_option *o, const struct node *section,
			 struct arena *a)
{
	struct word *w = arena_try_new(a, struct word);

	if (!w || !word_plain(w, section->open_at, section->key, a))
		return false;
	w->fixed = "it is a section of a file";
	*o = (struct qemu_option){
		.name = section->key, .word = w, .opts = section, .node = section
	};
	return true;
}

bool qemu_add_sections(struct qemu_command *c, const struct node *root, struct arena *a)
{
	struct qemu_option *all;
	size_t n = 0;

	for_each_node (section, root)
		n += is_group(section);
	all = arena_try_array(a, n + c->noptions, struct qemu_option);
	if (!all)
		return false;
	n = 0;
	for_each_node (section, root) {
		if (is_group(section) && !read_section(&all[n++], section, a))
			return false;
	}
	if (c->noptions)
		memcpy(all + n, c->options, c->noptions * sizeof(*all));
	if (c->nwords == 0 && root->first)
		c->at = root->first->open_at;
	c->options = all;
	c->noptions += n;
	return true;
}

const struct qemu_option *qemu_option(const struct qemu_command *c, const char *name)
{
	for (size_t i = c->noptions; i > 0; i--) {
		if (str_is(c->options[i - 1].name, name))
			return &c->options[i - 1];
	}
	return NULL;
}

/* ---- facts ---- */

void qemu_say(struct fact *f, const char *v, struct span at, const struct node *owner)
{
	*f = (struct fact){
		.state = FACT_KNOWN, .v = str_of(v), .at = at, .owner = owner
	};
}

void qemu_switch(struct fact *f)
{
	static const char *const on[] = { "on", "yes", "true", "y" };

	if (f->state != FACT_KNOWN)
		return;
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (str_is(f->v, on[i])) {
			f->v = STR("yes");
			return;
		}
	}
	f->state = FACT_ABSENT;
}

static bool is_step(struct str name, struct str key)
{
	return key.n > 0 && name.n > key.n && name.p[key.n] == '.' &&
	       memcmp(name.p, key.p, key.n) == 0;
}

/* "file.locking" of {"file": {"locking": ...}}. */
static const struct node *json_member(const struct node *map, const char *name)
{
	for_each_node (n, map) {
		if (str_is(n->key, name))
			return n;
		if (n->kind == NODE_MAP && is_step(str_of(name), n->key))
			return json_member(n, name + n->key.n + 1);
	}
	return NULL;
}

const struct node *qemu_opt(const struct qemu_option *o, const char *name)
{
	const struct node *found = NULL;

	if (!o->opts)
		return NULL;
	if (o->opts->syntax == SYNTAX_QEMU_JSON)
		return json_member(o->opts, name);
	for_each_node (n, o->opts) {
		if (str_is(n->key, name))
			found = n;
	}
	return found;
}
