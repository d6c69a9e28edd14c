/* The report for programs. SPEC.md, "JSON, schema 1".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/image/volume.h"
#include "cli/moves.h"
#include "cli/report.h"
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

/* Only asked for here: in a long list of siblings it takes its time. */
static void locus(struct json *j, const struct examined *x, const struct exhibit *e)
{
	struct arena a;

	if (!x->unit->doc) {
		json_cstr(j, "locus", e->has_place ? e->place.locus : NULL);
		return;
	}
	arena_init(&a, ARENA_BUDGET);
	json_cstr(j, "locus", node_locus(x->unit->doc, e->f->at, &a));
	arena_free(&a);
}

void json_exhibit(struct buf *out, const struct examined *x, const struct exhibit *e)
{
	struct json j = { .out = out, .comma = out->n > 0 };
	bool text = x->unit->format->kind == FORMAT_TEXT;
	const struct finding *f = e->f;

	json_object(&j, NULL);
	json_cstr(&j, "rule", f->rule->id);
	json_cstr(&j, "severity", severity_name(f->severity));
	json_cstr(&j, "path", x->path);
	offsets(&j, f->at);
	json_u64(&j, "byte_length", f->at.len);
	position(&j, e, text);
	locus(&j, x, e);
	json_cstr(&j, "message", f->message);
	related(&j, x, f, text);
	fix(&j, x, e);
	json_object_end(&j);
}

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

void json_mended(struct buf *out, const char *path, const struct mended *m)
{
	struct json j = { .out = out, .comma = out->n > 0 };

	for (size_t i = 0; i < m->n; i++) {
		const struct mend_item *item = &m->items[i];

		if (!outcome_name(item->outcome))
			continue;
		json_object(&j, NULL);
		json_cstr(&j, "rule", item->rule->id);
		json_cstr(&j, "path", path);
		json_cstr(&j, "message", item->finding->message);
		json_cstr(&j, "title", item->title);
		json_cstr(&j, "outcome", outcome_name(item->outcome));
		json_cstr(&j, "reason", item->reason);
		json_u64(&j, "round", item->round);
		if (m->before->format->kind == FORMAT_IMAGE) {
			edits(&j, m->plan, FORMAT_IMAGE, item->finding);
			moves(&j, m->plan, m->before->image, item->finding);
		}
		json_object_end(&j);
	}
}

void json_skipped(struct buf *out, const char *path, const char *reason)
{
	struct json j = { .out = out, .comma = out->n > 0 };

	json_object(&j, NULL);
	json_cstr(&j, "path", path);
	json_cstr(&j, "reason", reason);
	json_object_end(&j);
}
