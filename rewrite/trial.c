/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/trial.h"

#include "rewrite/iso_sum.h"
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "rewrite/match.h"
#include "rewrite/qcow2_same.h"
#include "rewrite/qcow2_write.h"
#include "rewrite/seal.h"
#include "rewrite/text.h"
#include "rewrite/trial_qcow2.h"
#include "base/banned.h"

static struct plan plan_inside(const struct unit *u, struct arena *a)
{
	if (!u->image || !u->image->src->is_guest)
		return (struct plan){ .arena = a };
	return plan_on(u->image->src, a);
}

void draft_init(struct draft *d, const struct unit *input)
{
	*d = (struct draft){ .unit = input };
	arena_init(&d->arena, ARENA_BUDGET);
	d->whole = plan_on(&input->src, &d->arena);
	d->guest = plan_inside(input, &d->arena);
	rules_run(input, &d->arena, &d->found);
}

void draft_free(struct draft *d)
{
	if (d->unit == &d->own)
		unit_close(&d->own);
	arena_free(&d->arena);
}

void trial_begin(struct trial *t, struct draft *next)
{
	*next = (struct draft){ 0 };
	arena_init(&next->arena, ARENA_BUDGET);
	t->next = next;
	t->plan = plan_on(&t->now->unit->src, &next->arena);
	t->guest = plan_inside(t->now->unit, &next->arena);
	t->fixes = arena_array(&next->arena, t->now->found.v.n, bool);
	t->nfixes = 0;
	t->why = NULL;
}

struct plan *trial_plan(struct trial *t, struct span at)
{
	return at.src->is_guest ? &t->guest : &t->plan;
}

/* What is planned for the disk that partitions are on, wherever that is. */
static const struct plan *disk_plan(const struct trial *t)
{
	return t->guest.src ? &t->guest : &t->plan;
}

void trial_drop(struct trial *t)
{
	draft_free(t->next);
}

static void refute(struct trial *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void refute(struct trial *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->why = arena_vprintf(&t->next->arena, fmt, ap);
	va_end(ap);
}

/* ---- laying the plan over ---- */

static struct source lay_over(struct trial *t)
{
	struct draft *next = t->next;
	struct source text;

	if (t->input->format->kind == FORMAT_TEXT) {
		text = source_of_bytes(
			t->input->src.path,
			plan_text(&t->plan, t->now->unit->text, &next->arena));
		text.beside = t->input->src.beside;
		text.reach = t->input->src.reach;
		return text;
	}
	next->whole = plan_over(&t->now->whole, &t->plan, &next->arena);
	next->patch = plan_patch(&next->whole, &next->arena);
	next->guest = t->now->guest;
	if (next->guest.src && t->guest.src)
		next->guest = plan_over(&t->now->guest, &t->guest, &next->arena);
	return source_overlay(&t->input->src, &next->patch);
}

static int read_again(struct trial *t, struct err *e)
{
	struct source src = lay_over(t);
	struct draft *next = t->next;

	unit_read(&next->own, &src, t->input->format, t->input->host);
	next->unit = &next->own;
	next->own.journal = t->input->journal;
	if (next->own.state == UNIT_READ) {
		rules_run(next->unit, &next->own.arena, &next->found);
		return 0;
	}
	if (next->own.state == UNIT_FAILED && next->own.why.code == ERR_IO) {
		*e = next->own.why;
		return -1;
	}
	refute(t, "what it would make cannot be read again%s%s",
	       next->own.state == UNIT_FAILED ? ": " : "",
	       next->own.state == UNIT_FAILED ? next->own.why.msg : "");
	return 0;
}

/* ---- what was there still is ---- */

/* The most far-reaching class among the fixes that are tried. */
static enum fix_class reach(const struct trial *t)
{
	enum fix_class most = FIX_SAFE;

	for (size_t i = 0; i < t->now->found.v.n; i++) {
		if (t->fixes[i] && t->now->found.v.v[i]->rule->fix_class > most)
			most = t->now->found.v.v[i]->rule->fix_class;
	}
	return most;
}

/* a sectors of one size reach as far as b of another: both are powers of two. */
static bool same_place(uint64_t a, uint32_t a_size, uint64_t b, uint32_t b_size)
{
	uint32_t unit = a_size < b_size ? a_size : b_size;
	uint64_t x, y;

	return u64_mul(a, a_size / unit, &x) && u64_mul(b, b_size / unit, &y) && x == y;
}

/* The same bytes, whatever the sectors measure. */
static bool same_range(const struct gpt_entry *x, uint32_t x_size,
		       const struct gpt_entry *y, uint32_t y_size)
{
	uint64_t x_end, y_end;

	return u64_add(x->last.v, 1, &x_end) && u64_add(y->last.v, 1, &y_end) &&
	       same_place(x->first.v, x_size, y->first.v, y_size) &&
	       same_place(x_end, x_size, y_end, y_size);
}

/* x, or x where its partition is moved to. */
static bool same_lbas(const struct partitions *parts, const struct gpt_entry *x,
		      const struct gpt_entry *y, uint32_t ss)
{
	uint64_t off;

	if (u64_mul(x->first.v, ss, &off) && partitions_now(parts, off) != off)
		return y->first.v == partitions_now(parts, off) / ss &&
		       y->last.v - y->first.v == x->last.v - x->first.v;
	return x->first.v == y->first.v && x->last.v == y->last.v;
}

static bool same_partition(const struct trial *t, const struct gpt *was,
			   const struct gpt *is, size_t i, enum fix_class reach)
{
	const struct gpt_entry *x = &was->good->entry[i], *y = &is->good->entry[i];

	return x->number == y->number && guid_eq(x->type, y->type) &&
	       (was->sector_size == is->sector_size
			? same_lbas(&t->parts, x, y, was->sector_size)
			: t->plan.moves.n == 0 &&
				  same_range(x, was->sector_size, y, is->sector_size)) &&
	       (reach > FIX_SAFE || guid_eq(x->guid, y->guid));
}

/* An empty table that covers another one may give way to that. */
static bool uncovers(const struct gpt *was, const struct gpt *is)
{
	return was->sector_size != is->sector_size && was->past && was->past->table &&
	       was->good->nentries == 0;
}

static bool copies_agree(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;

	return gpt_table_ok(p) && gpt_table_ok(b) && p->entry_size.v == b->entry_size.v &&
	       p->entries_raw.n == b->entries_raw.n &&
	       view_eq(p->entries_raw, 0, b->entries_raw.p, b->entries_raw.n);
}

/* Of two right copies that differ, the other one has its way. */
static bool takes_backup(const struct gpt *was, const struct gpt *is)
{
	const struct gpt_table *b = &was->backup;

	return was->good == &was->primary && gpt_table_ok(b) && !copies_agree(was) &&
	       copies_agree(is) && guid_eq(b->disk_guid, is->good->disk_guid) &&
	       b->entries_raw.n == is->good->entries_raw.n &&
	       view_eq(b->entries_raw, 0, is->good->entries_raw.p, b->entries_raw.n);
}

/* The entries that are seen now stood in both of their usual places, and no header led there. */
static bool stood_in_place(const struct gpt *was, const struct gpt *is)
{
	struct view array = is->good->entries_raw;
	uint32_t ss = was->sector_size;

	return was->sector_size == is->sector_size && copies_agree(is) &&
	       is->good == &is->primary && is->good->entries_lba.v == 2 &&
	       was->tail.n >= array.n + ss && view_eq(was->head, ss, array.p, array.n) &&
	       view_eq(was->tail, was->tail.n - ss - array.n, array.p, array.n) &&
	       (was->good->entries_lba.v != 2 ||
		was->good->entry_size.v != is->good->entry_size.v ||
		was->good->entry_count.v != is->good->entry_count.v);
}

static void keeps_gpt(struct trial *t, const struct gpt *was, const struct gpt *is,
		      enum fix_class reach)
{
	size_t i = 0;

	if (!is) {
		refute(t, "the partition table would no longer be seen");
		return;
	}
	if (was->sector_size != is->sector_size && reach < FIX_UNSAFE)
		refute(t, "the table would be read for another sector size");
	else if (was->good && !is->good)
		refute(t, "no copy of the table would be right any more");
	else if (copies_agree(was) && !copies_agree(is))
		refute(t, "the two copies of the table would no longer agree");
	if (t->why || !was->good || !is->good ||
	    (reach >= FIX_UNSAFE && t->plan.moves.n == 0 &&
	     (takes_backup(was, is) || stood_in_place(was, is))))
		return;
	while (i < was->good->nentries && i < is->good->nentries &&
	       same_partition(t, was, is, i, reach))
		i++;
	if (i < was->good->nentries)
		refute(t, "partition %u would change", was->good->entry[i].number);
	else if (i < is->good->nentries && !uncovers(was, is))
		refute(t, "partition %u would appear", is->good->entry[i].number);
}

/* What a chain that was mended goes on with comes behind what it had. */
static bool goes_on(const struct mbr *was, const struct mbr *is)
{
	for (size_t i = 0; i < was->nlogical; i++) {
		if (i == is->nlogical || was->logical[i].lba.v != is->logical[i].lba.v ||
		    was->logical[i].sectors.v != is->logical[i].sectors.v)
			return false;
	}
	return true;
}

/* With a GPT the entries of sector 0 only protect it. */
static void keeps_mbr(struct trial *t, const struct mbr *was, const struct mbr *is,
		      enum fix_class reach)
{
	if (!is) {
		refute(t, "the partition table would no longer be seen");
		return;
	}
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *x = &was->entry[i], *y = &is->entry[i];

		if (!x->used && !y->used)
			continue;
		if (x->used != y->used || x->type.v != y->type.v ||
		    y->lba.v * was->sector_size !=
			    partitions_now(&t->parts, x->lba.v * was->sector_size) ||
		    x->sectors.v != y->sectors.v) {
			refute(t, "partition %u would change", i + 1);
			return;
		}
	}
	if (was->nlogical != is->nlogical && (reach < FIX_UNSAFE || !goes_on(was, is)))
		refute(t, "there would be %zu logical partitions, not %zu", is->nlogical,
		       was->nlogical);
}

static void keeps_facts(struct trial *t)
{
	const struct unit *was = t->now->unit, *is = t->next->unit;
	enum fix_class most = reach(t);

	if (is->nvms < was->nvms)
		refute(t, "%s would no longer be understood",
		       was->nvms == 1 ? "the VM" : "one of the VMs");
	if (was->qcow2 && !t->why)
		/* Who writes to the disk makes data of clusters of zeros; that all else is
		 * as it was is for qcow2_same(). */
		t->why =
			qcow2_keeps(was->qcow2, is->qcow2,
				    t->guest.edits.n ? FIX_LOSSY : most, &t->next->arena);
	if (t->why)
		return;
	if (was->image && !is->image) {
		refute(t, "the disk could no longer be read: %s",
		       is->guest_why ? is->guest_why : "no reason is known");
		return;
	}
	if (!was->image || (most == FIX_LOSSY && t->plan.moves.n == 0))
		return;
	if (was->image->gpt)
		keeps_gpt(t, was->image->gpt, is->image->gpt, most);
	else if (was->image->mbr)
		keeps_mbr(t, was->image->mbr, is->image->mbr, most);
	if (!t->why)
		t->why = partitions_recognised(&t->parts, was, is, &t->next->arena);
}

/* Nothing but a lossy fix has business inside of a partition, and what is moved goes as it
 * is. */
static void spares_partitions(struct trial *t)
{
	struct arena *a = &t->next->arena;
	bool unknown;

	t->parts = partitions_of(t->now->unit, a);
	t->why = partitions_move(&t->parts, disk_plan(t), a);
	if (!t->why)
		t->why = partitions_stood(&t->parts, t->input, a);
	unknown = t->parts.n == 0;
	/* An empty table has none, and without a table nobody knows them; those that will be
	 * there count. */
	if (unknown)
		t->parts = partitions_of(t->next->unit, a);
	if (!t->why && (reach(t) != FIX_LOSSY || unknown || t->plan.moves.n))
		t->why = partitions_spared(&t->parts, disk_plan(t), t->now->unit,
					   t->next->unit, a);
}

/* ---- findings before and after ---- */

static const struct gpt *believed(const struct unit *u)
{
	const struct gpt *gpt = u->image ? u->image->gpt : NULL;

	return gpt && gpt->good ? gpt : NULL;
}

static bool has_table(const struct unit *u)
{
	const struct image *img = u->image;

	return img && (img->nvolumes || believed(u));
}

bool table_lays_open(const struct unit *was, const struct unit *is,
		     const struct finding *f)
{
	const struct gpt *gpt = believed(is);
	struct span entries = { .off = MBR_OFF_ENTRIES,
				.len = MBR_OFF_MAGIC - MBR_OFF_ENTRIES };

	if (!was->image || has_table(was) || !has_table(is))
		return false;
	if (f->rule->on == SUBJECT_volume)
		return true;
	if (f->rule->on != (gpt ? SUBJECT_gpt : SUBJECT_mbr))
		return false;
	if (gpt)
		entries = gpt->good->entries_at;
	return f->at.off >= entries.off && f->at.off < span_end(entries);
}

bool is_laid_open(const struct unit *was, const struct unit *is, const struct finding *f)
{
	return table_lays_open(was, is, f) ||
	       qcow2_is_laid_open(was->qcow2, is->qcow2, f);
}

static void judge_new(struct trial *t, const struct finding *f)
{
	bool may_go = f->severity == SEV_NOTE || mend_allows(t->policy, f->rule);

	/* A sum that was right follows at the end: iso_sum.h. */
	if (iso_sum_says(f))
		return;
	if ((may_go && !t->strict) || is_laid_open(t->now->unit, t->next->unit, f))
		return;
	refute(t, "it would bring %s: %s", f->rule->id, f->message);
}

static void compare(struct trial *t)
{
	struct arena *a = &t->next->arena;
	struct seen_list was = seen_in(t->now->unit, &t->now->found, a);
	struct seen_list is = seen_in(t->next->unit, &t->next->found, a);

	for (size_t i = 0; i < was.n; i++)
		was.v[i].last = t->fixes[i];
	seen_match(&was, &is, a);
	for (size_t i = 0; !t->why && i < was.n; i++) {
		if (t->fixes[i] && was.v[i].same)
			refute(t, "%s would still say: %s", was.v[i].finding->rule->id,
			       was.v[i].same->finding->message);
	}
	t->was = arena_array(a, is.n, size_t);
	for (size_t i = 0; !t->why && i < is.n; i++) {
		t->was[i] = is.v[i].same ? (size_t)(is.v[i].same - was.v) : TRIAL_NEW;
		if (!is.v[i].same)
			judge_new(t, is.v[i].finding);
	}
}

/* ---- the judges ---- */

static int ask_judges(struct trial *t, struct err *e)
{
	struct proof p = { .before = t->now->unit,
			   .after = t->next->unit,
			   .plan = disk_plan(t),
			   .left = &t->next->found,
			   .arena = &t->next->arena };
	const char *why = "does not accept the text";

	/* Who changes a container's own tables has not touched those in it. */
	if (p.after->image && p.after->image->src->is_guest && t->guest.edits.n == 0)
		return 0;
	if (p.after->image)
		return judge_fdisk(&p, &t->why, e);
	if (p.after->doc &&
	    !text_syntax(p.after->doc->syntax)
		     ->judge(p.before->text, p.after->text, p.plan, p.arena, &why))
		refute(t, "%s", why);
	return 0;
}

/* Checksums first: they are bytes of the disk like others. */
static void complete_plan(struct trial *t)
{
	bool inside = t->guest.edits.n > 0;

	BUG_ON(inside && (t->plan.edits.n || t->plan.moves.n));
	if (!seal(inside ? &t->guest : &t->plan, t->now->unit))
		refute(t, "its checksums would collide with another edit");
	else if (inside && !qcow2_write(&t->plan, &t->guest, t->now->unit))
		refute(t, "%s",
		       t->plan.refused ? t->plan.refused
				       : "its edits of the file would collide");
}

/* Whatever was done to a container, it shows what it did. */
static int keeps_guest(struct trial *t, struct err *e)
{
	struct qcow2_same s = { .was = t->now->unit,
				.is = t->next->unit,
				.host = &t->plan,
				.guest = t->guest.src ? &t->guest : NULL,
				.reach = reach(t),
				.arena = &t->next->arena };

	if (!s.was->qcow2)
		return 0;
	if (!s.is->qcow2) {
		refute(t, "it would no longer be seen as a QCOW2");
		return 0;
	}
	if (qcow2_same(&s, e) != 0)
		return -1;
	t->why = s.why;
	return 0;
}

int trial_run(struct trial *t, struct err *e)
{
	complete_plan(t);
	if (t->why)
		return 0;
	if (read_again(t, e) != 0)
		return -1;
	if (!t->why && keeps_guest(t, e) != 0)
		return -1;
	if (!t->why)
		spares_partitions(t);
	if (!t->why)
		keeps_facts(t);
	if (!t->why)
		compare(t);
	return t->why ? 0 : ask_judges(t, e);
}
