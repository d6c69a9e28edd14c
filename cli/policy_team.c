/* Reads a team's own rules: `rules` of a policy. SPEC.md, 8.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "cli/fingerprint.h"
#include "cli/policy_load.h"
#include "rules/team.h"
#include "base/banned.h"

enum { ID_MAX = 64, MESSAGE_MAX = 400, WHEN_MAX = 8 };

struct op_row {
	const char *key;
	enum team_op op;
	const char *words; /* what stands before the values in a message */
};

static const struct op_row ops[] = {
#define ROW_TEST(key, op, words, value, help) { key, op, words },
#include "cli/policy.def"
};
enum { NOPS = sizeof(ops) / sizeof(ops[0]) };

/* Of a row, besides the operators. */
static const char *const row_keys[] = {
#define ROW_KEY(key, value, help) key,
#include "cli/policy.def"
};
enum { NROW_KEYS = sizeof(row_keys) / sizeof(row_keys[0]) };

/* ---- values ---- */

static bool is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->type == SCALAR_NULL;
}

static int read_value(struct loading *l, const struct node *n, const char **out)
{
	if (load_need(l, n, NODE_SCALAR, "a value, or a list of values") != 0)
		return -1;
	*out = is_null(n) ? NULL : load_text(l, n);
	return 0;
}

static int read_values(struct loading *l, const struct node *n, struct team_test *t)
{
	VEC(const char *) v = { 0 };

	if (n->kind != NODE_LIST) {
		if (read_value(l, n, vec_add(&v, l->a)) != 0)
			return -1;
	} else {
		for_each_node (item, n) {
			if (read_value(l, item, vec_add(&v, l->a)) != 0)
				return -1;
		}
	}
	if (v.n == 0)
		return load_complain(l, n, "this takes a value, or a list of values");
	t->words = v.v;
	t->nwords = v.n;
	return 0;
}

static int read_operand(struct loading *l, const struct node *n, struct team_test *t)
{
	if (t->op != TEAM_AT_LEAST && t->op != TEAM_AT_MOST)
		return read_values(l, n, t);
	if (n->kind != NODE_SCALAR || !str_u64(n->text, &t->number))
		return load_complain(l, n, "this takes a whole number");
	return 0;
}

static void add_words(struct loading *l, struct buf *out, const struct team_test *t)
{
	for (size_t i = 0; i < t->nwords; i++) {
		if (i > 0)
			buf_add(out, i + 1 < t->nwords ? STR(", ") : STR(" or "));
		if (t->words[i])
			buf_printf(out, "'%s'", load_shown(l, str_of(t->words[i])));
		else
			buf_add(out, STR("nothing"));
	}
}

/* "expected 'none' or nothing" */
static const char *expected(struct loading *l, const struct team_test *t,
			    const char *words)
{
	struct buf out = { 0 };
	const char *kept;

	if (t->op == TEAM_NOT && t->nwords == 1 && !t->words[0])
		return "expected a value";
	buf_add(&out, str_of(words));
	if (t->op == TEAM_AT_LEAST || t->op == TEAM_AT_MOST)
		buf_printf(&out, "%llu", (unsigned long long)t->number);
	else
		add_words(l, &out, t);
	kept = arena_str(l->a, (struct str){ out.p, out.n });
	buf_free(&out);
	return kept;
}

/* ---- settings ---- */

static int find_field(struct loading *l, const struct node *n, struct str name,
		      const struct team_field **out)
{
	struct suggestion near = { .word = arena_str(l->a, name) };

	for (const struct team_field *f = team_fields; f->name; f++) {
		if (strcmp(f->name, near.word) == 0) {
			*out = f;
			return 0;
		}
		suggest(&near, f->name);
	}
	return load_unknown(l, n, "field", &near, "; docs/vmend.schema.json lists them");
}

static int read_path(struct loading *l, const struct node *n, const char *text,
		     struct team_test *t)
{
	struct node_path *p = arena_new(l->a, struct node_path);
	const char *why = node_path_parse(p, text, l->a);

	if (why)
		return load_complain(l, n, "'%s' is no path of a setting: %s",
				     load_shown(l, str_of(text)), why);
	t->path = p;
	return 0;
}

static int read_subject(struct loading *l, const struct node *n, struct team_rule *r)
{
	const struct node *field = node_child(n, "field"), *path = node_child(n, "node");
	const struct node *is = field ? field : path;

	if (!is || (field && path))
		return load_complain(l, n, "a rule has a `field` or a `node`");
	if (load_need(l, is, NODE_SCALAR, "the name of a setting") != 0)
		return -1;
	r->name = load_text(l, is);
	return field ? find_field(l, field, field->text, &r->test.field)
		     : read_path(l, path, r->name, &r->test);
}

/* One that is beside the rule's own: of the same disk, or of its VM. */
static int read_field_beside(struct loading *l, const struct node *m,
			     const struct team_field *own, struct team_test *t)
{
	if (find_field(l, m, m->key, &t->field) != 0)
		return -1;
	if (t->field->on != SUBJECT_vm && t->field->on != own->on)
		return load_complain(l, m, "'%s' stands beside other settings than '%s'",
				     t->field->name, own->name);
	if (t->field->of_hostdev && !own->of_hostdev)
		return load_complain(l, m, "'%s' stands beside other settings than '%s'",
				     t->field->name, own->name);
	return 0;
}

/* In the same node. */
static int read_node_beside(struct loading *l, const struct node *m, struct team_test *t)
{
	struct node_path *p = arena_new(l->a, struct node_path);
	const char *name = arena_str(l->a, m->key);

	if (*name == '\0' || strpbrk(name, "/*|?"))
		return load_complain(l, m,
				     "the name of a setting beside the rule's own "
				     "stands here");
	p->leaf = (struct lens){ .field = name, .path = name };
	t->path = p;
	return 0;
}

static int read_when(struct loading *l, const struct node *n, struct team_rule *r)
{
	struct team_test *v = arena_array(l->a, WHEN_MAX, struct team_test);
	const struct team_field *own = r->test.field;

	r->when = v;
	if (load_need(l, n, NODE_MAP, "a map from settings to values") != 0)
		return -1;
	for_each_node (m, n) {
		struct team_test *t = &v[r->nwhen];

		if (r->nwhen == WHEN_MAX)
			return load_complain(l, m, "at most %d settings stand here",
					     WHEN_MAX);
		if (read_values(l, m, t) != 0 || (own ? read_field_beside(l, m, own, t)
						      : read_node_beside(l, m, t)) != 0)
			return -1;
		r->nwhen++;
	}
	return 0;
}

static int read_format(struct loading *l, const struct node *n, const struct format **out)
{
	struct suggestion near = { 0 };

	if (load_need(l, n, NODE_SCALAR, "the name of a format, or a list of names") != 0)
		return -1;
	near.word = load_text(l, n);
	*out = format_find(near.word);
	for (size_t i = 0; !*out && format_nth(i); i++)
		suggest(&near, format_nth(i)->name);
	if (!*out)
		return load_unknown(l, n, "format", &near, "");
	if ((*out)->kind != FORMAT_TEXT)
		return load_complain(l, n, "'%s' is no format of a config", (*out)->name);
	return 0;
}

static int read_formats(struct loading *l, const struct node *n, struct team_rule *r)
{
	VEC(const struct format *) v = { 0 };

	if (n->kind != NODE_LIST && read_format(l, n, vec_add(&v, l->a)) != 0)
		return -1;
	if (n->kind == NODE_LIST) {
		for_each_node (m, n) {
			if (read_format(l, m, vec_add(&v, l->a)) != 0)
				return -1;
		}
	}
	r->formats = v.v;
	r->nformats = v.n;
	return 0;
}

/* ---- a row ---- */

static int check_row_keys(struct loading *l, const struct node *n)
{
	for_each_node (m, n) {
		struct suggestion near = { .word = arena_str(l->a, m->key) };
		bool known = false;

		for (size_t i = 0; i < NROW_KEYS + NOPS; i++) {
			const char *key =
				i < NROW_KEYS ? row_keys[i] : ops[i - NROW_KEYS].key;

			known |= str_is(m->key, key);
			suggest(&near, key);
		}
		if (!known)
			return load_unknown(l, m, "key", &near, " in a rule");
	}
	return 0;
}

static int read_test(struct loading *l, const struct node *n, struct team_rule *r)
{
	const struct node *found = NULL;

	for (size_t i = 0; i < NOPS; i++) {
		const struct node *m = node_child(n, ops[i].key);

		if (!m)
			continue;
		if (found)
			return load_complain(l, m,
					     "a rule has one test; make it two rules");
		found = m;
		r->test.op = ops[i].op;
		if (read_operand(l, m, &r->test) != 0)
			return -1;
		r->expected = expected(l, &r->test, ops[i].words);
	}
	return found ? 0
		     : load_complain(l, n,
				     "a test is missing: is, not, matches, "
				     "not-matches, at-least or at-most");
}

static int read_words(struct loading *l, const struct node *n, struct team_rule *r)
{
	const struct node *message = node_child(n, "message"),
			  *why = node_child(n, "why");

	if (!message)
		return load_complain(l, n,
				     "`message` is missing: what is wrong with it?");
	if (load_need(l, message, NODE_SCALAR, "a line of text") != 0 ||
	    (why && load_need(l, why, NODE_SCALAR, "a text") != 0))
		return -1;
	if (message->text.n == 0 || message->text.n > MESSAGE_MAX ||
	    memchr(message->text.p, '\n', message->text.n))
		return load_complain(l, message,
				     "a message is one line, of up to %d bytes",
				     MESSAGE_MAX);
	r->message = load_text(l, message);
	r->rule.title = r->message;
	r->rule.why = why ? load_text(l, why) : r->message;
	return 0;
}

/* A fix that leads to the same finding again would never be proven. */
static int check_fix(struct loading *l, const struct node *n, const struct team_rule *r)
{
	if ((r->set || r->remove) && !team_wants(&r->test, r->set))
		return load_complain(l, n, "the rule finds what it makes of it: %s",
				     r->expected);
	return 0;
}

static int read_mending(struct loading *l, const struct node *n, struct team_rule *r)
{
	static const struct word_value yes[] = { { "true", 1 }, { NULL, 0 } };
	const struct node *set = node_child(n, "set"), *remove = node_child(n, "remove");
	const struct node *class = node_child(n, "fix");
	unsigned v = FIX_UNSAFE;

	if (set && (load_need(l, set, NODE_SCALAR, "a value") != 0 || remove))
		return remove ? load_complain(l, remove, "a rule sets or removes") : -1;
	if (set && is_null(set))
		return load_complain(l, set,
				     "this takes a value; `remove: true` takes the "
				     "setting away");
	if (remove && load_word(l, remove, yes, &v) != 0)
		return -1;
	r->set = set ? load_text(l, set) : NULL;
	r->remove = remove != NULL;
	v = FIX_UNSAFE;
	if (class && load_word(l, class, load_classes, &v) != 0)
		return -1;
	if (class && !set && !remove)
		return load_complain(l, class,
				     "there is nothing to fix it with: `set` or "
				     "`remove` is missing");
	r->rule.fix_class = set || remove ? (enum fix_class)v : FIX_NONE;
	return check_fix(l, set ? set : remove, r);
}

static int read_row(struct loading *l, const struct node *n, struct team_rule *r)
{
	const struct node *severity = node_child(n, "severity");
	const struct node *when = node_child(n, "when"),
			  *format = node_child(n, "format");
	unsigned v = SEV_WARNING;

	if (load_need(l, n, NODE_MAP, "the keys of a rule") != 0 ||
	    check_row_keys(l, n) != 0 || read_subject(l, n, r) != 0 ||
	    read_test(l, n, r) != 0 || read_words(l, n, r) != 0 ||
	    read_mending(l, n, r) != 0)
		return -1;
	if ((when && read_when(l, when, r) != 0) ||
	    (format && read_formats(l, format, r) != 0) ||
	    (severity && load_word(l, severity, load_severities, &v) != 0))
		return -1;
	r->rule.severity = (enum severity)v;
	team_rule_bind(r);
	return 0;
}

static bool is_team_id(struct str id)
{
	bool dash = true;

	if (!str_starts(id, TEAM_PREFIX) || id.n > ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (c == '-' ? dash : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			return false;
		dash = c == '-';
	}
	return !dash;
}

/* Where a row of that name goes: one that what is extended had of it is gone. Others may name
 * it already, so its place stays. */
static struct team_rule *place_of(struct loading *l, const char *id)
{
	struct policy *p = l->policy;
	struct team_rule *r;
	size_t kept = 0;

	for (size_t i = 0; i < p->settings.n; i++) {
		const struct setting *s = &p->settings.v[i];

		if (s->kind != SETTING_TEAM || strcmp(s->rule->id, id) != 0)
			p->settings.v[kept++] = *s;
	}
	p->settings.n = kept;
	for (size_t i = 0; i < p->rows.n; i++) {
		if (strcmp(p->rows.v[i]->rule.id, id) == 0)
			return p->rows.v[i];
	}
	r = arena_new(l->a, struct team_rule);
	r->number = p->first + p->rows.n;
	*vec_add(&p->rows, l->a) = r;
	*vec_add(&p->team, l->a) = &r->rule;
	return r;
}

static void keep_row(struct loading *l, const struct node *m, struct team_rule *r,
		     const struct team_rule *row)
{
	struct setting *s = load_setting(l, SETTING_TEAM, m, "rules");
	size_t number = r->number;

	*r = *row;
	r->number = number;
	r->rule.team = r;
	r->rule.id = arena_str(l->a, m->key);
	r->rule.source = arena_printf(l->a, "%s:%llu", path_from_here(l->path, l->a),
				      (unsigned long long)s->line);
	s->rule = &r->rule;
	s->word = arena_printf(l->a, "%s, %s", r->name, r->expected);
}

int load_team(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_MAP, "a map from names to rules") != 0)
		return -1;
	for_each_node (m, n) {
		struct team_rule row = { 0 }, *r;

		if (!is_team_id(m->key))
			return load_complain(
				l, m,
				"a rule of a team is called team-WORD..., in "
				"small letters and digits, not '%s'",
				load_shown(l, m->key));
		if (read_row(l, m, &row) != 0)
			return -1;
		r = place_of(l, arena_str(l->a, m->key));
		if (r->number >= TEAM_RULES_MAX)
			return load_complain(l, m, "more than %d rules of teams",
					     TEAM_RULES_MAX);
		keep_row(l, m, r, &row);
	}
	return 0;
}
