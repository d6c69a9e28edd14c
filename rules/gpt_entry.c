/* Rules on fields of a GPT entry that hold what the format has no meaning for.
 * UEFI 2.10, tables 5-6 and 5-8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	UNIT = 2, /* bytes, of UTF-16 */
	UNITS = GPT_ENT_NAME_SIZE / UNIT,
	NO_UNIT = UNITS,
	REPLACEMENT = 0xfffd,
	/* Findings of one rule; a table with more of a kind is wrecked or made up. */
	LISTED_MAX = 64,
};

/* Bits 3 to 47; those below are UEFI's, those above belong to each type. */
#define ATTRIBUTES_RESERVED UINT64_C(0x0000fffffffffff8)

static const struct gpt_table *table_of(const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	return gpt_state_has_table(&st) ? g->good : NULL;
}

/* ask: reports entry e of t, or returns NULL. Where the list ends, one more finding stands for
 * the rest: its arg is 0. */
static void each_entry(struct scan *s, const struct gpt *g,
		       struct finding *(*ask)(struct scan *s, const struct gpt_table *t,
					      const struct gpt_entry *e))
{
	const struct gpt_table *t = table_of(g);
	size_t listed = 0;

	for (size_t i = 0; t && i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		struct finding *f;

		if (listed == LISTED_MAX) {
			report(s, e->at,
			       "%zu partitions have this; those from %u on are not "
			       "looked at for it",
			       listed, e->number);
			return;
		}
		f = ask(s, t, e);
		if (!f)
			continue;
		f->arg = e->number;
		listed++;
	}
}

/* put: writes entry i of both copies, which are alike; or sets *clean when there is nothing
 * to do. */
static bool mend_entries(struct plan *p, const struct finding *f, const struct gpt *g,
			 bool (*put)(struct plan *p, const struct gpt *g, size_t i,
				     bool *clean))
{
	const struct gpt_table *t = &g->primary;
	size_t n = 0;

	if (gpt_state(g).verdict != GPT_SOUND)
		return plan_refuse(p, "the two copies of the GPT have to be right first");
	if (gpt_is_absurd(p, g, t) || gpt_is_absurd(p, g, &g->backup))
		return false;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		bool clean = false;

		if (f->arg ? e->number != f->arg : e->at.off < f->at.off)
			continue;
		if (!put(p, g, i, &clean))
			return false;
		n += !clean;
	}
	return n != 0;
}

/* ---- gpt-attr-reserved ---- */

static struct finding *ask_attributes(struct scan *s, const struct gpt_table *t,
				      const struct gpt_entry *e)
{
	uint64_t bits = e->attributes.v & ATTRIBUTES_RESERVED;

	(void)t;
	if (bits == 0)
		return NULL;
	return report(s, e->attributes.at,
		      "the attributes of partition %u are %016llx: of them %llx are "
		      "reserved bits, expected 0",
		      e->number, LLU(e->attributes.v), LLU(bits));
}

static void check_attributes(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_attributes);
}

static bool put_attributes(struct plan *p, const struct gpt *g, size_t i, bool *clean)
{
	const struct gpt_entry *e = &g->primary.entry[i], *twin = &g->backup.entry[i];
	uint64_t v = e->attributes.v & ~ATTRIBUTES_RESERVED;

	*clean = v == e->attributes.v;
	if (*clean)
		return true;
	return plan_le64(p, STAGE_TABLES, twin->attributes.at, v) &&
	       plan_le64(p, STAGE_COMMIT, e->attributes.at, v);
}

static bool fix_attributes(struct plan *p, const struct finding *f, const struct gpt *g)
{
	plan_title(p, "clear reserved attribute bits");
	return mend_entries(p, f, g, put_attributes);
}

/* ---- gpt-name-encoding ---- */

static struct view name_of(const struct gpt_table *t, const struct gpt_entry *e)
{
	size_t off = (size_t)(e->at.off - t->entries_at.off) + GPT_ENT_NAME;

	return view_cut(t->entries_raw, off, GPT_ENT_NAME_SIZE);
}

static bool is_high(uint16_t u)
{
	return u >= 0xd800 && u < 0xdc00;
}

static bool is_low(uint16_t u)
{
	return u >= 0xdc00 && u < 0xe000;
}

/* The first unit from `from` on that is half of a character, or NO_UNIT. */
static size_t lone_unit(struct view name, size_t from)
{
	for (size_t i = from; i < UNITS; i++) {
		uint16_t u = view_le16(name, i * UNIT);
		uint16_t next = i + 1 < UNITS ? view_le16(name, (i + 1) * UNIT) : 0;

		if (u == 0)
			break;
		if (is_high(u) && is_low(next))
			i++;
		else if (is_high(u) || is_low(u))
			return i;
	}
	return NO_UNIT;
}

static struct finding *ask_name(struct scan *s, const struct gpt_table *t,
				const struct gpt_entry *e)
{
	struct view name = name_of(t, e);
	size_t unit = lone_unit(name, 0);
	struct finding *f;

	if (unit == NO_UNIT)
		return NULL;
	f = report(
		s,
		(struct span){ e->at.src, e->at.off + GPT_ENT_NAME + unit * UNIT, UNIT },
		"UTF-16 unit %zu of the name of partition %u is %04x, half of a "
		"character without its other half",
		unit + 1, e->number, view_le16(name, unit * UNIT));
	report_label(s, f, "the name is '%s' as far as it can be read",
		     shown(s, e->name));
	return f;
}

static void check_name(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_name);
}

static bool put_name(struct plan *p, const struct gpt *g, size_t i, bool *clean)
{
	const struct gpt_entry *e = &g->primary.entry[i], *twin = &g->backup.entry[i];
	uint8_t name[GPT_ENT_NAME_SIZE];
	struct view v = { name, sizeof(name) };

	memcpy(name, name_of(&g->primary, e).p, sizeof(name));
	*clean = lone_unit(v, 0) == NO_UNIT;
	if (*clean)
		return true;
	for (size_t k = 0; (k = lone_unit(v, k)) != NO_UNIT; k++)
		put_le16(name + k * UNIT, REPLACEMENT);
	return plan_bytes(p, STAGE_TABLES, twin->at.off + GPT_ENT_NAME, v) &&
	       plan_bytes(p, STAGE_COMMIT, e->at.off + GPT_ENT_NAME, v);
}

static bool fix_name(struct plan *p, const struct finding *f, const struct gpt *g)
{
	plan_title(p, "put U+FFFD for what is no character in a partition's name");
	return mend_entries(p, f, g, put_name);
}

const struct rule rules_gpt_entry[] = {
	{ .id = "gpt-attr-reserved",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition has reserved attribute bits",
	  .why = "Nothing has a meaning for them today; a later version of UEFI may give them "
		 "one. Set ones usually are a tool's mistake about where bits 48 to 63 are.",
	  .steps =
		  "`vmend fix --unsafe-fixes` clears them; `vmend undo` takes that back.",
	  .source = "UEFI 2.10, table 5-8: bits 3 to 47 are undefined and must be zero",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_attributes, fix_attributes) },
	{ .id = "gpt-name-encoding",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition's name is not UTF-16",
	  .why = "parted shows no name then, sfdisk --json prints bytes that are no UTF-8, at "
		 "which what reads them may stop, and a dump of sfdisk does not restore it.",
	  .steps =
		  "`sfdisk --part-label DISK NUMBER NAME` gives it the name that was meant. "
		  "`vmend fix --unsafe-fixes` puts U+FFFD for each half character.",
	  .source =
		  "UEFI 2.10, table 5-6, PartitionName; The Unicode Standard, section 3.9, "
		  "D91",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_name, fix_name) },
};

RULES_END(gpt_entry);
