/* Members and types of builders that have another name now, as `packer fix` changes them, and
 * without writing the whole file anew.
 * Packer 1.6.6, fix/; packer_old.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

enum old_what { OLD_RENAMED, OLD_GONE, OLD_SUM, OLD_ATTACH, OLD_MOVED };

struct old {
	struct str name;
	unsigned builders;
	enum old_what what;
	const char *now;
	bool works;
};

static const struct old olds[] = {
#define OLD(name, builders, what, now, works)                                            \
	{ { name, sizeof(name) - 1 }, builders, OLD_##what, now, works },
#include "rules/packer_old.def"
#undef OLD
};
enum { NOLDS = sizeof(olds) / sizeof(olds[0]) };

static const struct old *old_of(const struct builder *b, struct str name)
{
	for (size_t i = 0; i < NOLDS; i++) {
		if (olds[i].builders & b->kind && str_eq(name, olds[i].name))
			return &olds[i];
	}
	return NULL;
}

bool packer_is_old(const struct builder *b, struct str name)
{
	return old_of(b, name) != NULL;
}

/* ---- packer-deprecated ---- */

/* Of Proxmox VE the old names are right with older plugins, and a block boot_iso is not. */
static bool is_out(const struct builder *b, const struct old *o)
{
	return !(o->builders & PROXMOX_ISO) || o->what != OLD_MOVED ||
	       !plugin_may_be_below(&b->plugin, 1, 2, 0);
}

static void check_old(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		const struct old *o = old_of(b, n->key);
		struct finding *f;

		if (!o || !is_out(b, o))
			continue;
		if (o->now)
			f = report(s, n->key_at, "%.*s is an old name, expected %s%s",
				   STR_ARG(o->name), o->now,
				   o->what == OLD_MOVED ? " with it in a block" : "");
		else
			f = report(s, n->key_at,
				   "%.*s is not read any more, expected none",
				   STR_ARG(o->name));
		report_label(s, f,
			     o->works ? "it is read still, and may not be some day"
				      : "Packer 1.6 and later refuse the template");
		if (o->works)
			report_lower(f);
		f->arg = i;
	}
}

static bool rename_member(struct plan *p, const struct builder *b, const struct node *n,
			  const char *now)
{
	/* The new one counts where both are there. */
	if (builder_member(b, now) && str_is(n->key, "ssh_wait_timeout")) {
		plan_title(p, "remove %.*s", STR_ARG(n->key));
		return plan_remove_node(p, n);
	}
	if (builder_member(b, now))
		return plan_refuse(p, "%s is there as well", now);
	plan_title(p, "%s", now);
	return plan_rename(p, n, now);
}

static bool attach(struct plan *p, const struct builder *b, const struct node *n)
{
	const char *now = "guest_additions_mode";

	if (builder_member(b, now))
		return plan_refuse(p, "%s is there as well", now);
	if (n->kind != NODE_SCALAR || n->from)
		return plan_refuse(p, "what it is cannot be told");
	if (!str_is(n->text, "true")) {
		plan_title(p, "remove %.*s", STR_ARG(n->key));
		return plan_remove_node(p, n);
	}
	plan_title(p, "%s = \"attach\"", now);
	return plan_rename(p, n, now) && plan_replace(p, n->open_at, STR("\"attach\""));
}

/* ---- iso_checksum of today: "sha256:...", "file:..." or "none" ---- */

static bool is_string(const struct node *n)
{
	return n && (n->kind == NODE_SCALAR || n->kind == NODE_OPAQUE) &&
	       n->type == SCALAR_STRING && n->open_at.len == n->text_at.len + 2;
}

static struct span before(struct span at)
{
	return (struct span){ at.src, at.off, 0 };
}

/* The type goes before the sum, both as they are written. */
static bool join_sum(struct plan *p, const struct builder *b, const struct node *sum,
		     struct str type)
{
	struct str text = { 0 };

	if (!is_string(sum))
		return plan_refuse(p, "there is no iso_checksum that it belongs to");
	text = builder_text(b, sum->text_at);
	if (memchr(text.p, ':', text.n))
		return plan_refuse(p, "iso_checksum has a type already");
	plan_title(p, "iso_checksum = \"%.*s:...\"", STR_ARG(type));
	return plan_replace(p, before(sum->text_at),
			    str_of(arena_printf(p->arena, "%.*s:", STR_ARG(type))));
}

static bool fix_sum_type(struct plan *p, const struct builder *b, const struct node *n)
{
	const struct node *sum = builder_member(b, "iso_checksum");
	struct str type;

	if (builder_member(b, "iso_checksum_url"))
		return plan_refuse(p, "iso_checksum_url goes first");
	if (!is_string(n))
		return plan_refuse(p, "what it is cannot be told");
	type = builder_text(b, n->text_at);
	if (!str_is(type, "none"))
		return join_sum(p, b, sum, type) && plan_remove_node(p, n);
	plan_title(p, "iso_checksum = \"none\"");
	if (!sum)
		return plan_rename(p, n, "iso_checksum");
	return plan_replace(p, sum->open_at, STR("\"none\"")) && plan_remove_node(p, n);
}

/* A list of sums counts more than a sum, and knows its type. */
static bool fix_sum_url(struct plan *p, const struct builder *b, const struct node *n)
{
	const struct node *sum = builder_member(b, "iso_checksum");
	const struct node *type = builder_member(b, "iso_checksum_type");

	if (!is_string(n) || (sum && !is_string(sum)))
		return plan_refuse(p, "what it is cannot be told");
	if (sum && sum->text.n > 0)
		return plan_refuse(p, "iso_checksum says something as well");
	plan_title(p, "iso_checksum = \"file:...\"");
	if (sum && !plan_remove_node(p, sum))
		return false;
	return (!type || plan_remove_node(p, type)) &&
	       plan_rename(p, n, "iso_checksum") &&
	       plan_replace(p, before(n->text_at), STR("file:"));
}

static bool fix_md5(struct plan *p, const struct builder *b, const struct node *n)
{
	if (builder_member(b, "iso_checksum"))
		return plan_refuse(p, "iso_checksum is there as well");
	if (!is_string(n))
		return plan_refuse(p, "what it is cannot be told");
	plan_title(p, "iso_checksum = \"md5:...\"");
	return plan_rename(p, n, "iso_checksum") &&
	       plan_replace(p, before(n->text_at), STR("md5:"));
}

static bool fix_sum(struct plan *p, const struct builder *b, const struct node *n)
{
	if (str_is(n->key, "iso_checksum_type"))
		return fix_sum_type(p, b, n);
	return str_is(n->key, "iso_md5") ? fix_md5(p, b, n) : fix_sum_url(p, b, n);
}

static bool fix_old(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = b->members.v[f->arg].node;
	const struct old *o = old_of(b, n->key);

	BUG_ON(!o);
	switch (o->what) {
	case OLD_RENAMED:
		return rename_member(p, b, n, o->now);
	case OLD_GONE:
		plan_title(p, "remove %.*s", STR_ARG(o->name));
		return plan_remove_node(p, n);
	case OLD_SUM:
		return fix_sum(p, b, n);
	case OLD_ATTACH:
		return attach(p, b, n);
	case OLD_MOVED:
		return plan_refuse(p, "it goes into a block %s, with what belongs to it",
				   o->now);
	}
	BUG("what %u", o->what);
}

/* ---- packer-type-old ---- */

static const struct {
	const char *old, *now;
} types[] = {
	{ "proxmox", "proxmox-iso" },
	{ "virtualbox", "virtualbox-iso" },
	{ "vmware", "vmware-iso" },
};

static const char *type_now(const struct builder *b)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !b->foreign; i++) {
		if (str_is(b->type, types[i].old))
			return types[i].now;
	}
	return NULL;
}

static void check_type(struct scan *s, const struct builder *b)
{
	if (!type_now(b))
		return;
	report_label(s,
		     report(s, b->type_at, "the type is '%s', expected %s",
			    shown(s, b->type), type_now(b)),
		     "packer fix changes it: what is current may not have it");
}

/* A builder is called like its type where it has no name, and is meant by that elsewhere. */
static bool names_builders(const struct node *n)
{
	if (str_is(n->key, "only") || str_is(n->key, "except") ||
	    str_is(n->key, "override"))
		return true;
	for_each_node (c, n) {
		if (names_builders(c))
			return true;
	}
	return false;
}

static bool fix_type(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *root = b->node;
	const char *now = type_now(b);

	(void)f;
	BUG_ON(!now);
	if (b->syntax != PACKER_LEGACY)
		return plan_refuse(p, "each build that names the source is to be changed "
				      "with it");
	while (root->up)
		root = root->up;
	if (!node_child(b->node, "name") && names_builders(root))
		return plan_refuse(p, "the builder has no name of its own, and "
				      "something may mean it by its type");
	plan_title(p, "\"type\": \"%s\"", now);
	return plan_replace(p, b->type_at, str_of(now));
}

const struct rule rules_packer_old[] = {
	{ .id = "packer-deprecated",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a member of a builder that has another name now",
	  .why = "Packer 1.6 and later refuse most of these: deprecated configuration "
		 "key, please call `packer fix`. That command writes the whole file anew, "
		 "sorted, and not at all in HCL.",
	  .steps = "Where it is part of a block now, make one block of all that belongs "
		   "together, such as storage { disk_size = ... }.",
	  .source = "Packer 1.6.6, packer fix; packer-plugin-proxmox 1.2",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_old, fix_old) },
	{ .id = "packer-type-old",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a builder under a name that it had once",
	  .why = "The builders of VirtualBox, VMware and Proxmox VE are named for what "
		 "they begin with: an ISO image, or a VM that is there.",
	  .steps = "Append -iso, also where a build names the source.",
	  .source = "Packer 1.6.6, packer fix: virtualbox-rename, vmware-rename, "
		    "proxmox-type",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_type, fix_type) },
};
RULES_END(packer_old);
