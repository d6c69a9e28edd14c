/* Any bytes as JSON in a word of a command, in single and in double quotes: places lie within
 * each other, the word read alone is the same tree, and a member that is set or removed is
 * the only thing that the next reader sees differently.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_json.h"
#include "analyze/config/lens.h"
#include "analyze/config/qemu.h"
#include "analyze/unit.h"
#include "rewrite/text.h"
#include "rules/rule.h"
#include "tests/lib/tree_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

struct facts {
	struct fact a, deep;
};

static const struct lens lenses[] = {
	LENS(facts, a, "locking"),
	LENS(facts, deep, "file/read-only"),
};

static bool is_edited(const struct node *n)
{
	return str_is(n->key, "locking") || str_is(n->key, "read-only");
}

static const struct node *pass_edited(const struct node *n)
{
	while (n && is_edited(n))
		n = n->next;
	return n;
}

/* One tree, but for what is decided elsewhere, and what was edited. */
static bool same_tree(const struct node *a, const struct node *b, bool edited)
{
	const struct node *x = a->first, *y = b->first;

	if (a->kind == NODE_OPAQUE || b->kind == NODE_OPAQUE)
		return true;
	if (a->kind != b->kind || !str_eq(a->key, b->key) || !str_eq(a->text, b->text))
		return false;
	for (;; x = x->next, y = y->next) {
		if (edited) {
			x = pass_edited(x);
			y = pass_edited(y);
		}
		if (!x || !y)
			return !x && !y;
		if (!same_tree(x, y, edited))
			return false;
	}
}

/* The k-th option of the unit that is JSON, of those that are not empty. */
static const struct qemu_option *nth_json(const struct unit *u, size_t k)
{
	for (size_t v = 0; v < u->nvms; v++) {
		const struct qemu_command *c = u->vms[v].qemu;

		for (size_t i = 0; c && i < c->noptions; i++) {
			const struct qemu_option *o = &c->options[i];

			if (o->opts && o->opts->syntax == SYNTAX_QEMU_JSON && k-- == 0)
				return o;
		}
	}
	return NULL;
}

static void check_places(const struct qemu_option *o, struct arena *a)
{
	const struct node *where, *inner;
	struct source src;
	const char *flaw;

	flaw = tree_flaw(o->opts, &where);
	if (flaw && !o->value->fixed)
		BUG("%s", flaw);
	inner = qemu_json_inner(o->value, &src, a);
	BUG_ON(!inner || !same_tree(o->opts, inner, false));
	flaw = tree_flaw(inner, &where);
	if (flaw)
		BUG("alone: %s", flaw);
}

/* value: what both members then are; NULL: they are gone. */
static void check_edit(struct unit *u, size_t k, const char *value)
{
	const struct qemu_option *was = nth_json(u, k), *is;
	struct plan p = plan_on(&u->src, &u->arena);
	struct source src;
	struct view after;
	struct facts f;
	const char *why;
	struct unit now;

	lens_read(lenses, 2, was->opts, &f);
	if (f.a.state == FACT_UNKNOWN || f.deep.state == FACT_UNKNOWN ||
	    !node_child(was->opts, "file"))
		return; /* a map that is made for it would be another difference */
	for (size_t i = 0; i < 2; i++) {
		const struct fact *fact = i ? &f.deep : &f.a;

		if (value ? !plan_set(&p, fact, value) : !plan_remove(&p, fact))
			return;
	}
	after = plan_text(&p, u->text, p.arena);
	if (!judge_shell(u->text, after, &p, p.arena, &why))
		return; /* the edit is dropped, and said so */
	src = source_of_bytes("f.sh", after);
	unit_read(&now, &src, u->format, &no_host);
	is = nth_json(&now, k);
	BUG_ON(!is || !same_tree(was->opts, is->opts, true));
	lens_read(lenses, 2, is->opts, &f);
	BUG_ON(value ? !fact_is(&f.a, value) : !fact_absent(&f.a));
	BUG_ON(value ? !fact_is(&f.deep, "true") : !fact_absent(&f.deep));
	unit_close(&now);
}

static void judge(struct unit *u)
{
	struct findings found = { 0 };

	rules_run(u, &u->arena, &found);
	for (size_t i = 0; i < found.v.n; i++) {
		struct plan p = plan_on(&u->src, &u->arena);

		BUG_ON(found.v.v[i]->at.src != &u->src ||
		       span_end(found.v.v[i]->at) > u->text.n);
		(void)rule_fix(found.v.v[i], &p);
	}
}

static void check(struct view text)
{
	struct source src = source_of_bytes("f.sh", text);
	struct unit u;

	unit_read(&u, &src, format_find("script"), &no_host);
	for (size_t k = 0; u.state == UNIT_READ && k < 4 && nth_json(&u, k); k++) {
		check_places(nth_json(&u, k), &u.arena);
		check_edit(&u, k, "on");
		check_edit(&u, k, NULL);
	}
	if (u.state == UNIT_READ)
		judge(&u);
	unit_close(&u);
}

static void check_quoted(const uint8_t *data, size_t n, char quote)
{
	static const char head[] = "#!/bin/sh\nqemu-kvm -blockdev ";
	struct buf b = { 0 };

	buf_printf(&b, "%s%c", head, quote);
	for (size_t i = 0; i < n; i++) {
		if (quote == '"' && (data[i] == '"' || data[i] == '\\'))
			buf_char(&b, '\\');
		buf_char(&b, (char)data[i]);
	}
	buf_printf(&b, "%c\n", quote);
	check((struct view){ (const uint8_t *)b.p, b.n });
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 4096)
		return 0;
	check_quoted(data, n, '\'');
	check_quoted(data, n, '"');
	return 0;
}
