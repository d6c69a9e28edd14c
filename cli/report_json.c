/* The report for programs, as one object (json) or as a line for each thing that there is to
 * say, once there is (jsonl). SPEC.md, "JSON, schema 1".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/volume.h"
#include "cli/moves.h"
#include "cli/sink.h"
#include "base/banned.h"

/* Where the bytes are: in the file, or in the disk that it holds. */
static void offsets(struct jsonw *j, struct span at)
{
	if (at.src->is_guest) {
		jsonw_null(j, "byte_offset");
		jsonw_u64(j, "guest_offset", at.off);
	} else {
		jsonw_u64(j, "byte_offset", at.off);
		jsonw_null(j, "guest_offset");
	}
}

static void edits(struct jsonw *j, const struct plan *p, enum format_kind kind,
		  const struct finding *because)
{
	jsonw_array(j, "edits");
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (because && e->because != because)
			continue;
		jsonw_object(j, NULL);
		jsonw_cstr(j, "path", p->src->path);
		offsets(j, e->at);
		jsonw_u64(j, "byte_length", e->at.len);
		if (kind == FORMAT_TEXT)
			jsonw_str(j, "text", str_view(e->bytes));
		else
			jsonw_base64(j, "base64", e->bytes);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void moves(struct jsonw *j, const struct plan *p, const struct image *img,
		  const struct finding *because)
{
	jsonw_array(j, "moves");
	for (size_t i = 0; i < p->moves.n; i++) {
		const struct move *m = &p->moves.v[i];
		const struct volume *v = move_volume(img, m);

		if (because && m->because != because)
			continue;
		jsonw_object(j, NULL);
		jsonw_cstr(j, "path", p->src->path);
		jsonw_u64(j, "byte_offset", m->from);
		jsonw_u64(j, "byte_length", m->len);
		jsonw_u64(j, "to", m->to);
		if (v)
			jsonw_u64(j, "partition", v->number);
		else
			jsonw_null(j, "partition");
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

/* Positions count from 1; columns are characters, not bytes and not UTF-16 units; the end is
 * the position behind the last character. */
static void position(struct jsonw *j, const struct exhibit *e, bool text)
{
	if (!text) {
		jsonw_null(j, "line");
		jsonw_null(j, "column");
		jsonw_null(j, "end_line");
		jsonw_null(j, "end_column");
		return;
	}
	jsonw_u64(j, "line", e->from.line);
	jsonw_u64(j, "column", e->from.column);
	jsonw_u64(j, "end_line", e->to.line);
	jsonw_u64(j, "end_column", e->to.column);
}

static void related(struct jsonw *j, const struct examined *x, const struct finding *f,
		    bool text)
{
	jsonw_array(j, "related");
	for (size_t i = 0; i < f->related.n; i++) {
		const struct related *r = &f->related.v[i];

		jsonw_object(j, NULL);
		jsonw_cstr(j, "path", r->at.src->path);
		if (r->line)
			jsonw_u64(j, "line", r->line);
		else if (text && !is_elsewhere(x, r->at))
			jsonw_u64(j, "line", lines_index(&x->lines, r->at.off) + 1);
		else
			jsonw_null(j, "line");
		offsets(j, r->at);
		jsonw_cstr(j, "message", r->message);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

/* A manual fix has no edits; its steps are its title. */
static void fix(struct jsonw *j, const struct examined *x, const struct exhibit *e)
{
	const struct rule *r = e->f->rule;

	if (!e->fix.possible && r->fix_class != FIX_MANUAL) {
		jsonw_null(j, "fix");
		return;
	}
	jsonw_object(j, "fix");
	jsonw_cstr(j, "class", fix_class_name(e->fix.class));
	jsonw_cstr(j, "title", e->fix.possible ? e->fix.plan.title : r->steps);
	edits(j, &e->fix.plan, x->unit->format->kind, NULL);
	if (x->unit->image)
		moves(j, &e->fix.plan, x->unit->image, NULL);
	jsonw_object_end(j);
}

static void finding(struct jsonw *j, const struct examined *x, const struct exhibit *e)
{
	bool text = unit_has_lines(x->unit);
	const struct finding *f = e->f;

	jsonw_cstr(j, "rule", f->rule->id);
	jsonw_cstr(j, "severity", severity_name(f->severity));
	jsonw_cstr(j, "path", x->path);
	offsets(j, f->at);
	jsonw_u64(j, "byte_length", f->at.len);
	position(j, e, text);
	jsonw_cstr(j, "locus", e->place.locus);
	jsonw_cstr(j, "fingerprint", e->fingerprint);
	jsonw_cstr(j, "message", f->message);
	related(j, x, f, text);
	fix(j, x, e);
}

/* "fixed", "declined", "unproven"; NULL for what was not tried. */
static const char *outcome_name(enum outcome o)
{
	switch (o) {
	case OUTCOME_FIXED:
		return "fixed";
	case OUTCOME_DECLINED:
		return "declined";
	case OUTCOME_UNPROVEN:
		return "unproven";
	case OUTCOME_NO_FIX:
		break;
	}
	return NULL;
}

static void tried(struct jsonw *j, const char *path, const struct mended *m,
		  const struct mend_item *item)
{
	jsonw_cstr(j, "rule", item->rule->id);
	jsonw_cstr(j, "path", path);
	jsonw_cstr(j, "message", item->finding->message);
	jsonw_cstr(j, "title", item->title);
	jsonw_cstr(j, "outcome", outcome_name(item->outcome));
	jsonw_cstr(j, "reason", item->reason);
	jsonw_u64(j, "round", item->round);
	if (m->before->format->kind == FORMAT_IMAGE) {
		edits(j, m->plan, FORMAT_IMAGE, item->finding);
		moves(j, m->plan, m->before->image, item->finding);
	}
}

static void summary(struct jsonw *j, const struct summary *sum)
{
	const struct tally *t = &sum->tally;

	jsonw_u64(j, "checked", sum->checked);
	jsonw_u64(j, "skipped", sum->skipped);
	jsonw_u64(j, "errors", t->n[SEV_ERROR]);
	jsonw_u64(j, "warnings", t->n[SEV_WARNING]);
	jsonw_u64(j, "notes", t->n[SEV_NOTE]);
	jsonw_u64(j, "suppressed", t->suppressed);
	jsonw_u64(j, "known", t->known);
	jsonw_u64(j, "fixable", t->fixable[FIX_SAFE]);
	if (sum->is_fix)
		jsonw_u64(j, "fixed", t->fixed);
	jsonw_seconds(j, "seconds", sum->seconds);
}

/* ---- one object ---- */

enum { FINDINGS, FIXED, SUPPRESSED };

static void begin(struct sink *k)
{
	struct jsonw j = { .out = &k->out };

	jsonw_object(&j, NULL);
	jsonw_u64(&j, "schema", 1);
	jsonw_cstr(&j, "version", VMEND_VERSION);
	jsonw_array(&j, "findings");
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct buf *out = &p->part[e->suppressed ? SUPPRESSED : FINDINGS];
	struct jsonw j = { .out = out, .comma = out->n > 0 };

	(void)t;
	jsonw_object(&j, NULL);
	finding(&j, x, e);
	if (e->suppressed)
		jsonw_str(&j, "reason", e->f->suppressed->reason);
	jsonw_object_end(&j);
}

static void mended(struct piece *p, const struct term *t, const char *path,
		   const struct mended *m)
{
	struct jsonw j = { .out = &p->part[FIXED] };

	(void)t;
	for (size_t i = 0; i < m->n; i++) {
		if (!outcome_name(m->items[i].outcome))
			continue;
		jsonw_object(&j, NULL);
		tried(&j, path, m, &m->items[i]);
		jsonw_object_end(&j);
	}
}

static void input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	for (int i = FIXED; i <= SUPPRESSED; i++) {
		bool has_some = k->later[i].n > 0;

		buf_elements(&k->later[i], &has_some, &p->part[i]);
	}
	if (p->part[FINDINGS].n) {
		buf_add(&k->out, k->has_some ? STR(",\n") : STR("\n"));
		k->has_some = true;
	}
	sink_put(k, &p->part[FINDINGS]);
}

static void skipped(struct sink *k, const struct skip *s)
{
	struct jsonw j = { .out = &k->aside, .comma = k->aside.n > 0 };

	jsonw_object(&j, NULL);
	jsonw_cstr(&j, "path", s->path);
	jsonw_cstr(&j, "reason", s->reason);
	jsonw_object_end(&j);
}

static void end(struct sink *k, const struct summary *sum)
{
	struct jsonw j = { .out = &k->out };

	if (k->has_some)
		jsonw_line(&j);
	jsonw_array_end(&j);
	if (sum->is_fix) {
		jsonw_array(&j, "fixed");
		jsonw_raw(&j, (struct str){ k->later[FIXED].p, k->later[FIXED].n });
		jsonw_array_end(&j);
	}
	jsonw_array(&j, "suppressed");
	jsonw_raw(&j, (struct str){ k->later[SUPPRESSED].p, k->later[SUPPRESSED].n });
	jsonw_array_end(&j);
	jsonw_array(&j, "skipped");
	jsonw_raw(&j, (struct str){ k->aside.p, k->aside.n });
	jsonw_array_end(&j);
	jsonw_object(&j, "summary");
	summary(&j, sum);
	jsonw_object_end(&j);
	jsonw_object_end(&j);
	jsonw_line(&j);
}

const struct report_kind report_json = {
	.shows_suppressed = true,
	.needs_fingerprints = true,
	.begin = begin,
	.exhibit = exhibit,
	.mended = mended,
	.input = input,
	.skipped = skipped,
	.end = end,
};

/* ---- lines ---- */

static void line_begin(struct jsonw *j, const char *type)
{
	jsonw_object(j, NULL);
	jsonw_cstr(j, "type", type);
}

static void line_end(struct jsonw *j)
{
	jsonw_object_end(j);
	jsonw_line(j);
}

static void line_head(struct sink *k)
{
	struct jsonw j = { .out = &k->out };

	line_begin(&j, "vmend");
	jsonw_u64(&j, "schema", 1);
	jsonw_cstr(&j, "version", VMEND_VERSION);
	line_end(&j);
}

static void line_exhibit(struct piece *p, const struct term *t, const struct examined *x,
			 const struct exhibit *e)
{
	struct jsonw j = { .out = &p->part[0] };

	(void)t;
	line_begin(&j, e->suppressed ? "suppressed" : "finding");
	finding(&j, x, e);
	if (e->suppressed)
		jsonw_str(&j, "reason", e->f->suppressed->reason);
	line_end(&j);
}

static void line_mended(struct piece *p, const struct term *t, const char *path,
			const struct mended *m)
{
	struct jsonw j = { .out = &p->part[0] };

	(void)t;
	for (size_t i = 0; i < m->n; i++) {
		if (!outcome_name(m->items[i].outcome))
			continue;
		j.comma = false;
		line_begin(&j, "fixed");
		tried(&j, path, m, &m->items[i]);
		line_end(&j);
	}
}

static void line_skipped(struct sink *k, const struct skip *s)
{
	struct jsonw j = { .out = &k->out };

	line_begin(&j, "skipped");
	jsonw_cstr(&j, "path", s->path);
	jsonw_cstr(&j, "reason", s->reason);
	line_end(&j);
}

static void line_last(struct sink *k, const struct summary *sum)
{
	struct jsonw j = { .out = &k->out };

	line_begin(&j, "summary");
	summary(&j, sum);
	line_end(&j);
}

const struct report_kind report_jsonl = {
	.shows_suppressed = true,
	.needs_fingerprints = true,
	.begin = line_head,
	.exhibit = line_exhibit,
	.mended = line_mended,
	.skipped = line_skipped,
	.end = line_last,
};
