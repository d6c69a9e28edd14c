/* Both headers of a GPT describe its entries wrongly, with right checksums, and the entries stand
 * where every tool puts them. UEFI 2.10, section 5.3.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fault.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	SECTOR_MAX = 4096,
	SLOT = GPT_ENTRY_SIZE,
	/* Four times as many as tools make room for unless they are asked for more. */
	USUAL_MAX = 4 * GPT_ENTRIES_MIN_BYTES,
};

/* The array that stands at LBA 2 and right before the last sector. */
struct usual {
	const struct gpt_table *t; /* a copy whose header is right by its sum */
	uint64_t n;                /* sectors of the array */
	struct view array;
	size_t used;
};

/* ---- what stands there ---- */

static bool overlaps_before(struct view array, size_t at)
{
	uint64_t first = view_le64(array, at + GPT_ENT_FIRST);
	uint64_t last = view_le64(array, at + GPT_ENT_LAST);

	for (size_t k = 0; k < at; k += SLOT) {
		if (!view_is_zero(view_cut(array, k, SLOT)) &&
		    view_le64(array, k + GPT_ENT_FIRST) <= last &&
		    first <= view_le64(array, k + GPT_ENT_LAST))
			return true;
	}
	return false;
}

/* Are they entries, each as a tool leaves it, with zeros for those that are not in use? */
static bool are_entries(struct usual *u)
{
	for (size_t at = 0; at < u->array.n; at += SLOT) {
		struct view slot = view_cut(u->array, at, SLOT);
		uint64_t first = view_le64(slot, GPT_ENT_FIRST);
		uint64_t last = view_le64(slot, GPT_ENT_LAST);

		if (view_is_zero(slot))
			continue;
		if (view_is_zero(view_cut(slot, GPT_ENT_TYPE, GPT_GUID_SIZE)) ||
		    view_is_zero(view_cut(slot, GPT_ENT_GUID, GPT_GUID_SIZE)) ||
		    first < u->t->first_usable.v || last > u->t->last_usable.v ||
		    first > last || overlaps_before(u->array, at))
			return false;
		u->used++;
	}
	return u->used != 0;
}

static bool same_words(const struct gpt_table *a, const struct gpt_table *b)
{
	return guid_eq(a->disk_guid, b->disk_guid) &&
	       a->first_usable.v == b->first_usable.v &&
	       a->last_usable.v == b->last_usable.v;
}

/* Tools let the last usable LBA be the one before the backup's entries: that tells how many
 * there are. */
static bool find_usual(const struct gpt *g, struct usual *u)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	uint32_t ss = g->sector_size;
	struct view twin;
	uint64_t bytes;

	*u = (struct usual){ .t = p->header_ok ? p : b };
	if (!u->t->header_ok || (p->header_ok && b->header_ok && !same_words(p, b)) ||
	    u->t->last_usable.v >= g->sectors - 2)
		return false;
	u->n = g->sectors - 2 - u->t->last_usable.v;
	if (u->n > USUAL_MAX / ss || u->t->first_usable.v < 2 + u->n)
		return false;
	bytes = u->n * ss;
	if (g->head.n < bytes + ss || g->tail.n < bytes + ss)
		return false;
	u->array = view_cut(g->head, ss, (size_t)bytes);
	twin = view_cut(g->tail, g->tail.n - (size_t)bytes - ss, (size_t)bytes);
	return view_eq(twin, 0, u->array.p, u->array.n) && are_entries(u);
}

/* ---- what the headers say ---- */

static bool shows(const struct gpt_table *t, const struct usual *u)
{
	if (!t->entries_read || t->nentries != u->used)
		return false;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		size_t at = (e->number - 1) * (size_t)SLOT;
		size_t from = (size_t)(e->at.off - t->entries_at.off);

		if (!view_has(u->array, at, SLOT) ||
		    !view_eq(u->array, at, t->entries_raw.p + from, SLOT))
			return false;
	}
	return true;
}

/* Not what a tool makes, so that it is neither a shorter table over the left-over of a longer
 * one, nor one with longer entries: for those there would be room behind the partitions. */
static bool is_odd(const struct gpt *g, const struct gpt_table *t, const struct usual *u)
{
	uint64_t bytes, n, at = t->entries_lba.v;

	if (!u64_mul(t->entry_count.v, t->entry_size.v, &bytes) || bytes == 0 ||
	    bytes % g->sector_size != 0 || t->entry_size.v < SLOT)
		return true;
	n = bytes / g->sector_size;
	return n > u->n || at < 2 || at >= g->sectors || at + n >= g->sectors ||
	       (at <= t->last_usable.v && t->first_usable.v < at + n);
}

static bool is_misread(const struct gpt *g, struct usual *u)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup };
	struct gpt_state st = gpt_state(g);

	if (st.verdict != GPT_SOUND && st.verdict != GPT_LOST &&
	    st.verdict != GPT_UNREAD && st.verdict != GPT_PRIMARY_BAD &&
	    st.verdict != GPT_BACKUP_BAD)
		return false;
	if (g->pieced || !find_usual(g, u))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (copies[i]->header_ok &&
		    (!is_odd(g, copies[i], u) || shows(copies[i], u)))
			return false;
	}
	return true;
}

static bool is_header_place(const struct gpt *g, const struct gpt_table *t, uint64_t lba)
{
	uint32_t ss = g->sector_size;
	struct view old = lba == 1 ? view_cut(g->head, 0, ss)
				   : view_cut(g->tail, g->tail.n - ss, ss);

	return (t->present && t->lba == lba) || view_is_zero(old);
}

bool gpt_is_misread(const struct gpt *g)
{
	struct usual u;

	return is_misread(g, &u) && is_header_place(g, &g->primary, 1) &&
	       is_header_place(g, &g->backup, g->sectors - 1);
}

static void check_misread(struct scan *s, const struct gpt *g)
{
	const struct gpt_table *t;
	struct finding *f;
	struct usual u;

	if (!is_misread(g, &u))
		return;
	t = u.t;
	f = report(
		s, t->entries_lba.at,
		"the %s GPT header says that there are %llu entries of %llu bytes from "
		"LBA %llu on, but entries (in use: %zu) stand at LBA 2 and, the same, "
		"before the last sector",
		t->which == GPT_PRIMARY ? "primary" : "backup", LLU(t->entry_count.v),
		LLU(t->entry_size.v), LLU(t->entries_lba.v), u.used);
	report_label(s, f, "no system finds the partitions that these entries have");
}

/* ---- the repair ---- */

/* The header's sector is its own, or empty. */
static bool put_header(struct plan *p, const struct gpt *g, const struct usual *u,
		       bool backup)
{
	const struct gpt_table *t = backup ? &g->backup : &g->primary;
	uint32_t ss = g->sector_size;
	uint64_t last = g->sectors - 1;
	struct view old =
		backup ? view_cut(g->tail, g->tail.n - ss, ss) : view_cut(g->head, 0, ss);
	uint8_t sector[SECTOR_MAX];
	struct gpt_header h = {
		.my_lba = backup ? last : 1,
		.alternate_lba = backup ? 1 : last,
		.first_usable = u->t->first_usable.v,
		.last_usable = u->t->last_usable.v,
		.entries_lba = backup ? last - u->n : 2,
		.disk_guid = u->t->disk_guid,
		.entry_count = (uint32_t)(u->array.n / SLOT),
		.entry_size = SLOT,
	};

	if (!(t->present && t->lba == h.my_lba) && !view_is_zero(old))
		return plan_refuse(p,
				   "LBA %llu, where the %s header belongs, is not free",
				   LLU(h.my_lba), backup ? "backup" : "primary");
	gpt_header_bytes(&h, u->array, sector, ss);
	return gpt_put_sectors(p, backup ? STAGE_HEADERS : STAGE_COMMIT, h.my_lba * ss,
			       (struct view){ sector, ss }, old, ss);
}

static bool fix_misread(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct usual u;

	(void)f;
	if (!is_misread(g, &u) || gpt_odd_size(p, g))
		return false;
	if (g->other || g->stray)
		return plan_refuse(p, "there is a header of another GPT as well");
	plan_title(p, "let both headers describe the %zu entries that stand at LBA 2",
		   u.array.n / SLOT);
	return put_header(p, g, &u, true) && put_header(p, g, &u, false) &&
	       (st.protective || (st.mbr && gpt_put_protective(p, &st)));
}

const struct rule rules_gpt_misread[] = {
	{ .id = "gpt-entries-misread",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "both GPT headers describe the entries wrongly",
	  .why = "The headers are right by their checksums, and lead to something else than "
		 "the entries, which stand whole in both of their usual places.",
	  .steps =
		  "Compare the partitions that `vmend fix --diff --unsafe-fixes` shows with what "
		  "the disk should have. Without --diff it lets both headers describe those "
		  "entries; `vmend undo` takes that back.",
	  .source = "UEFI 2.10, table 5-5: PartitionEntryLBA, NumberOfPartitionEntries, "
		    "SizeOfPartitionEntry",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_misread, fix_misread) },
};

RULES_END(gpt_misread);
