/* SARIF 2.1.0 (OASIS, 2020-03-27), in two flavours: sarif says all that there is to say, with
 * byte regions and fixes; sarif-github is what GitHub's code scanning takes, which wants a
 * line for everything, ignores fixes and keeps 25,000 results.
 *
 * Places in the disk that a container holds are no places of a file: they have no region.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/sink.h"

#include <limits.h>
#include <stdlib.h>

#include "base/banned.h"

enum { SNIPPET_MAX = 400, GITHUB_RESULTS = 25000 };

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
static void artifact(struct json *j, const char *path)
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
	json_object(j, "artifactLocation");
	json_str(j, "uri", (struct str){ uri.p, uri.n });
	if (path[0] != '/')
		json_cstr(j, "uriBaseId", "SRCROOT");
	json_object_end(j);
	buf_free(&uri);
	arena_free(&a);
}

static void line_region(struct json *j, const struct lines *l, struct span at)
{
	struct text_pos from = lines_pos(l, at.off), to = lines_pos(l, span_end(at));

	json_u64(j, "startLine", from.line);
	json_u64(j, "startColumn", from.column);
	json_u64(j, "endLine", to.line);
	json_u64(j, "endColumn", to.column);
}

static void byte_region(struct json *j, struct span at)
{
	json_u64(j, "byteOffset", at.off);
	json_u64(j, "byteLength", at.len);
}

static void message(struct json *j, const char *key, const char *text)
{
	json_object(j, key);
	json_cstr(j, "text", text);
	json_object_end(j);
}

static void region(struct json *j, const char *key, const struct examined *x,
		   struct span at)
{
	bool text = unit_has_lines(x->unit);

	json_object(j, key);
	if (text) {
		line_region(j, &x->lines, at);
		if (at.len && at.len <= SNIPPET_MAX) {
			json_object(j, "snippet");
			json_str(j, "text",
				 str_view(view_cut(x->unit->text, at.off, at.len)));
			json_object_end(j);
		}
	} else {
		byte_region(j, at);
	}
	json_object_end(j);
}

static void location(struct json *j, const struct examined *x, struct span at)
{
	json_object(j, "physicalLocation");
	artifact(j, is_elsewhere(x, at) ? at.src->path : x->path);
	if (!at.src->is_guest && !is_elsewhere(x, at))
		region(j, "region", x, at);
	else if (!at.src->is_guest && at.len) {
		json_object(j, "region");
		byte_region(j, at);
		json_object_end(j);
	}
	json_object_end(j);
	if (at.src->is_guest) {
		json_object(j, "properties");
		json_u64(j, "guestOffset", at.off);
		json_u64(j, "guestLength", at.len);
		json_object_end(j);
	}
}

static void logical(struct json *j, const char *locus)
{
	if (!locus)
		return;
	json_array(j, "logicalLocations");
	json_object(j, NULL);
	json_cstr(j, "fullyQualifiedName", locus);
	json_object_end(j);
	json_array_end(j);
}

/* ---- a result ---- */

static const char *level(enum severity s)
{
	return severity_name(s); /* SARIF has the same words */
}

static void related(struct json *j, const struct examined *x, const struct finding *f)
{
	if (f->related.n == 0)
		return;
	json_array(j, "relatedLocations");
	for (size_t i = 0; i < f->related.n; i++) {
		json_object(j, NULL);
		json_u64(j, "id", i + 1);
		location(j, x, f->related.v[i].at);
		message(j, "message", f->related.v[i].message);
		json_object_end(j);
	}
	json_array_end(j);
}

static void replacement(struct json *j, const struct examined *x, const struct edit *e)
{
	bool text = unit_has_lines(x->unit);

	json_object(j, NULL);
	json_object(j, "deletedRegion");
	if (text)
		line_region(j, &x->lines, e->at);
	else
		byte_region(j, e->at);
	json_object_end(j);
	if (e->bytes.n) {
		json_object(j, "insertedContent");
		if (text)
			json_str(j, "text", str_view(e->bytes));
		else
			json_base64(j, "binary", e->bytes);
		json_object_end(j);
	}
	json_object_end(j);
}

/* Only what whoever reads it can do with the file alone: no moves, nothing in a container. */
static bool can_be_told(const struct exhibit *e)
{
	const struct plan *p = &e->fix.plan;

	return e->fix.possible && p->edits.n && !p->moves.n && !p->src->is_guest;
}

static void fixes(struct json *j, const struct examined *x, const struct exhibit *e)
{
	const struct plan *p = &e->fix.plan;
	const char *title = p->title ? p->title : e->f->rule->title;

	if (!can_be_told(e))
		return;
	json_array(j, "fixes");
	json_object(j, NULL);
	message(j, "description", title);
	json_array(j, "artifactChanges");
	json_object(j, NULL);
	artifact(j, x->path);
	json_array(j, "replacements");
	for (size_t i = 0; i < p->edits.n; i++)
		replacement(j, x, &p->edits.v[i]);
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
}

static void result_head(struct json *j, const struct exhibit *e)
{
	json_object(j, NULL);
	json_cstr(j, "ruleId", e->f->rule->id);
	json_cstr(j, "level", level(e->f->severity));
	json_cstr(j, "kind", "fail");
}

static void suppression(struct json *j, const struct exhibit *e)
{
	if (!e->suppressed)
		return;
	json_array(j, "suppressions");
	json_object(j, NULL);
	json_cstr(j, "kind", "inSource");
	if (e->f->suppressed->reason.n)
		json_str(j, "justification", e->f->suppressed->reason);
	json_object_end(j);
	json_array_end(j);
}

static void result_tail(struct json *j, const struct exhibit *e)
{
	suppression(j, e);
	json_object(j, "partialFingerprints");
	json_cstr(j, "vmend/v1", e->fingerprint);
	json_object_end(j);
	json_object(j, "properties");
	json_cstr(j, "fixClass", fix_class_name(e->f->rule->fix_class));
	if (e->f->label)
		json_cstr(j, "consequence", e->f->label);
	json_object_end(j);
	json_object_end(j);
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct json j = { .out = &p->part[0], .comma = p->part[0].n > 0 };

	(void)t;
	rule_set_add(&p->rules, e->f->rule);
	result_head(&j, e);
	message(&j, "message", e->f->message);
	json_array(&j, "locations");
	json_object(&j, NULL);
	location(&j, x, e->f->at);
	logical(&j, e->place.locus);
	json_object_end(&j);
	json_array_end(&j);
	related(&j, x, e->f);
	fixes(&j, x, e);
	result_tail(&j, e);
}

/* ---- what GitHub takes ---- */

/* A place without lines is said in the message. */
static void github_message(struct json *j, const struct examined *x,
			   const struct exhibit *e)
{
	struct buf text = { 0 };

	if (x->unit->format->kind == FORMAT_IMAGE) {
		buf_add(&text, STR("at "));
		buf_offset(&text, e->f->at);
		buf_add(&text, STR(": "));
	}
	buf_add(&text, str_of(e->f->message));
	if (e->f->label)
		buf_printf(&text, ": %s", e->f->label);
	message(j, "message", text.p);
	buf_free(&text);
}

static void github_exhibit(struct piece *p, const struct term *t,
			   const struct examined *x, const struct exhibit *e)
{
	struct buf *out = &p->part[e->f->severity];
	struct json j = { .out = out, .comma = out->n > 0 };

	(void)t;
	rule_set_add(&p->rules, e->f->rule);
	p->n[e->f->severity]++;
	result_head(&j, e);
	github_message(&j, x, e);
	json_array(&j, "locations");
	json_object(&j, NULL);
	json_object(&j, "physicalLocation");
	artifact(&j, x->path);
	json_object(&j, "region");
	if (unit_has_lines(x->unit)) {
		line_region(&j, &x->lines, e->f->at);
	} else {
		json_u64(&j, "startLine", 1);
		json_u64(&j, "startColumn", 1);
		json_u64(&j, "endLine", 1);
		json_u64(&j, "endColumn", 1);
	}
	json_object_end(&j);
	json_object_end(&j);
	json_object_end(&j);
	json_array_end(&j);
	result_tail(&j, e);
}

/* ---- a run ---- */

static void merge_rules(struct rule_set *into, const struct rule_set *from)
{
	for (size_t i = 0; i < RULES_MAX / 64; i++)
		into->bits[i] |= from->bits[i];
}

static void begin(struct sink *k)
{
	struct json j = { .out = &k->out };

	json_object(&j, NULL);
	json_cstr(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_cstr(&j, "version", "2.1.0");
	json_array(&j, "runs");
	json_object(&j, NULL);
	json_cstr(&j, "columnKind", "unicodeCodePoints");
	json_object(&j, "automationDetails");
	json_cstr(&j, "id", "vmend/");
	json_object_end(&j);
	json_array(&j, "results");
}

static void input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	merge_rules(&k->rules, &p->rules);
	if (p->part[0].n) {
		buf_add(&k->out, k->has_some ? STR(",\n") : STR("\n"));
		k->has_some = true;
	}
	sink_put(k, &p->part[0]);
}

/* Kept until the end: the worst come first. */
static void github_input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	merge_rules(&k->rules, &p->rules);
	for (size_t s = 0; s < PIECE_PARTS; s++) {
		bool has_some = k->later[s].n > 0;

		if (k->n[s] + p->n[s] > GITHUB_RESULTS) {
			buf_free(&p->part[s]);
			continue;
		}
		k->n[s] += p->n[s];
		buf_elements(&k->later[s], &has_some, &p->part[s]);
	}
}

static void notification(struct json *j, const struct skip *s)
{
	json_object(j, NULL);
	json_cstr(j, "level", s->trouble ? "error" : "note");
	message(j, "message", s->reason);
	json_array(j, "locations");
	json_object(j, NULL);
	json_object(j, "physicalLocation");
	artifact(j, s->path);
	json_object_end(j);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
}

static void skipped(struct sink *k, const struct skip *s)
{
	struct json j = { .out = &k->aside, .comma = k->aside.n > 0 };

	notification(&j, s);
}

static void rule_help(struct json *j, const struct rule *r)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s", r->why);
	if (r->steps)
		buf_printf(&text, "\n\nWhat to do: %s", r->steps);
	buf_printf(&text, "\n\nFix: %s.\n\nSource: %s.", fix_class_name(r->fix_class),
		   r->source);
	message(j, "help", text.p);
	buf_free(&text);
}

static void rules(struct json *j, const struct rule_set *used)
{
	json_array(j, "rules");
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		if (!rule_set_has(used, r))
			continue;
		json_line(j);
		json_object(j, NULL);
		json_cstr(j, "id", r->id);
		message(j, "shortDescription", r->title);
		message(j, "fullDescription", r->why);
		rule_help(j, r);
		json_object(j, "defaultConfiguration");
		json_cstr(j, "level", level(r->severity));
		json_object_end(j);
		json_object(j, "properties");
		json_cstr(j, "fixClass", fix_class_name(r->fix_class));
		json_cstr(j, "since", r->since);
		json_cstr(j, "problem.severity",
			  r->severity == SEV_NOTE ? "recommendation"
						  : severity_name(r->severity));
		json_object_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void tool(struct json *j, const struct rule_set *used)
{
	json_object(j, "tool");
	json_object(j, "driver");
	json_cstr(j, "name", "vmend");
	json_cstr(j, "semanticVersion", VMEND_VERSION);
	rules(j, used);
	json_object_end(j);
	json_object_end(j);
}

/* What had to be left out is said as well. */
static void invocation(struct json *j, const struct sink *k, const struct summary *sum,
		       uint64_t left_out)
{
	json_array(j, "invocations");
	json_object(j, NULL);
	json_bool(j, "executionSuccessful", !k->trouble);
	json_u64(j, "exitCode", (uint64_t)sum->exit);
	json_array(j, "toolExecutionNotifications");
	json_raw(j, (struct str){ k->aside.p, k->aside.n });
	if (left_out) {
		json_object(j, NULL);
		json_cstr(j, "level", "warning");
		message(j, "message",
			"more findings than GitHub takes: not all are here");
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
}

static void finish(struct sink *k, const struct summary *sum, uint64_t left_out)
{
	struct json j = { .out = &k->out };

	if (k->has_some)
		json_line(&j);
	json_array_end(&j);
	json_object(&j, "originalUriBaseIds");
	json_object(&j, "SRCROOT");
	message(&j, "description", "the folder that vmend was run in");
	json_object_end(&j);
	json_object_end(&j);
	invocation(&j, k, sum, left_out);
	tool(&j, &k->rules);
	json_object_end(&j);
	json_array_end(&j);
	json_object_end(&j);
	json_line(&j);
}

static void end(struct sink *k, const struct summary *sum)
{
	finish(k, sum, 0);
}

static void github_end(struct sink *k, const struct summary *sum)
{
	uint64_t said = 0, shown = tally_total(&sum->tally) - sum->tally.hidden;
	bool has_some = false;

	for (int s = SEV_ERROR; s >= SEV_NOTE; s--) {
		if (said + k->n[s] > GITHUB_RESULTS)
			break;
		said += k->n[s];
		buf_elements(&k->out, &has_some, &k->later[s]);
	}
	k->has_some = has_some;
	finish(k, sum, shown > said ? shown - said : 0);
}

const struct report_kind report_sarif = {
	.shows_suppressed = true,
	.needs_fingerprints = true,
	.begin = begin,
	.exhibit = exhibit,
	.input = input,
	.skipped = skipped,
	.end = end,
};

const struct report_kind report_sarif_github = {
	.needs_fingerprints = true,
	.begin = begin,
	.exhibit = github_exhibit,
	.input = github_input,
	.skipped = skipped,
	.end = github_end,
};
