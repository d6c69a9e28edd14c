/* Calls of a template that stand where they may not, or in the words of the other kind.
 * Packer, "Template engine", "Contextual variables"; packer-plugin-sdk, template/interpolate;
 * asked of Packer 1.6.6.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

/* Most texts lack the one byte without which there is no call. */
static bool has_byte(struct str text, char c)
{
	return text.n && memchr(text.p, c, text.n);
}

/* ---- packer-env ---- */

static bool calls_env(struct str text)
{
	return has_byte(text, '`') &&
	       (str_has(text, "{{env `") || str_has(text, "{{ env `"));
}

/* {{env `HOME`}} in a builder's own values. */
static const struct node *asks_env(const struct node *n)
{
	if (n->kind == NODE_LIST || n->kind == NODE_MAP) {
		for_each_node (c, n) {
			const struct node *found =
				node_is_content(c) ? asks_env(c) : NULL;

			if (found)
				return found;
		}
		return NULL;
	}
	return calls_env(n->text) ? n : NULL;
}

static void check_env(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node, *found;

		/* These are filled in later, in another way. */
		if (n->from || str_is(n->key, "boot_command") ||
		    str_is(n->key, "qemuargs"))
			continue;
		found = asks_env(n);
		if (!found)
			continue;
		report_label(s,
			     report(s, found->text_at,
				    "env is asked in a builder, expected a variable with "
				    "that as its default"),
			     PACKER_REFUSES ": env vars are not allowed here");
	}
}

/* ---- packer-dialect ---- */

/* Where in the text {{user `name`}} stands, or ${var.name}. */
static bool find_call(struct str text, bool legacy, struct str *call, struct str *name)
{
	const char *begin = legacy ? "${var." : "user `";
	size_t n = strlen(begin);

	if (!has_byte(text, legacy ? '$' : '`'))
		return false;
	for (size_t i = 0; i + n < text.n; i++) {
		size_t from = i, to = i + n;

		if (memcmp(text.p + i, begin, n) != 0)
			continue;
		while (to < text.n && text.p[to] != '`' && text.p[to] != '}')
			to++;
		*name = (struct str){ text.p + i + n, to - i - n };
		if (legacy) {
			*call = (struct str){ text.p + i, to + 1 - i };
			return to < text.n;
		}
		while (from > 0 && text.p[from - 1] == ' ')
			from--;
		to++;
		while (to < text.n && text.p[to] == ' ')
			to++;
		if (from < 2 || memcmp(text.p + from - 2, "{{", 2) != 0 ||
		    to + 1 >= text.n || memcmp(text.p + to, "}}", 2) != 0)
			continue;
		*call = (struct str){ text.p + from - 2, to + 4 - from };
		return true;
	}
	return false;
}

static bool is_variable(const struct builder *b, struct str name)
{
	const struct packer_module *m = b->module;

	for (size_t i = 0; i < m->variables.n; i++) {
		if (str_eq(m->variables.v[i].name, name))
			return true;
	}
	return false;
}

/* The first call of the other dialect in the i-th member. */
static const struct node *foreign_call(const struct builder *b, const struct node *n,
				       struct str *call, struct str *name)
{
	bool legacy = b->syntax == PACKER_LEGACY;

	if (n->kind == NODE_LIST || n->kind == NODE_MAP) {
		for_each_node (c, n) {
			const struct node *found =
				node_is_content(c) ? foreign_call(b, c, call, name)
						   : NULL;

			if (found)
				return found;
		}
		return NULL;
	}
	return !n->from && find_call(n->text, legacy, call, name) && is_variable(b, *name)
		       ? n
		       : NULL;
}

static struct span call_at(const struct node *n, struct str call)
{
	if (n->text_at.len != n->text.n)
		return n->text_at;
	return (struct span){ n->text_at.src,
			      n->text_at.off + (size_t)(call.p - n->text.p), call.n };
}

static void check_dialect(struct scan *s, const struct builder *b)
{
	bool legacy = b->syntax == PACKER_LEGACY;
	const struct node *found;
	struct str call, name;

	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		struct finding *f;

		found = foreign_call(b, n, &call, &name);
		if (!found)
			continue;
		f = report(s, call_at(found, call),
			   legacy ? "'%s' is no variable in a template of JSON, expected "
				    "{{user `%.*s`}}"
				  : "'%s' is of templates in JSON, expected ${var.%.*s}",
			   shown(s, call), STR_ARG(name));
		report_label(s, f,
			     legacy ? "the builder gets the text as it stands"
				    : PACKER_REFUSES);
		f->arg = i;
	}
}

static bool fix_dialect(struct plan *p, const struct finding *f, const struct builder *b)
{
	struct str call, name;
	const struct node *n = foreign_call(b, b->members.v[f->arg].node, &call, &name);
	const char *now;

	if (!n || n->text_at.len != n->text.n)
		return plan_refuse(p, "it is written with escapes");
	now = arena_printf(p->arena,
			   b->syntax == PACKER_LEGACY ? "{{user `%.*s`}}" : "${var.%.*s}",
			   STR_ARG(name));
	plan_title(p, "%s", now);
	return plan_replace(p, call_at(n, call), str_of(now));
}

const struct rule rules_packer_dialect[] = {
	{ .id = "packer-dialect",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a variable in the words of the other kind of template",
	  .why = "Templates in HCL have ${var.name}, those in JSON {{user `name`}}. HCL "
		 "refuses the latter; in JSON the former is text like any other.",
	  .steps = "Write the variable in the template's own words.",
	  .source = "Packer, \"Template engine\"; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_dialect, fix_dialect) },
	{ .id = "packer-env",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the environment, asked in a builder",
	  .why = "Packer refuses it: env vars are not allowed here. Only variables may "
		 "take their defaults from the environment.",
	  .steps = "Declare a variable with that default, and use the variable.",
	  .source = "packer-plugin-sdk, template/interpolate/funcs.go",
	  .since = "0.1.0",
	  CHECK(builder, check_env) },
};
RULES_END(packer_dialect);
