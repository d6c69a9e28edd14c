/* vmend explain, rules and version: what the program knows about itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "analyze/config/json_judge.h"
#include "cli/policy.h"
#include "cli/report.h"
#include "rules/example.h"

#include <libxml/xmlversion.h>
#include <unistd.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

#ifndef VMEND_PORTABLE
#include <libfdisk/libfdisk.h>
#endif

#include "base/banned.h"

enum { WIDTH = 78 };

/* Words, wrapped; each line begins with indent blanks. Line ends in s stay. */
static void wrapped(struct buf *out, const char *s, size_t indent)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " \n");

		if (column && column + 1 + n > WIDTH) {
			buf_char(out, '\n');
			column = 0;
		}
		if (column == 0)
			buf_fill(out, ' ', indent);
		else
			buf_char(out, ' ');
		column = column == 0 ? indent + n : column + 1 + n;
		buf_add(out, (struct str){ s, n });
		s += n;
		if (*s == '\n') {
			buf_char(out, '\n');
			column = 0;
		}
		s += *s != '\0';
	}
	buf_char(out, '\n');
}

static const char *fix_words(enum fix_class c)
{
	switch (c) {
	case FIX_NONE:
		return "none";
	case FIX_MANUAL:
		return "by hand, with the steps below";
	case FIX_SAFE:
		return "safe: `vmend fix` does it";
	case FIX_UNSAFE:
		return "unsafe: `vmend fix --unsafe-fixes` does it";
	case FIX_LOSSY:
		return "lossy: `vmend fix --lossy-fixes` does it";
	}
	BUG("fix class %u", c);
}

static void heading(struct buf *out, const struct term *t, const char *text)
{
	buf_char(out, '\n');
	paint(out, t, PAINT_PLACE);
	buf_add(out, str_of(text));
	paint_end(out, t);
	buf_char(out, '\n');
}

static void paragraph(struct buf *out, const struct term *t, const char *title,
		      const char *text)
{
	if (!text)
		return;
	heading(out, t, title);
	wrapped(out, text, 2);
}

static void quoted(struct buf *out, const struct term *t, const char *lines, bool diff)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		buf_fill(out, ' ', 4);
		if (diff && strchr("-+@", *lines))
			paint(out, t,
			      *lines == '-'   ? PAINT_GONE
			      : *lines == '+' ? PAINT_FIX
					      : PAINT_HUNK);
		buf_add(out, (struct str){ lines, n });
		paint_end(out, t);
		buf_char(out, '\n');
		lines += n + (lines[n] == '\n');
	}
}

static void show_example(struct buf *out, const struct term *t, const struct example *x)
{
	heading(out, t,
		strchr(x->place, '@') ? "Example, an image that is made so" : "Example");
	quoted(out, t, x->lines, false);
	buf_char(out, '\n');
	wrapped(out, x->found, 2);
	if (x->fixed) {
		heading(out, t, "Fixed");
		quoted(out, t, x->fixed, true);
	}
	paragraph(out, t, "When not to worry", x->near);
}

static void explain(struct buf *out, const struct term *t, const struct rule *r)
{
	const struct example *x = examples;

	paint(out, t, paint_of(r->severity));
	buf_printf(out, "%s[%s]", severity_name(r->severity), r->id);
	paint_end(out, t);
	buf_printf(out, ": %s\n", r->title);
	paragraph(out, t, "Why", r->why);
	paragraph(out, t, "Fix", fix_words(r->fix_class));
	paragraph(out, t, "What to do", r->steps);
	while (x->rule && strcmp(x->rule, r->id) != 0)
		x++;
	if (x->rule)
		show_example(out, t, x);
	paragraph(out, t, "Source", r->source);
	paragraph(out, t, "Since", r->since);
}

/* Of the policy of the current folder. */
static int rules_of_team(struct team_rules *out, const struct options *o, struct arena *a,
			 struct err *e)
{
	struct policies all;
	struct policy *p;

	*out = (struct team_rules){ 0 };
	if (policies_of(&all, o, policy_here, 1, &p, a, e) != 0)
		return -1;
	if (p)
		*out = (struct team_rules){ p->team.v, p->team.n };
	return 0;
}

enum exit_code cmd_explain(const struct options *o, struct err *e)
{
	struct term t = term_of(STDOUT_FILENO, o->color);
	const struct rule **rules = NULL;
	struct buf out = { 0 };
	struct team_rules team;
	struct arena a;
	size_t n = 0;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	rc = rules_of_team(&team, o, &a, e);
	if (rc == 0)
		rc = rules_named(&o->args, "explain", &team, &a, &rules, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i > 0)
			buf_char(&out, '\n');
		explain(&out, &t, rules[i]);
	}
	arena_free(&a);
	if (rc != 0)
		return EXIT_USAGE;
	return print(&out, e) == 0 ? EXIT_CLEAN : EXIT_INTERNAL;
}

static void rule_json(struct jsonw *j, const struct rule *r)
{
	jsonw_line(j);
	jsonw_object(j, NULL);
	jsonw_cstr(j, "id", r->id);
	jsonw_cstr(j, "severity", severity_name(r->severity));
	jsonw_cstr(j, "fix", fix_class_name(r->fix_class));
	jsonw_cstr(j, "title", r->title);
	jsonw_cstr(j, "why", r->why);
	jsonw_cstr(j, "steps", r->steps);
	jsonw_cstr(j, "source", r->source);
	jsonw_cstr(j, "since", r->since);
	jsonw_object_end(j);
}

static void rule_line(struct buf *out, const struct term *t, const struct rule *r)
{
	paint(out, t, paint_of(r->severity));
	buf_printf(out, "%-8s", severity_name(r->severity));
	paint_end(out, t);
	buf_printf(out, "%-7s %-30s %s\n", fix_class_name(r->fix_class), r->id, r->title);
}

static void one_rule(struct buf *out, struct jsonw *j, const struct term *t,
		     const struct rule *r)
{
	if (j)
		rule_json(j, r);
	else
		rule_line(out, t, r);
}

static void list_rules(struct buf *out, const struct options *o,
		       const struct team_rules *team)
{
	struct term t = term_of(STDOUT_FILENO, o->color);
	struct jsonw json = { .out = out }, *j = o->format == REPORT_json ? &json : NULL;

	if (j) {
		jsonw_object(j, NULL);
		jsonw_u64(j, "schema", 1);
		jsonw_cstr(j, "version", VMEND_VERSION);
		jsonw_array(j, "rules");
	} else {
		buf_printf(out, "%-8s%-7s %-30s %s\n", "level", "fix", "rule", "what");
	}
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r))
		one_rule(out, j, &t, r);
	for (size_t i = 0; i < team->n; i++)
		one_rule(out, j, &t, team->v[i]);
	if (j) {
		jsonw_array_end(j);
		jsonw_object_end(j);
		jsonw_line(j);
	}
}

enum exit_code cmd_rules(const struct options *o, struct err *e)
{
	struct buf out = { 0 };
	struct team_rules team;
	struct arena a;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	rc = rules_of_team(&team, o, &a, e);
	if (rc == 0)
		list_rules(&out, o, &team);
	arena_free(&a);
	if (rc != 0)
		return EXIT_USAGE;
	return print(&out, e) == 0 ? EXIT_CLEAN : EXIT_INTERNAL;
}

enum exit_code cmd_version(const struct options *o, struct err *e)
{
	struct buf out = { 0 };

	(void)o;
	buf_printf(&out, "vmend %s\nlibxml2 %s\n", VMEND_VERSION, LIBXML_DOTTED_VERSION);
#ifndef VMEND_PORTABLE
	const char *fdisk = "";

	fdisk_get_library_version(&fdisk);
	buf_printf(&out, "libfdisk %s\n", fdisk);
#endif
	buf_printf(&out, "jansson %s\nlibyaml %s\nzlib %s\nlibzstd %s\n",
		   json_judge_version(), yaml_get_version_string(), zlibVersion(),
		   ZSTD_versionString());
#ifdef VMEND_PORTABLE
	buf_printf(&out, "POSIX alone: no locks, no mounts, no repair of images\n");
#endif
	return print(&out, e) == 0 ? EXIT_CLEAN : EXIT_INTERNAL;
}
