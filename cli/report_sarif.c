/* SARIF 2.1.0 (OASIS, 2020-03-27): all that there is to say, with byte regions and fixes; and
 * what the other flavour (report_sarif_github.c) has in common with it.
 *
 * Places in the disk that a container holds are no places of a file: they have no region.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/sarif.h"

#include <limits.h>
#include <stdlib.h>

#include "base/banned.h"

enum { SNIPPET_MAX = 400 };

/* ---- places ---- */

/* RFC 3986: what is not unreserved is escaped. */
static void escape(struct buf *out, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";

	for (; *path; path++) {
		if (strchr(plain, *path))
			buf_char(out, *path);
		else
			buf_printf(out, "%%%02X", (unsigned char)*path);
	}
}

static bool climbs(const char *path)
{
	return strncmp(path, "../", 3) == 0 || strstr(path, "/../");
}

/* Relative to the folder that vmend runs in, where it is below that. */
void sarif_artifact(struct jsonw *j, const char *path)
{
	struct buf uri = { 0 };
	char full[PATH_MAX];
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	if (climbs(path) && realpath(path, full))
		path = full;
	path = path_from_here(path, &a);
	if (path[0] == '/')
		buf_add(&uri, STR("file://"));
	escape(&uri, path);
	jsonw_object(j, "artifactLocation");
	jsonw_str(j, "uri", (struct str){ uri.p, uri.n });
	if (path[0] != '/')
		jsonw_cstr(j, "uriBaseId", "SRCROOT");
	jsonw_object_end(j);
	buf_free(&uri);
	arena_free(&a);
}

static void line_region(struct jsonw *j, const struct lines *l, struct span at)
{
	struct text_pos from = lines_pos(l, at.off), to = lines_pos(l, span_end(at));

	jsonw_u64(j, "startLine", from.line);
	jsonw_u64(j, "startColumn", from.column);
	jsonw_u64(j, "endLine", to.line);
	jsonw_u64(j, "endColumn", to.column);
}

static void byte_region(struct jsonw *j, struct span at)
{
	jsonw_u64(j, "byteOffset", at.off);
	jsonw_u64(j, "byteLength", at.len);
}

void sarif_message(struct jsonw *j, const char *key, const char *text)
{
	jsonw_object(j, key);
	jsonw_cstr(j, "text", text);
	jsonw_object_end(j);
}

static void region(struct jsonw *j, const char *key, const struct examined *x,
		   struct span at)
{
	bool text = unit_has_lines(x->unit);

	jsonw_object(j, key);
	if (text) {
		line_region(j, &x->lines, at);
		if (at.len && at.len <= SNIPPET_MAX) {
			jsonw_object(j, "snippet");
			jsonw_str(j, "text",
				  str_view(view_cut(x->unit->text, at.off, at.len)));
			jsonw_object_end(j);
		}
	} else {
		byte_region(j, at);
	}
	jsonw_object_end(j);
}

static void location(struct jsonw *j, const struct examined *x, struct span at)
{
	jsonw_object(j, "physicalLocation");
	sarif_artifact(j, is_elsewhere(x, at) ? at.src->path : x->path);
	if (!at.src->is_guest && !is_elsewhere(x, at))
		region(j, "region", x, at);
	else if (!at.src->is_guest && at.len) {
		jsonw_object(j, "region");
		byte_region(j, at);
		jsonw_object_end(j);
	}
	jsonw_object_end(j);
	if (at.src->is_guest) {
		jsonw_object(j, "properties");
		jsonw_u64(j, "guestOffset", at.off);
		jsonw_u64(j, "guestLength", at.len);
		jsonw_object_end(j);
	}
}

/* Its columns are not known here. */
static void line_elsewhere(struct jsonw *j, const struct related *r)
{
	jsonw_object(j, "physicalLocation");
	sarif_artifact(j, r->at.src->path);
	jsonw_object(j, "region");
	jsonw_u64(j, "startLine", r->line);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

static void logical(struct jsonw *j, const char *locus)
{
	if (!locus)
		return;
	jsonw_array(j, "logicalLocations");
	jsonw_object(j, NULL);
	jsonw_cstr(j, "fullyQualifiedName", locus);
	jsonw_object_end(j);
	jsonw_array_end(j);
}

/* ---- a result ---- */

static const char *level(enum severity s)
{
	return severity_name(s); /* SARIF has the same words */
}

static void related(struct jsonw *j, const struct examined *x, const struct finding *f)
{
	if (f->related.n == 0)
		return;
	jsonw_array(j, "relatedLocations");
	for (size_t i = 0; i < f->related.n; i++) {
		jsonw_object(j, NULL);
		jsonw_u64(j, "id", i + 1);
		if (f->related.v[i].line)
			line_elsewhere(j, &f->related.v[i]);
		else
			location(j, x, f->related.v[i].at);
		sarif_message(j, "message", f->related.v[i].message);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void replacement(struct jsonw *j, const struct examined *x, const struct edit *e)
{
	bool text = unit_has_lines(x->unit);

	jsonw_object(j, NULL);
	jsonw_object(j, "deletedRegion");
	if (text)
		line_region(j, &x->lines, e->at);
	else
		byte_region(j, e->at);
	jsonw_object_end(j);
	if (e->bytes.n) {
		jsonw_object(j, "insertedContent");
		if (text)
			jsonw_str(j, "text", str_view(e->bytes));
		else
			jsonw_base64(j, "binary", e->bytes);
		jsonw_object_end(j);
	}
	jsonw_object_end(j);
}

/* Only what whoever reads it can do with the file alone: no moves, nothing in a container. */
static bool can_be_told(const struct exhibit *e)
{
	const struct plan *p = &e->fix.plan;

	return e->fix.possible && p->edits.n && !p->moves.n && !p->src->is_guest;
}

static void fixes(struct jsonw *j, const struct examined *x, const struct exhibit *e)
{
	const struct plan *p = &e->fix.plan;
	const char *title = p->title ? p->title : e->f->rule->title;

	if (!can_be_told(e))
		return;
	jsonw_array(j, "fixes");
	jsonw_object(j, NULL);
	sarif_message(j, "description", title);
	jsonw_array(j, "artifactChanges");
	jsonw_object(j, NULL);
	sarif_artifact(j, x->path);
	jsonw_array(j, "replacements");
	for (size_t i = 0; i < p->edits.n; i++)
		replacement(j, x, &p->edits.v[i]);
	jsonw_array_end(j);
	jsonw_object_end(j);
	jsonw_array_end(j);
	jsonw_object_end(j);
	jsonw_array_end(j);
}

void sarif_result_head(struct jsonw *j, const struct exhibit *e)
{
	jsonw_object(j, NULL);
	jsonw_cstr(j, "ruleId", e->f->rule->id);
	jsonw_cstr(j, "level", level(e->f->severity));
	jsonw_cstr(j, "kind", "fail");
}

static void suppression(struct jsonw *j, const struct exhibit *e)
{
	if (!e->suppressed)
		return;
	jsonw_array(j, "suppressions");
	jsonw_object(j, NULL);
	jsonw_cstr(j, "kind", "inSource");
	if (e->f->suppressed->reason.n)
		jsonw_str(j, "justification", e->f->suppressed->reason);
	jsonw_object_end(j);
	jsonw_array_end(j);
}

void sarif_fingerprints(struct jsonw *j, const struct examined *x,
			const struct exhibit *e)
{
	suppression(j, e);
	if (x->baseline)
		jsonw_cstr(j, "baselineState", e->known ? "unchanged" : "new");
	jsonw_object(j, "partialFingerprints");
	jsonw_cstr(j, "vmend/v1", e->fingerprint);
}

void sarif_result_tail(struct jsonw *j, const struct exhibit *e)
{
	jsonw_object_end(j);
	jsonw_object(j, "properties");
	jsonw_cstr(j, "fixClass", fix_class_name(e->f->rule->fix_class));
	if (e->f->label)
		jsonw_cstr(j, "consequence", e->f->label);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct jsonw j = { .out = &p->part[0], .comma = p->part[0].n > 0 };

	(void)t;
	rule_set_add(&p->rules, e->f->rule);
	sarif_result_head(&j, e);
	sarif_message(&j, "message", e->f->message);
	jsonw_array(&j, "locations");
	jsonw_object(&j, NULL);
	location(&j, x, e->f->at);
	logical(&j, e->place.locus);
	jsonw_object_end(&j);
	jsonw_array_end(&j);
	related(&j, x, e->f);
	fixes(&j, x, e);
	sarif_fingerprints(&j, x, e);
	sarif_result_tail(&j, e);
}

/* ---- a run ---- */

void sarif_merge_rules(struct rule_set *into, const struct rule_set *from)
{
	for (size_t i = 0; i < RULES_MAX / 64; i++)
		into->bits[i] |= from->bits[i];
}

void sarif_begin(struct sink *k)
{
	struct jsonw j = { .out = &k->out };

	jsonw_object(&j, NULL);
	jsonw_cstr(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	jsonw_cstr(&j, "version", "2.1.0");
	jsonw_array(&j, "runs");
	jsonw_object(&j, NULL);
	jsonw_cstr(&j, "columnKind", "unicodeCodePoints");
	jsonw_object(&j, "automationDetails");
	jsonw_cstr(&j, "id", "vmend/");
	jsonw_object_end(&j);
	jsonw_array(&j, "results");
}

static void input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	sarif_merge_rules(&k->rules, &p->rules);
	if (p->part[0].n) {
		buf_add(&k->out, k->has_some ? STR(",\n") : STR("\n"));
		k->has_some = true;
	}
	sink_put(k, &p->part[0]);
}

static void notification(struct jsonw *j, const struct skip *s)
{
	jsonw_object(j, NULL);
	jsonw_cstr(j, "level", s->trouble ? "error" : "note");
	sarif_message(j, "message", s->reason);
	jsonw_array(j, "locations");
	jsonw_object(j, NULL);
	jsonw_object(j, "physicalLocation");
	sarif_artifact(j, s->path);
	jsonw_object_end(j);
	jsonw_object_end(j);
	jsonw_array_end(j);
	jsonw_object_end(j);
}

void sarif_skipped(struct sink *k, const struct skip *s)
{
	struct jsonw j = { .out = &k->aside, .comma = k->aside.n > 0 };

	notification(&j, s);
}

static void rule_help(struct jsonw *j, const struct rule *r)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s", r->why);
	if (r->steps)
		buf_printf(&text, "\n\nWhat to do: %s", r->steps);
	buf_printf(&text, "\n\nFix: %s.\n\nSource: %s.", fix_class_name(r->fix_class),
		   r->source);
	sarif_message(j, "help", text.p);
	buf_free(&text);
}

static void rule(struct jsonw *j, const struct rule *r)
{
	jsonw_line(j);
	jsonw_object(j, NULL);
	jsonw_cstr(j, "id", r->id);
	sarif_message(j, "shortDescription", r->title);
	sarif_message(j, "fullDescription", r->why);
	rule_help(j, r);
	jsonw_object(j, "defaultConfiguration");
	jsonw_cstr(j, "level", level(r->severity));
	jsonw_object_end(j);
	jsonw_object(j, "properties");
	jsonw_cstr(j, "fixClass", fix_class_name(r->fix_class));
	if (r->since)
		jsonw_cstr(j, "since", r->since);
	jsonw_cstr(j, "problem.severity",
		   r->severity == SEV_NOTE ? "recommendation"
					   : severity_name(r->severity));
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* Of two policies with a rule of one name the first one's counts. */
static bool is_first(const struct team_rules *team, size_t i, const struct rule_set *used)
{
	for (size_t k = 0; k < i; k++) {
		if (rule_set_has(used, team->v[k]) &&
		    strcmp(team->v[k]->id, team->v[i]->id) == 0)
			return false;
	}
	return rule_set_has(used, team->v[i]);
}

static void rules(struct jsonw *j, const struct sink *k)
{
	jsonw_array(j, "rules");
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		if (rule_set_has(&k->rules, r))
			rule(j, r);
	}
	for (size_t i = 0; i < k->team->n; i++) {
		if (is_first(k->team, i, &k->rules))
			rule(j, k->team->v[i]);
	}
	jsonw_array_end(j);
}

static void tool(struct jsonw *j, const struct sink *k)
{
	jsonw_object(j, "tool");
	jsonw_object(j, "driver");
	jsonw_cstr(j, "name", "vmend");
	jsonw_cstr(j, "semanticVersion", VMEND_VERSION);
	rules(j, k);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* What had to be left out is said as well. */
static void invocation(struct jsonw *j, const struct sink *k, const struct summary *sum,
		       uint64_t left_out)
{
	jsonw_array(j, "invocations");
	jsonw_object(j, NULL);
	jsonw_bool(j, "executionSuccessful", !k->trouble);
	jsonw_u64(j, "exitCode", (uint64_t)sum->exit);
	jsonw_array(j, "toolExecutionNotifications");
	jsonw_raw(j, (struct str){ k->aside.p, k->aside.n });
	if (left_out) {
		jsonw_object(j, NULL);
		jsonw_cstr(j, "level", "warning");
		sarif_message(j, "message",
			      "more findings than GitHub takes: not all are here");
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
	jsonw_array_end(j);
}

void sarif_finish(struct sink *k, const struct summary *sum, uint64_t left_out)
{
	struct jsonw j = { .out = &k->out };

	if (k->has_some)
		jsonw_line(&j);
	jsonw_array_end(&j);
	jsonw_object(&j, "originalUriBaseIds");
	jsonw_object(&j, "SRCROOT");
	sarif_message(&j, "description", "the folder that vmend was run in");
	jsonw_object_end(&j);
	jsonw_object_end(&j);
	invocation(&j, k, sum, left_out);
	tool(&j, k);
	jsonw_object_end(&j);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_line(&j);
}

static void end(struct sink *k, const struct summary *sum)
{
	sarif_finish(k, sum, 0);
}

const struct report_kind report_sarif = {
	.shows_suppressed = true,
	.shows_known = true,
	.needs_fingerprints = true,
	.begin = sarif_begin,
	.exhibit = exhibit,
	.input = input,
	.skipped = sarif_skipped,
	.end = end,
};
