/* Words in devices of Incus and LXD that it does not know: what a device is, and what its keys
 * are set to. lxc/incus, internal/server/device/device_load.go, newByType().
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "rules/near.h"
#include "rules/rules.h"

#include "base/banned.h"

struct value {
	const char *type, *key, *values, *otherwise;
};

static const struct value values[] = {
#define INCUS_VALUE(type, key, values, otherwise)                                        \
	{ (type), (key), (values), (otherwise) },
#include "rules/incus_device_values.def"
#undef INCUS_VALUE
};

enum {
	NVALUES = sizeof(values) / sizeof(values[0]),
	DEVICES_MAX = 1024, /* that are looked at */
};

static const char bools[] = "true false yes no on off 1 0";

static bool is_right(const struct value *v, struct str text)
{
	return v->values ? str_among(text, v->values) : incus_is_bool(text);
}

static struct str meant_by(const struct value *v, struct str text)
{
	return near_among(text, v->values ? v->values : bools);
}

/* The value of this row that this device has, if it is wrong; NULL: it is not. */
static const struct node *wrong_value(const struct incus_device *d, const struct value *v)
{
	const struct node *n = node_child(d->node, v->key);

	if (!n || n->kind != NODE_SCALAR || n->text.n == 0 || n->from ||
	    (v->type[0] && !fact_is(&d->type, v->type)) || text_is_variable(n->text) ||
	    memchr(n->text.p, '$', n->text.n) || memchr(n->text.p, '{', n->text.n))
		return NULL;
	/* With a network, it is the network's type that counts. */
	if (str_is(n->key, "nictype") && !fact_absent(&d->network))
		return NULL;
	if (is_right(v, n->text))
		return NULL;
	/* Newer versions may have more of those that are not refused. */
	return v->otherwise && v->values && meant_by(v, n->text).n == 0 ? NULL : n;
}

static const char *expected(struct scan *s, const struct value *v, struct str text)
{
	struct str meant = meant_by(v, text);

	if (meant.n)
		return scan_printf(s, "'%.*s'", STR_ARG(meant));
	return v->values ? scan_printf(s, "one of: %s", near_list(s, v->values))
			 : "true or false";
}

static void check_value(struct scan *s, const struct incus_device *d, size_t row)
{
	const struct value *v = &values[row];
	const struct node *n = wrong_value(d, v);
	struct finding *f;

	if (!n)
		return;
	f = report(s, n->text_at, "device '%s' has the %s '%s', expected %s",
		   shown(s, d->name), v->key, shown(s, n->text), expected(s, v, n->text));
	f->arg = row;
	report_label(s, f, "%s",
		     v->otherwise ? v->otherwise : "Incus refuses the device");
	if (v->otherwise)
		report_lower(f);
}

static void check_values(struct scan *s, const struct incus *i)
{
	for (size_t k = 0; i->devices_own && k < i->ndevices && k < DEVICES_MAX; k++) {
		for (size_t row = 0; row < NVALUES; row++)
			check_value(s, &i->devices[k], row);
	}
}

static bool fix_value(struct plan *p, const struct finding *f, const struct incus *i)
{
	const struct value *v = &values[f->arg];

	for (size_t k = 0; k < i->ndevices; k++) {
		const struct node *n = wrong_value(&i->devices[k], v);
		struct str meant;

		if (!n || n->text_at.off != f->at.off)
			continue;
		meant = meant_by(v, n->text);
		if (meant.n == 0 || n->text_at.len != n->text.n)
			break;
		plan_title(p, "%s: %.*s", v->key, STR_ARG(meant));
		return plan_replace(p, n->text_at, meant);
	}
	return plan_refuse(p, "what was meant can only be guessed");
}

const struct rule rules_incus_device_value[] = {
	{ .id = "incus-device-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a word in a device that Incus does not know",
	  .why = "Incus knows a few types of devices and of network cards, and refuses the "
		 "instance or the profile for others. It takes an unknown gputype for "
		 "physical, and for false what is not true in the filters of network cards.",
	  .steps = "The manual has the types of devices, and the words of their keys.",
	  .source = "lxc/incus, internal/server/device/device_load.go, newByType()",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_values, fix_value) },
};
RULES_END(incus_device_value);
