/* Single fields that are wrong in a GPT whose copies are right, and are put right in both.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

/* A fix of single fields writes to both copies, so both have to be there and alike. */
static bool not_sound_yet(struct plan *p, const struct gpt_state *st)
{
	if (st->verdict == GPT_SOUND)
		return false;
	plan_refuse(p, "%s first",
		    st->verdict == GPT_PRIMARY_BAD  ? "the primary GPT has to be mended"
		    : st->verdict == GPT_BACKUP_BAD ? "the backup GPT has to be mended"
		    : st->verdict == GPT_GROWN
			    ? "the GPT has to span the disk"
			    : "the two copies of the GPT have to agree");
	return true;
}

static bool set_field(struct plan *p, enum stage stage, const struct field *f, uint64_t v)
{
	return f->v == v || plan_le64(p, stage, f->at, v);
}

/* ---- numbers ---- */

bool gpt_fix_alternate(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	(void)f;
	if (st.verdict != GPT_ASTRAY)
		return false;
	plan_title(p, "let each copy of the GPT name the other's place");
	return set_field(p, STAGE_HEADERS, &g->backup.alternate_lba, g->primary.lba) &&
	       set_field(p, STAGE_COMMIT, &g->primary.alternate_lba, g->backup.lba);
}

bool gpt_fix_usable(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary, *b = &g->backup;
	struct gpt_state st = gpt_state(g);
	uint64_t array =
		gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
	uint64_t first, last;

	(void)f;
	if (not_sound_yet(p, &st) || gpt_is_absurd(p, g, t) || gpt_is_absurd(p, g, b))
		return false;
	first = t->entries_lba.v + array;
	last = b->entries_lba.v - 1;
	/* What is right of it stays: it may keep space free on purpose. */
	if (t->first_usable.v <= t->last_usable.v) {
		first = u64_max(t->first_usable.v, first);
		last = u64_min(t->last_usable.v, last);
	}
	for (size_t i = 0; i < t->nentries; i++) {
		if (t->entry[i].first.v < first || t->entry[i].last.v > last)
			return plan_refuse(
				p,
				"partition %u (LBA %llu to %llu) is not within "
				"LBA %llu to %llu",
				t->entry[i].number,
				(unsigned long long)t->entry[i].first.v,
				(unsigned long long)t->entry[i].last.v,
				(unsigned long long)first, (unsigned long long)last);
	}
	plan_title(p, "set the usable range to what lies between the tables");
	return set_field(p, STAGE_HEADERS, &b->first_usable, first) &&
	       set_field(p, STAGE_HEADERS, &b->last_usable, last) &&
	       set_field(p, STAGE_COMMIT, &t->first_usable, first) &&
	       set_field(p, STAGE_COMMIT, &t->last_usable, last);
}

bool gpt_fix_revision(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (not_sound_yet(p, &st) || gpt_is_absurd(p, g, &g->primary))
		return false;
	plan_title(p, "set the revision to 1.0");
	return plan_le32(
		p, f->at.off == g->primary.revision.at.off ? STAGE_COMMIT : STAGE_HEADERS,
		f->at, GPT_REVISION_1_0);
}

/* ---- unique GUIDs ---- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return h;
}

static uint64_t scatter(uint64_t h) /* the finaliser of splitmix64 */
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

static bool guid_is_taken(const struct gpt_table *t, struct guid g)
{
	for (size_t i = 0; i < t->nentries; i++) {
		if (guid_eq(t->entry[i].guid, g) || guid_eq(t->entry[i].type, g))
			return true;
	}
	return guid_eq(t->disk_guid, g);
}

struct guid gpt_fresh_guid(const struct gpt_table *t, const struct gpt_entry *e)
{
	struct guid g;
	uint8_t round = 0;

	do {
		uint64_t h = UINT64_C(0xcbf29ce484222325);

		h = mix(h, &round, 1);
		h = mix(h, t->disk_guid.b, GPT_GUID_SIZE);
		h = mix(h, e->guid.b, GPT_GUID_SIZE);
		h = mix(h, (uint8_t[]){ (uint8_t)e->number, (uint8_t)(e->number >> 8) },
			2);
		put_le64(g.b, scatter(h));
		put_le64(g.b + 8, scatter(mix(h, "vmend", 5)));
		g.b[7] = (uint8_t)((g.b[7] & 0x0f) | 0x40);
		g.b[8] = (uint8_t)((g.b[8] & 0x3f) | 0x80);
	} while (guid_is_taken(t, g) && ++round != 0);
	return g;
}

const struct gpt_entry *gpt_same_guid_before(const struct gpt_table *t, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (guid_eq(t->entry[k].guid, t->entry[i].guid))
			return &t->entry[k];
	}
	return NULL;
}

/* Both copies of a sound table have the same entries in the same order. */
static bool put_fresh_guid(struct plan *p, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->primary.entry[i], *twin = &g->backup.entry[i];
	struct guid fresh = gpt_fresh_guid(&g->primary, e);
	struct view bytes = { fresh.b, GPT_GUID_SIZE };
	char text[37];

	guid_text(fresh, text);
	plan_title(p, "give partition %u the unique GUID %s", e->number, text);
	return plan_bytes(p, STAGE_TABLES, twin->at.off + GPT_ENT_GUID, bytes) &&
	       plan_bytes(p, STAGE_COMMIT, e->at.off + GPT_ENT_GUID, bytes);
}

static bool has_zero_guid(const struct gpt_table *t, size_t i)
{
	return guid_is_zero(t->entry[i].guid);
}

static bool has_guid_again(const struct gpt_table *t, size_t i)
{
	return !has_zero_guid(t, i) && gpt_same_guid_before(t, i);
}

static bool fix_guids(struct plan *p, const struct finding *f, const struct gpt *g,
		      bool (*is_bad)(const struct gpt_table *t, size_t i))
{
	const struct gpt_table *t = &g->primary;
	struct gpt_state st = gpt_state(g);
	size_t n = 0;

	if (not_sound_yet(p, &st) || gpt_is_absurd(p, g, t))
		return false;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (f->arg ? e->number != f->arg : e->at.off < f->at.off || !is_bad(t, i))
			continue;
		if (!put_fresh_guid(p, g, i))
			return false;
		n++;
	}
	if (n > 1)
		plan_title(p, "give %zu more partitions unique GUIDs", n);
	return n != 0;
}

bool gpt_fix_guid_zero(struct plan *p, const struct finding *f, const struct gpt *g)
{
	return fix_guids(p, f, g, has_zero_guid);
}

bool gpt_fix_guid_dup(struct plan *p, const struct finding *f, const struct gpt *g)
{
	return fix_guids(p, f, g, has_guid_again);
}
