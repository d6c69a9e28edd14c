/* Members of builders that their plugins do not have, or have of another type.
 * Packer 1.6.6, asked; packer-plugin-*, config.hcl2spec.go: packer_fields.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_fields.h"
#include "rules/rules.h"
#include "base/suggest.h"
#include "base/banned.h"

/* ---- the table ---- */

static const struct packer_field fields[] = {
#define FIELD(name, kind, builders) { name, PACKER_##kind, builders },
#include "rules/packer_fields.def"
};
enum { NFIELDS = sizeof(fields) / sizeof(fields[0]) };

unsigned packer_kind_of(const struct builder *b)
{
	static const struct {
		const char *type;
		unsigned bit;
	} types[] = {
		{ "qemu", QEMU },
		{ "tart-cli", TART },
		{ "virtualbox", VBOX_ISO },
		{ "virtualbox-iso", VBOX_ISO },
		{ "virtualbox-ovf", VBOX_OVF },
		{ "virtualbox-vm", VBOX_VM },
		{ "vmware", VMWARE_ISO },
		{ "vmware-iso", VMWARE_ISO },
		{ "vmware-vmx", VMWARE_VMX },
		{ "proxmox", PROXMOX_ISO },
		{ "proxmox-iso", PROXMOX_ISO },
		{ "proxmox-clone", PROXMOX_CLONE },
		{ "vsphere-iso", VSPHERE_ISO },
		{ "vsphere-clone", VSPHERE_CLONE },
		{ "parallels-iso", PARALLELS_ISO },
		{ "parallels-pvm", PARALLELS_PVM },
		{ "hyperv-iso", HYPERV_ISO },
		{ "hyperv-vmcx", HYPERV_VMCX },
		{ "utm-iso", UTM },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !b->foreign; i++) {
		if (str_is(b->type, types[i].type))
			return types[i].bit;
	}
	return 0;
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same(struct str s, const char *name, bool fold)
{
	if (!fold || s.n != strlen(name))
		return str_is(s, name);
	for (size_t i = 0; i < s.n; i++) {
		if (small(s.p[i]) != small(name[i]))
			return false;
	}
	return true;
}

const struct packer_field *packer_field(const struct builder *b, struct str name)
{
	unsigned bit = packer_kind_of(b);
	char first = name.n ? small(name.p[0]) : 0;

	for (size_t i = 0; i < NFIELDS; i++) {
		if (name.n && small(fields[i].name[0]) == first &&
		    fields[i].builders & bit &&
		    same(name, fields[i].name, b->syntax == PACKER_LEGACY))
			return &fields[i];
	}
	return NULL;
}

const char *packer_field_near(const struct builder *b, const char *name)
{
	unsigned bit = packer_kind_of(b);
	struct suggestion s = { .word = name };

	for (size_t i = 0; i < NFIELDS; i++) {
		if (same(str_of(name), fields[i].name, true) && fields[i].builders & bit)
			return fields[i].name;
		/* Of another builder, and no slip of the hand. */
		if (str_is(str_of(name), fields[i].name))
			return NULL;
	}
	for (size_t i = 0; i < NFIELDS; i++) {
		if (fields[i].builders & bit)
			suggest(&s, fields[i].name);
	}
	return s.distance <= 2 ? s.best : NULL;
}

const struct node *packer_member(const struct builder *b, size_t i)
{
	const struct node *const maps[] = { b->node, b->added };

	for (size_t k = 0; k < 2 && maps[k]; k++) {
		for_each_node (n, maps[k]) {
			if (node_is_content(n) && i-- == 0)
				return n;
		}
	}
	return NULL;
}

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
	return packer_kind_of(b) & (QEMU | TART);
}

static void check_unknown(struct scan *s, const struct builder *b)
{
	const struct node *n;

	for (size_t i = 0; packer_kind_of(b) && (n = packer_member(b, i)); i++) {
		const char *near;
		struct finding *f;

		if (is_packers(b, n) || packer_field(b, n->key) ||
		    packer_is_old(b, n->key))
			continue;
		near = packer_field_near(b, scan_printf(s, "%.*s", STR_ARG(n->key)));
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
	const struct node *n = packer_member(b, f->arg);
	const char *near = packer_field_near(b, arena_str(p->arena, n->key));

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
	return packer_kind_of(b) & (HYPERV_ISO | PARALLELS_ISO | VBOX_ISO | VMWARE_ISO) &&
	       n->kind == NODE_SCALAR && str_is(n->key, "disk_size");
}

static void check_type(struct scan *s, const struct builder *b)
{
	const struct node *n;

	for (size_t i = 0; packer_kind_of(b) && (n = packer_member(b, i)); i++) {
		const struct packer_field *field = packer_field(b, n->key);
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
	const struct node *n = packer_member(b, f->arg);
	const struct packer_field *field = packer_field(b, n->key);
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
