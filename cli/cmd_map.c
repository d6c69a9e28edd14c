/* vmend map: disks drawn to scale, in the terminal or as a picture.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/map_draw.h"
#include "cli/map_file.h"
#include "cli/report.h"
#include "rewrite/journal.h"

#include <unistd.h>

#include "base/banned.h"

enum { WIDTH_FILE = 80 }; /* where nobody's terminal says how wide it is */

struct mapper {
	const struct options *o;
	struct host host;
	struct rule_filter filter;
	struct term term;
	bool utf8;
	struct buf out;
	struct err *e;
	bool failed; /* to write what was drawn: *e says why */
};

/* By the variables that say so, in the order in which POSIX asks them. */
static bool locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strstr(v, "UTF-8") || strstr(v, "utf8") ||
			       strstr(v, "utf-8") || strstr(v, "UTF8");
	}
	return false;
}

static void judge(const struct mapper *p, struct unit *u, struct findings *out)
{
	size_t kept = 0;

	rules_run(u, &u->arena, out);
	for (size_t i = 0; i < out->v.n; i++) {
		const struct rule *r = out->v.v[i]->rule;

		if (rule_filter_has(&p->filter, r) &&
		    r->severity >= p->filter.min_severity)
			out->v.v[kept++] = out->v.v[i];
	}
	out->v.n = kept;
}

static void draw(struct mapper *p, struct unit *u, const char *path)
{
	struct findings found = { 0 };
	struct map disk = { 0 }, file = { 0 };
	const struct map *m = u->image ? &disk : &file;
	struct buf svg = { 0 };
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	u->journal = journal_look(path, FORMAT_IMAGE);
	judge(p, u, &found);
	if (u->image) {
		map_disk(&disk, u->image, &a);
		map_findings(&disk, u->image, &found, &a);
	}
	if (u->qcow2) {
		map_host(&file, u->qcow2, &a);
		map_findings(&file, NULL, &found, &a);
		disk.next = &file;
	}
	if (!u->image)
		*vec_add(&file.notes, &a) = arena_printf(
			&a, "the guest's disk is not drawn: %s", u->guest_why);
	map_text(&p->out, m, path, &p->term, p->utf8, &a);
	if (p->o->svg) {
		map_svg(&svg, m, path, &a);
		p->failed = map_file_write(p->o->svg, (struct str){ svg.p, svg.n },
					   p->e) != 0;
		buf_free(&svg);
	}
	map_free(&disk);
	map_free(&file);
	arena_free(&a);
}

static const char *trouble(const struct unit *u)
{
	switch (u->state) {
	case UNIT_NOT_OURS:
		return "not a disk image";
	case UNIT_FAILED:
		return u->why.msg;
	case UNIT_READ:
		return u->image || u->qcow2
			       ? NULL
			       : "not a disk image: there is nothing to draw";
	case UNIT_CLOSED:
		break;
	}
	BUG("unit state %u", u->state);
}

static bool map_one(struct mapper *p, const char *path)
{
	struct buf line = { 0 };
	const char *why;
	struct unit u;

	unit_open(&u, path, SOURCE_READ, p->o->as, &p->host);
	why = trouble(&u);
	if (why) {
		buf_add(&line, STR("vmend: "));
		buf_safe(&line, str_of(path));
		buf_printf(&line, ": %s\n", why);
		fputs(line.p, stderr);
		buf_free(&line);
	} else {
		draw(p, &u, path);
	}
	unit_close(&u);
	return why == NULL;
}

enum exit_code cmd_map(const struct options *o, struct err *e)
{
	struct mapper p = { .o = o,
			    .term = term_of(STDOUT_FILENO, o->color),
			    .utf8 = locale_is_utf8(),
			    .e = e };
	enum exit_code code = EXIT_CLEAN;
	struct arena a;

	if (!isatty(STDOUT_FILENO))
		p.term.width = WIDTH_FILE;
	arena_init(&a, ARENA_BUDGET);
	if (rule_filter_init(&p.filter, o, &(struct team_rules){ 0 }, &a, e) != 0 ||
	    read_host(&p.host, o, &a, e) != 0 ||
	    (o->svg && map_file_check(o->svg, e) != 0)) {
		arena_free(&a);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < o->args.n; i++) {
		if (!map_one(&p, o->args.v[i]))
			code = EXIT_INPUT;
	}
	arena_free(&a);
	if (print(&p.out, e) != 0 || p.failed)
		return EXIT_INTERNAL;
	return code;
}
