/* Versions of plugins, as required_plugins constrains them.
 * Packer, "Version constraints"; hashicorp/go-version.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"

#include "base/banned.h"

static int compare(const struct version *a, const struct version *b)
{
	return version_cmp(a, b->part[0], b->part[1], b->part[2]);
}

static void at_least(struct plugin_range *r, struct version v)
{
	if (!r->from.known || compare(&v, &r->from) > 0)
		r->from = v;
}

static void below(struct plugin_range *r, struct version v)
{
	if (!r->below.known || compare(&v, &r->below) < 0)
		r->below = v;
}

static struct version next(struct version v, size_t part)
{
	v.part[part]++;
	for (size_t i = part + 1; i < 3; i++)
		v.part[i] = 0;
	return v;
}

static size_t dots(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '.';
	return n;
}

static void constrain(struct plugin_range *r, struct str one)
{
	static const char *const operators[] = { ">=", "<=", "~>", "!=", ">", "<", "=" };
	const char *op = "=";
	struct version v;

	one = str_trim(one);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (!str_starts(one, operators[i]))
			continue;
		op = operators[i];
		one = str_trim((struct str){ one.p + strlen(op), one.n - strlen(op) });
		break;
	}
	if (!version_parse(one, &v) || op[0] == '!')
		return;
	if (op[0] == '>' || op[0] == '=' || op[0] == '~')
		at_least(r, op[0] == '>' && op[1] == '\0' ? next(v, 2) : v);
	if (op[0] == '=' || (op[0] == '<' && op[1] == '='))
		below(r, next(v, 2));
	if (op[0] == '<' && op[1] == '\0')
		below(r, v);
	/* ~> 1.2.3 lets in 1.2.x, ~> 1.2 lets in 1.x. */
	if (op[0] == '~')
		below(r, next(v, dots(one) == 2 ? 1 : 0));
}

void plugin_constrain(struct plugin_range *r, struct str constraint)
{
	while (constraint.n) {
		const char *comma = memchr(constraint.p, ',', constraint.n);
		size_t n = comma ? (size_t)(comma - constraint.p) : constraint.n;

		constrain(r, (struct str){ constraint.p, n });
		n += comma != NULL;
		constraint = (struct str){ constraint.p + n, constraint.n - n };
	}
}

bool plugin_may_be_below(const struct plugin_range *r, uint32_t major, uint32_t minor,
			 uint32_t patch)
{
	return !r->from.known || version_cmp(&r->from, major, minor, patch) < 0;
}

bool plugin_is_below(const struct plugin_range *r, uint32_t major, uint32_t minor,
		     uint32_t patch)
{
	return r->below.known && version_cmp(&r->below, major, minor, patch) <= 0;
}
