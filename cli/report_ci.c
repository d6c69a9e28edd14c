/* Reports for what runs vmend: GitHub's workflow commands, GitLab's code quality report, a
 * Markdown table for summaries of jobs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/sink.h"
#include "base/banned.h"

static bool is_text(const struct examined *x)
{
	return unit_has_lines(x->unit);
}

/* ---- github ---- */

/* docs.github.com, "Workflow commands": of a property also what ends it. */
static void command_text(struct buf *out, const char *s, bool property)
{
	for (; *s; s++) {
		if (*s == '%' || *s == '\r' || *s == '\n' ||
		    (property && (*s == ':' || *s == ',')))
			buf_printf(out, "%%%02X", (unsigned char)*s);
		else
			buf_char(out, *s);
	}
}

static const char *command_name(enum severity s)
{
	return s == SEV_NOTE ? "notice" : severity_name(s);
}

static void github_exhibit(struct piece *p, const struct term *t,
			   const struct examined *x, const struct exhibit *e)
{
	struct buf *out = &p->part[0];

	(void)t;
	buf_printf(out, "::%s file=", command_name(e->f->severity));
	command_text(out, x->path, true);
	if (is_text(x)) {
		buf_printf(out, ",line=%llu,endLine=%llu",
			   (unsigned long long)e->from.line,
			   (unsigned long long)e->to.line);
		/* Columns count only within a line. */
		if (e->from.line == e->to.line)
			buf_printf(out, ",col=%llu,endColumn=%llu",
				   (unsigned long long)e->from.column,
				   (unsigned long long)e->to.column);
	}
	buf_printf(out, ",title=vmend %s::", e->f->rule->id);
	if (!is_text(x)) {
		buf_add(out, STR("at "));
		buf_offset(out, e->f->at);
		buf_add(out, STR(": "));
	}
	command_text(out, e->f->message, false);
	buf_char(out, '\n');
}

static void github_skipped(struct sink *k, const struct skip *s)
{
	buf_printf(&k->out, "::%s file=", s->trouble ? "error" : "notice");
	command_text(&k->out, s->path, true);
	buf_add(&k->out, STR(",title=vmend skipped::"));
	command_text(&k->out, s->reason, false);
	buf_char(&k->out, '\n');
}

const struct report_kind report_github = {
	.exhibit = github_exhibit,
	.skipped = github_skipped,
};

/* ---- gitlab ---- */

static const char *gitlab_severity(enum severity s)
{
	switch (s) {
	case SEV_NOTE:
		return "info";
	case SEV_WARNING:
		return "minor";
	case SEV_ERROR:
		return "critical";
	}
	BUG("severity %u", s);
}

static void gitlab_begin(struct sink *k)
{
	buf_char(&k->out, '[');
}

static void gitlab_exhibit(struct piece *p, const struct term *t,
			   const struct examined *x, const struct exhibit *e)
{
	struct jsonw j = { .out = &p->part[0], .comma = p->part[0].n > 0 };
	struct buf text = { 0 };

	(void)t;
	if (!is_text(x)) {
		buf_add(&text, STR("at "));
		buf_offset(&text, e->f->at);
		buf_add(&text, STR(": "));
	}
	buf_add(&text, str_of(e->f->message));
	jsonw_object(&j, NULL);
	jsonw_str(&j, "description", (struct str){ text.p, text.n });
	jsonw_cstr(&j, "check_name", e->f->rule->id);
	jsonw_cstr(&j, "fingerprint", e->fingerprint);
	jsonw_cstr(&j, "severity", gitlab_severity(e->f->severity));
	jsonw_object(&j, "location");
	jsonw_cstr(&j, "path", strncmp(x->path, "./", 2) == 0 ? x->path + 2 : x->path);
	jsonw_object(&j, "lines");
	jsonw_u64(&j, "begin", is_text(x) ? e->from.line : 1);
	jsonw_object_end(&j);
	jsonw_object_end(&j);
	jsonw_object_end(&j);
	buf_free(&text);
}

static void gitlab_input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	buf_elements(&k->out, &k->has_some, &p->part[0]);
	sink_put(k, &p->part[1]);
}

static void gitlab_end(struct sink *k, const struct summary *sum)
{
	(void)sum;
	buf_add(&k->out, k->has_some ? STR("\n]\n") : STR("]\n"));
}

const struct report_kind report_gitlab = {
	.needs_fingerprints = true,
	.begin = gitlab_begin,
	.exhibit = gitlab_exhibit,
	.input = gitlab_input,
	.end = gitlab_end,
};

/* ---- markdown ---- */

/* Text in a cell: nothing of it is markup, and nothing ends the cell. */
static void cell(struct buf *out, const char *s)
{
	struct buf safe = { 0 };

	buf_safe(&safe, str_of(s));
	for (size_t i = 0; i < safe.n; i++) {
		if (strchr("\\`*_{}[]<>#|~&", safe.p[i]))
			buf_char(out, '\\');
		buf_char(out, safe.p[i]);
	}
	buf_free(&safe);
}

static void markdown_exhibit(struct piece *p, const struct term *t,
			     const struct examined *x, const struct exhibit *e)
{
	struct buf *out = &p->part[0], place = { 0 };

	(void)t;
	buf_place_of(&place, x, e);
	buf_add(out, STR("| "));
	cell(out, place.p);
	buf_printf(out, " | %s | %s | ", severity_name(e->f->severity), e->f->rule->id);
	cell(out, e->f->message);
	buf_printf(out, " | %s |\n", e->fix.possible ? fix_class_name(e->fix.class) : "");
	buf_free(&place);
}

static void markdown_input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	if (p->part[0].n && !k->has_some) {
		buf_add(&k->out, STR("| where | severity | rule | what | fix |\n"
				     "|---|---|---|---|---|\n"));
		k->has_some = true;
	}
	sink_put(k, &p->part[0]);
}

static void markdown_skipped(struct sink *k, const struct skip *s)
{
	buf_add(&k->aside, STR("- "));
	cell(&k->aside, s->path);
	buf_add(&k->aside, s->stopped ? STR(": ") : STR(": skipped: "));
	cell(&k->aside, s->reason);
	buf_char(&k->aside, '\n');
}

static void markdown_end(struct sink *k, const struct summary *sum)
{
	if (k->has_some)
		buf_char(&k->out, '\n');
	buf_add_bytes(&k->out, k->aside.p, k->aside.n);
	if (k->aside.n)
		buf_char(&k->out, '\n');
	text_summary(&k->out, &k->term, sum);
}

const struct report_kind report_markdown = {
	.exhibit = markdown_exhibit,
	.input = markdown_input,
	.skipped = markdown_skipped,
	.end = markdown_end,
};
