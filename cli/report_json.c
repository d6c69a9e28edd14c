/* The report for programs, as one object (json) or as a line for each thing that there is to
 * say, once there is (jsonl). SPEC.md, "JSON, schema 1".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/volume.h"
#include "cli/moves.h"
#include "cli/sink.h"
#include "base/banned.h"

/* Where the bytes are: in the file, or in the disk that it holds. */
static void offsets(struct json *j, struct span at)
{
	if (at.src->is_guest) {
		json_null(j, "byte_offset");
		json_u64(j, "guest_offset", at.off);
	} else {
		json_u64(j, "byte_offset", at.off);
		json_null(j, "guest_offset");
	}
}

static void edits(struct json *j, const struct plan *p, enum format_kind kind,
		  const struct finding *because)
{
	json_array(j, "edits");
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (because && e->because != because)
			continue;
		json_object(j, NULL);
		json_cstr(j, "path", p->src->path);
		offsets(j, e->at);
		json_u64(j, "byte_length", e->at.len);
		if (kind == FORMAT_TEXT)
			json_str(j, "text", str_view(e->bytes));
		else
			json_base64(j, "base64", e->bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

static void moves(struct json *j, const struct plan *p, const struct image *img,
		  const struct finding *because)
{
	json_array(j, "moves");
	for (size_t i = 0; i < p->moves.n; i++) {
		const struct move *m = &p->moves.v[i];
		const struct volume *v = move_volume(img, m);

		if (because && m->because != because)
			continue;
		json_object(j, NULL);
		json_cstr(j, "path", p->src->path);
		json_u64(j, "byte_offset", m->from);
		json_u64(j, "byte_length", m->len);
		json_u64(j, "to", m->to);
		if (v)
			json_u64(j, "partition", v->number);
		else
			json_null(j, "partition");
		json_object_end(j);
	}
	json_array_end(j);
}

/* Positions count from 1; columns are characters, not bytes and not UTF-16 units; the end is
 * the position behind the last character. */
static void position(struct json *j, const struct exhibit *e, bool text)
{
	if (!text) {
		json_null(j, "line");
		json_null(j, "column");
		json_null(j, "end_line");
		json_null(j, "end_column");
		return;
	}
	json_u64(j, "line", e->from.line);
	json_u64(j, "column", e->from.column);
	json_u64(j, "end_line", e->to.line);
	json_u64(j, "end_column", e->to.column);
}

static void related(struct json *j, const struct examined *x, const struct finding *f,
		    bool text)
{
	json_array(j, "related");
	for (size_t i = 0; i < f->related.n; i++) {
		const struct related *r = &f->related.v[i];

		json_object(j, NULL);
		json_cstr(j, "path", r->at.src->path);
		if (text && !is_elsewhere(x, r->at))
			json_u64(j, "line", lines_index(&x->lines, r->at.off) + 1);
		else
			json_null(j, "line");
		offsets(j, r->at);
		json_cstr(j, "message", r->message);
		json_object_end(j);
	}
	json_array_end(j);
}

/* A manual fix has no edits; its steps are its title. */
static void fix(struct json *j, const struct examined *x, const struct exhibit *e)
{
	const struct rule *r = e->f->rule;

	if (!e->fix.possible && r->fix_class != FIX_MANUAL) {
		json_null(j, "fix");
		return;
	}
	json_object(j, "fix");
	json_cstr(j, "class", fix_class_name(r->fix_class));
	json_cstr(j, "title", e->fix.possible ? e->fix.plan.title : r->steps);
	edits(j, &e->fix.plan, x->unit->format->kind, NULL);
	if (x->unit->image)
		moves(j, &e->fix.plan, x->unit->image, NULL);
	json_object_end(j);
}

static void finding(struct json *j, const struct examined *x, const struct exhibit *e)
{
	bool text = unit_has_lines(x->unit);
	const struct finding *f = e->f;

	json_cstr(j, "rule", f->rule->id);
	json_cstr(j, "severity", severity_name(f->severity));
	json_cstr(j, "path", x->path);
	offsets(j, f->at);
	json_u64(j, "byte_length", f->at.len);
	position(j, e, text);
	json_cstr(j, "locus", e->place.locus);
	json_cstr(j, "fingerprint", e->fingerprint);
	json_cstr(j, "message", f->message);
	related(j, x, f, text);
	fix(j, x, e);
}

const char *outcome_name(enum outcome o)
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

static void tried(struct json *j, const char *path, const struct mended *m,
		  const struct mend_item *item)
{
	json_cstr(j, "rule", item->rule->id);
	json_cstr(j, "path", path);
	json_cstr(j, "message", item->finding->message);
	json_cstr(j, "title", item->title);
	json_cstr(j, "outcome", outcome_name(item->outcome));
	json_cstr(j, "reason", item->reason);
	json_u64(j, "round", item->round);
	if (m->before->format->kind == FORMAT_IMAGE) {
		edits(j, m->plan, FORMAT_IMAGE, item->finding);
		moves(j, m->plan, m->before->image, item->finding);
	}
}

static void summary(struct json *j, const struct summary *sum)
{
	const struct tally *t = &sum->tally;

	json_u64(j, "checked", sum->checked);
	json_u64(j, "skipped", sum->skipped);
	json_u64(j, "errors", t->n[SEV_ERROR]);
	json_u64(j, "warnings", t->n[SEV_WARNING]);
	json_u64(j, "notes", t->n[SEV_NOTE]);
	json_u64(j, "suppressed", t->suppressed);
	json_u64(j, "fixable", t->fixable[FIX_SAFE]);
	if (sum->is_fix)
		json_u64(j, "fixed", t->fixed);
	json_seconds(j, "seconds", sum->seconds);
}

/* ---- one object ---- */

enum { FINDINGS, FIXED, SUPPRESSED };

static void begin(struct sink *k)
{
	struct json j = { .out = &k->out };

	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_cstr(&j, "version", VMEND_VERSION);
	json_array(&j, "findings");
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct buf *out = &p->part[e->suppressed ? SUPPRESSED : FINDINGS];
	struct json j = { .out = out, .comma = out->n > 0 };

	(void)t;
	json_object(&j, NULL);
	finding(&j, x, e);
	if (e->suppressed)
		json_str(&j, "reason", e->f->suppressed->reason);
	json_object_end(&j);
}

static void mended(struct piece *p, const struct term *t, const char *path,
		   const struct mended *m)
{
	struct json j = { .out = &p->part[FIXED] };

	(void)t;
	for (size_t i = 0; i < m->n; i++) {
		if (!outcome_name(m->items[i].outcome))
			continue;
		json_object(&j, NULL);
		tried(&j, path, m, &m->items[i]);
		json_object_end(&j);
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
	struct json j = { .out = &k->aside, .comma = k->aside.n > 0 };

	json_object(&j, NULL);
	json_cstr(&j, "path", s->path);
	json_cstr(&j, "reason", s->reason);
	json_object_end(&j);
}

static void end(struct sink *k, const struct summary *sum)
{
	struct json j = { .out = &k->out };

	if (k->has_some)
		json_line(&j);
	json_array_end(&j);
	if (sum->is_fix) {
		json_array(&j, "fixed");
		json_raw(&j, (struct str){ k->later[FIXED].p, k->later[FIXED].n });
		json_array_end(&j);
	}
	json_array(&j, "suppressed");
	json_raw(&j, (struct str){ k->later[SUPPRESSED].p, k->later[SUPPRESSED].n });
	json_array_end(&j);
	json_array(&j, "skipped");
	json_raw(&j, (struct str){ k->aside.p, k->aside.n });
	json_array_end(&j);
	json_object(&j, "summary");
	summary(&j, sum);
	json_object_end(&j);
	json_object_end(&j);
	json_line(&j);
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

static void line_begin(struct json *j, const char *type)
{
	json_object(j, NULL);
	json_cstr(j, "type", type);
}

static void line_end(struct json *j)
{
	json_object_end(j);
	json_line(j);
}

static void line_head(struct sink *k)
{
	struct json j = { .out = &k->out };

	line_begin(&j, "vmend");
	json_u64(&j, "schema", 1);
	json_cstr(&j, "version", VMEND_VERSION);
	line_end(&j);
}

static void line_exhibit(struct piece *p, const struct term *t, const struct examined *x,
			 const struct exhibit *e)
{
	struct json j = { .out = &p->part[0] };

	(void)t;
	line_begin(&j, e->suppressed ? "suppressed" : "finding");
	finding(&j, x, e);
	if (e->suppressed)
		json_str(&j, "reason", e->f->suppressed->reason);
	line_end(&j);
}

static void line_mended(struct piece *p, const struct term *t, const char *path,
			const struct mended *m)
{
	struct json j = { .out = &p->part[0] };

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
	struct json j = { .out = &k->out };

	line_begin(&j, "skipped");
	json_cstr(&j, "path", s->path);
	json_cstr(&j, "reason", s->reason);
	line_end(&j);
}

static void line_last(struct sink *k, const struct summary *sum)
{
	struct json j = { .out = &k->out };

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
