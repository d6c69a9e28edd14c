/* Reports in XML: JUnit's, as test runners and CI servers read it, and Checkstyle's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/markup.h"
#include "cli/sink.h"
#include "base/banned.h"

static void attribute(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, " %s=\"", name);
	buf_markup(out, value);
	buf_char(out, '"');
}

/* Where in its file: "31:7", "0x1be". */
static void place(struct buf *out, const struct examined *x, const struct exhibit *e)
{
	if (unit_has_lines(x->unit))
		buf_printf(out, "%llu:%llu", (unsigned long long)e->from.line,
			   (unsigned long long)e->from.column);
	else
		buf_offset(out, e->f->at);
}

/* ---- junit ---- */

enum { CASES, FAILURES, SKIPPED }; /* numbers of a piece */

static void junit_begin(struct sink *k)
{
	buf_add(&k->out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<testsuites name=\"vmend\">\n"));
}

/* What does not fail the run does not fail here: it is said in a case that passes. */
static void junit_exhibit(struct piece *p, const struct term *t, const struct examined *x,
			  const struct exhibit *e)
{
	const struct finding *f = e->f;
	bool fails = !e->suppressed && !x->filter->never_fail &&
		     f->severity >= x->filter->fail_on;
	struct buf *out = &p->part[0], name = { 0 };
	const char *element = e->suppressed ? "skipped"
			      : fails       ? "failure"
					    : "system-out";

	(void)t;
	p->n[CASES]++;
	p->n[FAILURES] += fails;
	p->n[SKIPPED] += e->suppressed;
	buf_printf(&name, "%s at ", f->rule->id);
	place(&name, x, e);
	buf_add(out, STR("    <testcase"));
	attribute(out, "classname", str_of(x->path));
	attribute(out, "name", (struct str){ name.p, name.n });
	buf_printf(out, ">\n      <%s", element);
	if (fails) {
		attribute(out, "type", str_of(severity_name(f->severity)));
		attribute(out, "message", str_of(f->message));
	}
	if (e->suppressed)
		attribute(out, "message", f->suppressed->reason);
	buf_char(out, '>');
	buf_clear(&name);
	buf_place_of(&name, x, e);
	buf_markup(out, (struct str){ name.p, name.n });
	buf_printf(out, ": %s[%s] ", severity_name(f->severity), f->rule->id);
	buf_markup(out, str_of(f->message));
	buf_printf(out, "</%s>\n    </testcase>\n", element);
	buf_free(&name);
}

static void suite(struct buf *out, const char *path, size_t tests, size_t failures,
		  size_t errors, size_t skipped)
{
	buf_add(out, STR("  <testsuite"));
	attribute(out, "name", str_of(path));
	buf_printf(out,
		   " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
		   tests, failures, errors, skipped);
}

static void lone_case(struct buf *out, const char *path)
{
	buf_add(out, STR("    <testcase"));
	attribute(out, "classname", str_of(path));
	buf_add(out, STR(" name=\"vmend\""));
}

static void junit_input(struct sink *k, const char *path, struct piece *p)
{
	bool clean = p->n[CASES] == 0;

	/* What was skipped says so itself, and has no other case. */
	if (clean && k->has_some) {
		k->has_some = false;
		return;
	}
	k->has_some = false;
	suite(&k->out, path, clean ? 1 : p->n[CASES], p->n[FAILURES], 0, p->n[SKIPPED]);
	if (clean) {
		lone_case(&k->out, path);
		buf_add(&k->out, STR("/>\n"));
	}
	buf_add_bytes(&k->out, p->part[0].p, p->part[0].n);
	buf_add(&k->out, STR("  </testsuite>\n"));
	buf_free(&p->part[0]);
	sink_put(k, &p->part[1]);
}

static void junit_skipped(struct sink *k, const struct skip *s)
{
	const char *element = s->trouble ? "error" : "skipped";

	k->has_some = true;
	suite(&k->out, s->path, 1, 0, s->trouble, !s->trouble);
	lone_case(&k->out, s->path);
	buf_printf(&k->out, ">\n      <%s", element);
	attribute(&k->out, "message", str_of(s->reason));
	buf_add(&k->out, STR("/>\n    </testcase>\n  </testsuite>\n"));
}

static void junit_end(struct sink *k, const struct summary *sum)
{
	(void)sum;
	buf_add(&k->out, STR("</testsuites>\n"));
}

const struct report_kind report_junit = {
	.shows_suppressed = true,
	.begin = junit_begin,
	.exhibit = junit_exhibit,
	.input = junit_input,
	.skipped = junit_skipped,
	.end = junit_end,
};

/* ---- checkstyle ---- */

static void checkstyle_begin(struct sink *k)
{
	buf_add(&k->out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<checkstyle version=\"4.3\">\n"));
}

static const char *checkstyle_severity(enum severity s)
{
	return s == SEV_NOTE ? "info" : severity_name(s);
}

static void checkstyle_exhibit(struct piece *p, const struct term *t,
			       const struct examined *x, const struct exhibit *e)
{
	struct buf *out = &p->part[0], message = { 0 };

	(void)t;
	buf_add(out, STR("    <error"));
	if (unit_has_lines(x->unit)) {
		buf_printf(out, " line=\"%llu\" column=\"%llu\"",
			   (unsigned long long)e->from.line,
			   (unsigned long long)e->from.column);
	} else {
		/* Readers want a line; there is none. */
		buf_add(out, STR(" line=\"1\""));
		buf_add(&message, STR("at "));
		buf_offset(&message, e->f->at);
		buf_add(&message, STR(": "));
	}
	buf_add(&message, str_of(e->f->message));
	attribute(out, "severity", str_of(checkstyle_severity(e->f->severity)));
	attribute(out, "message", (struct str){ message.p, message.n });
	buf_printf(out, " source=\"vmend.%s\"/>\n", e->f->rule->id);
	buf_free(&message);
}

static void checkstyle_input(struct sink *k, const char *path, struct piece *p)
{
	buf_add(&k->out, STR("  <file"));
	attribute(&k->out, "name", str_of(path));
	buf_add(&k->out, STR(">\n"));
	buf_add_bytes(&k->out, p->part[0].p, p->part[0].n);
	buf_add(&k->out, STR("  </file>\n"));
	buf_free(&p->part[0]);
	sink_put(k, &p->part[1]);
}

static void checkstyle_skipped(struct sink *k, const struct skip *s)
{
	buf_add(&k->out, STR("  <file"));
	attribute(&k->out, "name", str_of(s->path));
	buf_printf(&k->out, ">\n    <error line=\"1\" severity=\"%s\"",
		   s->trouble ? "error" : "info");
	attribute(&k->out, "message", str_of(s->reason));
	buf_add(&k->out, STR(" source=\"vmend.skipped\"/>\n  </file>\n"));
}

static void checkstyle_end(struct sink *k, const struct summary *sum)
{
	(void)sum;
	buf_add(&k->out, STR("</checkstyle>\n"));
}

const struct report_kind report_checkstyle = {
	.begin = checkstyle_begin,
	.exhibit = checkstyle_exhibit,
	.input = checkstyle_input,
	.skipped = checkstyle_skipped,
	.end = checkstyle_end,
};
