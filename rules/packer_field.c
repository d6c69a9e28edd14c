/* Members of builders that their plugins do not have, or have of another type.
 * Packer 1.6.6, asked; packer-plugin-*, config.hcl2spec.go: analyze/config/packer_fields.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- packer-field-unknown ---- */

/* Packer's own, for every builder, or no member at all. */
static bool is_packers(const struct builder *b, const struct node *n)
{
	if (node_is_open(n) || n->key.n == 0 || str_is(n->key, "name"))
		return true;
	if (b->syntax == PACKER_LEGACY)
		return str_is(n->key, "type");
	return str_is(n->key, "dynamic") || str_is(n->key, "//");
}

/* Which builders are known to have no others, up to the version that was read. */
static bool is_whole(const struct builder *b)
{
	return b->kind & (QEMU | TART);
}

static void check_unknown(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		const char *near;
		struct finding *f;

		if (b->members.v[i].field || is_packers(b, n) || packer_is_old(b, n->key))
			continue;
		near = packer_field_near(b->kind,
					 scan_printf(s, "%.*s", STR_ARG(n->key)));
		if (!near && !is_whole(b))
			continue;
		f = report(s, n->key_at, "a %.*s builder has no member '%s'%s%s",
			   STR_ARG(b->type), shown(s, n->key), near ? ", expected " : "",
			   near ? near : "");
		report_label(s, f, PACKER_REFUSES);
		/* A later version may have it. */
		if (!near || !is_whole(b))
			report_lower(f);
		f->arg = i;
	}
}

static bool fix_unknown(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = b->members.v[f->arg].node;
	const char *near = packer_field_near(b->kind, arena_str(p->arena, n->key));

	if (!near)
		return plan_refuse(p, "what was meant cannot be told");
	if (builder_member(b, near))
		return plan_refuse(p, "%s is there as well", near);
	plan_title(p, "%s", near);
	return plan_rename(p, n, near);
}

/* ---- packer-field-type ---- */

static bool is_number(struct str s)
{
	size_t digits = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = (struct str){ s.p + 1, s.n - 1 };
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9')
			digits++;
		else if (!memchr(".eE-+xX_", s.p[i], 8))
			return false;
	}
	return digits > 0;
}

/* What Go's ParseBool() takes; HCL knows fewer. */
static bool is_bool(struct str s, bool legacy)
{
	static const char *const words[] = { "true", "false", "1",     "0",
					     "t",    "f",     "T",     "F",
					     "TRUE", "True",  "FALSE", "False" };

	for (size_t i = 0; i < (legacy ? sizeof(words) / sizeof(words[0]) : 4); i++) {
		if (str_is(s, words[i]))
			return true;
	}
	return false;
}

static bool is_scalar_of(const struct node *n, enum packer_kind kind, bool legacy)
{
	/* "" is mostly said where nothing is to be said yet. */
	if (n->text.n == 0 && (n->from || legacy))
		return true;
	if (kind == PACKER_NUMBER)
		return n->type == SCALAR_BOOL ? legacy : is_number(n->text);
	if (kind == PACKER_BOOL)
		return n->type == SCALAR_NUMBER ? legacy : is_bool(n->text, legacy);
	return true;
}

static bool is_list_of(const struct node *n, bool lists)
{
	for_each_node (item, n) {
		if (item->kind == NODE_MAP ||
		    (lists ? item->kind == NODE_SCALAR && item->type != SCALAR_NULL
			   : item->kind == NODE_LIST))
			return false;
	}
	return true;
}

/* Legacy templates are read weakly: one value is a list of one, and so on. */
static bool fits(const struct builder *b, const struct node *n, enum packer_kind kind)
{
	bool legacy = b->syntax == PACKER_LEGACY;

	if (n->kind == NODE_OPAQUE || (n->kind == NODE_SCALAR && n->type == SCALAR_NULL))
		return true;
	switch (kind) {
	case PACKER_STRING:
	case PACKER_NUMBER:
	case PACKER_BOOL:
	case PACKER_DURATION:
		return n->kind == NODE_SCALAR && is_scalar_of(n, kind, legacy);
	case PACKER_LIST:
	case PACKER_NUMBERS:
	case PACKER_ROWS:
		return legacy ||
		       (n->kind == NODE_LIST && is_list_of(n, kind == PACKER_ROWS));
	case PACKER_MAP:
		return legacy || (n->kind == NODE_MAP && !n->is_block);
	case PACKER_BLOCK:
		return b->syntax != PACKER_HCL ? n->kind != NODE_SCALAR : n->is_block;
	}
	BUG("kind %u", kind);
}

static const char *kind_name(enum packer_kind kind)
{
	switch (kind) {
	case PACKER_STRING:
		return "a string";
	case PACKER_NUMBER:
		return "a number";
	case PACKER_BOOL:
		return "true or false";
	case PACKER_DURATION:
		return "a string with a duration";
	case PACKER_LIST:
		return "a list of strings";
	case PACKER_ROWS:
		return "a list of lists of strings";
	case PACKER_NUMBERS:
		return "a list of numbers";
	case PACKER_MAP:
		return "a map";
	case PACKER_BLOCK:
		return "a block";
	}
	BUG("kind %u", kind);
}

static const char *what_is(struct scan *s, const struct node *n)
{
	if (n->kind == NODE_LIST)
		return "a list";
	if (n->kind == NODE_MAP)
		return n->is_block ? "a block" : "a map";
	return scan_printf(s, n->type == SCALAR_NUMBER ? "the number %s" : "'%s'",
			   shown(s, n->text));
}

/* packer-disk-size-unit knows what it should be. */
static bool is_size(const struct builder *b, const struct node *n)
{
	return b->kind & (HYPERV_ISO | PARALLELS_ISO | VBOX_ISO | VMWARE_ISO) &&
	       n->kind == NODE_SCALAR && str_is(n->key, "disk_size");
}

static void check_type(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		const struct packer_field *field = b->members.v[i].field;
		struct finding *f;

		if (!field || fits(b, n, field->kind) || is_size(b, n))
			continue;
		f = report(s, n->kind == NODE_SCALAR ? n->text_at : n->key_at,
			   "%s is %s, expected %s", field->name, what_is(s, n),
			   kind_name(field->kind));
		report_label(s, f, PACKER_REFUSES);
		f->arg = i;
	}
}

/* "yes" is true. */
static bool fix_type(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = b->members.v[f->arg].node;
	const struct packer_field *field = b->members.v[f->arg].field;
	bool yes = str_is(n->text, "yes") || str_is(n->text, "on");
	bool no = str_is(n->text, "no") || str_is(n->text, "off");

	if (n->kind != NODE_SCALAR || n->from || n->style == STYLE_LITERAL)
		return plan_refuse(p, "what was meant cannot be told");
	if (field->kind == PACKER_BOOL && (yes || no)) {
		plan_title(p, "%s = %s", field->name, yes ? "true" : "false");
		return plan_replace(p, n->open_at, yes ? STR("true") : STR("false"));
	}
	return plan_refuse(p, "what was meant cannot be told");
}

const struct rule rules_packer_field[] = {
	{ .id = "packer-field-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a member of a builder with a value of another type",
	  .why = "Packer converts between strings, numbers and true and false where that "
		 "can be done, and refuses the template where it cannot: a list for a "
		 "string, yes for true.",
	  .steps = "Write the value as the documentation of the builder has it.",
	  .source = "packer-plugin-*, config.hcl2spec.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_type, fix_type) },
	{ .id = "packer-field-unknown",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a member that the builder does not have",
	  .why = "Packer refuses it: an argument named so is not expected here, or "
		 "unknown configuration key. A warning where a version of the plugin "
		 "that is later than the table may have it.",
	  .steps = "Spell it as the documentation of the builder does, or remove it.",
	  .source = "packer-plugin-*, config.hcl2spec.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_unknown, fix_unknown) },
};
RULES_END(packer_field);
