/* Values that the builders' plugins compare with the few that they know, and durations.
 * packer-plugin-*, Prepare() of their configs; asked of Packer 1.6.6: packer_fields.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- durations, as Go's time.ParseDuration() reads them ---- */

static bool duration_unit(struct str *s, double *seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {
		{ "ns", 1e-9 },        { "us", 1e-6 }, { "\xc2\xb5s", 1e-6 },
		{ "\xce\xbcs", 1e-6 }, { "ms", 1e-3 }, { "s", 1 },
		{ "m", 60 },           { "h", 3600 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (!str_starts(*s, units[i].name))
			continue;
		*s = (struct str){ s->p + n, s->n - n };
		*seconds = units[i].seconds;
		return true;
	}
	return false;
}

static size_t digits(struct str *s, double *value, double *scale)
{
	size_t n = 0;

	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; n++) {
		*value = *value * 10 + (s->p[0] - '0');
		*scale *= 10;
		*s = (struct str){ s->p + 1, s->n - 1 };
	}
	return n;
}

bool go_duration(struct str s, double *seconds)
{
	bool minus = s.n && s.p[0] == '-';

	*seconds = 0;
	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = (struct str){ s.p + 1, s.n - 1 };
	if (str_is(s, "0"))
		return true;
	if (s.n == 0)
		return false;
	while (s.n) {
		double value = 0, scale = 1, unit;
		size_t n = digits(&s, &value, &scale);

		scale = 1;
		if (s.n && s.p[0] == '.') {
			s = (struct str){ s.p + 1, s.n - 1 };
			n += digits(&s, &value, &scale);
		}
		if (n == 0 || !duration_unit(&s, &unit))
			return false;
		*seconds += value / scale * unit;
	}
	if (minus)
		*seconds = -*seconds;
	return true;
}

/* ---- packer-value ---- */

enum { VALUES_MAX = 10 };

struct choice {
	struct str name;
	unsigned builders;
	const char *values[VALUES_MAX];
};

static const struct choice choices[] = {
#define CHOICE(name, builders, ...)                                                      \
	{ { name, sizeof(name) - 1 }, builders, { __VA_ARGS__ } },
#include "analyze/config/packer_fields.def"
};
enum { NCHOICES = sizeof(choices) / sizeof(choices[0]) };

static const struct choice *choice_of(const struct builder *b, const struct node *n)
{
	for (size_t i = 0; i < NCHOICES; i++) {
		if (choices[i].builders & b->kind && str_eq(n->key, choices[i].name))
			return &choices[i];
	}
	return NULL;
}

static bool is_one_of(struct str s, const struct choice *c)
{
	for (size_t i = 0; i < VALUES_MAX && c->values[i]; i++) {
		if (str_is(s, c->values[i]))
			return true;
	}
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '_' ? '-' : c;
}

/* Insertions, deletions and changes that lead from one to the other, in any case. */
static size_t distance(struct str a, struct str b)
{
	size_t row[17];

	if (a.n > 16 || b.n > 16)
		return 16;
	for (size_t k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			size_t best = diagonal + (lower(a.p[i - 1]) != lower(b.p[k - 1]));

			diagonal = row[k];
			best = row[k] + 1 < best ? row[k] + 1 : best;
			row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
		}
	}
	return row[b.n];
}

/* The only one that is near; NULL: none is, or two are. */
static const char *meant(struct str s, const struct choice *c)
{
	size_t best = s.n < 4 ? 2 : 3;
	const char *found = NULL;

	for (size_t i = 0; i < VALUES_MAX && c->values[i]; i++) {
		size_t d = distance(s, str_of(c->values[i]));

		if (d < best) {
			best = d;
			found = c->values[i];
		} else if (d == best && found) {
			found = NULL;
		}
	}
	return found;
}

static const char *list_of(struct scan *s, const struct choice *c)
{
	const char *list = c->values[0];

	for (size_t i = 1; i < VALUES_MAX && c->values[i]; i++)
		list = scan_printf(s, "%s%s%s", list,
				   i + 1 < VALUES_MAX && c->values[i + 1] ? ", " : " or ",
				   c->values[i]);
	return list;
}

static void check_value(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		const struct choice *c = choice_of(b, n);
		struct finding *f;

		if (!c || n->kind != NODE_SCALAR || n->type == SCALAR_NULL ||
		    n->text.n == 0 || is_one_of(n->text, c))
			continue;
		f = report(s, n->text_at, "%.*s is '%s', expected %s", STR_ARG(c->name),
			   shown(s, n->text), list_of(s, c));
		if (meant(n->text, c))
			report_label(s, f, PACKER_REFUSES "; did you mean %s?",
				     meant(n->text, c));
		else
			report_label(s, f, PACKER_REFUSES);
		/* A later version may know more than we do. */
		if (!meant(n->text, c))
			report_lower(f);
		f->arg = i;
	}
}

/* Of a literal: what a variable is, is said elsewhere. */
static bool set_string(struct plan *p, const struct node *n, const char *value)
{
	if (n->from)
		return plan_refuse(p, "its value is that of %s: change it there",
				   n->from);
	plan_title(p, "%.*s = \"%s\"", STR_ARG(n->key), value);
	return plan_replace(p, n->open_at,
			    str_of(arena_printf(p->arena, "\"%s\"", value)));
}

static bool fix_value(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = b->members.v[f->arg].node;
	const char *value = meant(n->text, choice_of(b, n));

	if (!value)
		return plan_refuse(p, "what was meant cannot be told");
	return set_string(p, n, value);
}

/* ---- packer-duration ---- */

/* Tart's has rules of its own. */
static bool is_duration(const struct packer_field *field, const struct node *n)
{
	return field && field->kind == PACKER_DURATION && n->kind == NODE_SCALAR &&
	       n->type != SCALAR_NULL && n->text.n > 0 &&
	       !str_is(n->key, "create_grace_time");
}

static void check_duration(struct scan *s, const struct builder *b)
{
	double seconds;

	for (size_t i = 0; i < b->members.n; i++) {
		const struct node *n = b->members.v[i].node;
		bool is_one = is_duration(b->members.v[i].field, n),
		     bare = n->type == SCALAR_NUMBER;
		bool weak = bare && b->syntax == PACKER_LEGACY;
		struct finding *f;

		if (!is_one || str_is(n->text, "0") ||
		    (!weak && go_duration(n->text, &seconds)))
			continue;
		f = report(s, n->text_at,
			   weak ? "%.*s is the number %s, which is of nanoseconds; "
				  "expected a string with a unit (s, m, h)"
				: "%.*s is '%s', expected a number with a unit (s, m, "
				  "h)",
			   STR_ARG(n->key), shown(s, n->text));
		report_label(s, f, weak ? "it is no time at all" : PACKER_REFUSES);
		if (weak)
			report_lower(f);
		f->arg = i;
	}
}

/* Seconds are what boots and keys take; of others nobody knows whether it was minutes. */
static bool fix_duration(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = b->members.v[f->arg].node;
	uint64_t number;

	if (!str_is(n->key, "boot_wait") || !str_u64(n->text, &number))
		return plan_refuse(p, "which time was meant cannot be told");
	return set_string(p, n,
			  arena_printf(p->arena, "%llus", (unsigned long long)number));
}

const struct rule rules_packer_value[] = {
	{ .id = "packer-duration",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a time without a unit",
	  .why = "Times are durations of Go: a string as \"30s\", \"20m\" or \"1h30m\". "
		 "Packer refuses anything else: missing unit in duration. Only in "
		 "legacy JSON a bare number is taken, for nanoseconds.",
	  .steps = "Add the unit: s, m or h.",
	  .source = "Go, time.ParseDuration(); asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_duration, fix_duration) },
	{ .id = "packer-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a value that the builder does not take",
	  .why = "Packer compares the value with the few that its plugin knows, in lower "
		 "case, and refuses the template.",
	  .source = "packer-plugin-qemu, -virtualbox, -vmware, -parallels, -vsphere: "
		    "Prepare(); packer-plugin-sdk, communicator/config.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_value, fix_value) },
};
RULES_END(packer_value);
