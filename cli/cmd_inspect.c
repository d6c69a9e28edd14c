/* vmend inspect: the facts of an input, judged by nobody.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/media.h"
#include "cli/commands.h"
#include "cli/facts.h"
#include "rewrite/journal.h"

#include <unistd.h>

#include "base/banned.h"

static const char *journal_words(enum journal_state s)
{
	switch (s) {
	case JOURNAL_NONE:
		return "none";
	case JOURNAL_DONE:
		return "a repair that can be taken back";
	case JOURNAL_ARMED:
		return "an interrupted repair";
	case JOURNAL_DAMAGED:
		return "damaged";
	}
	BUG("journal state %u", s);
}

static const char *state_words(const struct unit *u)
{
	switch (u->state) {
	case UNIT_NOT_OURS:
		return "not a VM image or config";
	case UNIT_READ:
		return u->syntax ? "broken" : "read";
	case UNIT_FAILED:
		return u->why.msg;
	case UNIT_CLOSED:
		break;
	}
	BUG("unit state %u", u->state);
}

static void facts_of_unit(struct facts *f, struct unit *u)
{
	struct lines lines;

	if (f->json)
		facts_word(f, "path", u->src.path);
	facts_word(f, "format", u->format ? u->format->name : NULL);
	facts_word(f, "state", state_words(u));
	if (u->state != UNIT_READ || !u->format)
		return;
	if (unit_has_lines(u)) {
		lines = lines_of(u->text, &u->arena);
		f->lines = &lines;
	} else if (u->format->kind == FORMAT_IMAGE) {
		facts_word(f, "undo_journal", journal_words(u->journal));
	}
	if (u->syntax)
		facts_word(f, "syntax_error", u->syntax->what);
	if (u->qcow2) {
		facts_of_qcow2(f, u->qcow2);
		facts_of_chain(f, u);
	}
	if (u->image && u->image->iso) {
		facts_of_iso(f, u->image->iso);
	} else if (u->image) {
		facts_of_image(f, u->image);
		facts_of_boot(f, u->image);
	}
	facts_of_vms(f, u);
	facts_of_builders(f, u);
	f->lines = NULL;
}

static bool inspect_one(struct facts *f, const char *path, const struct format *as,
			const struct host *host)
{
	struct unit u;
	bool good;

	unit_open(&u, path, SOURCE_READ, as, host);
	if (u.state == UNIT_READ && u.format->kind == FORMAT_IMAGE)
		u.journal = journal_look(path, FORMAT_IMAGE);
	if (f->json) {
		jsonw_object(&f->j, NULL);
	} else {
		buf_safe(f->out, str_of(path));
		buf_char(f->out, '\n');
		f->depth = 1;
	}
	facts_of_unit(f, &u);
	if (f->json)
		jsonw_object_end(&f->j);
	good = u.state == UNIT_READ;
	unit_close(&u);
	return good;
}

enum exit_code cmd_inspect(const struct options *o, struct err *e)
{
	struct buf out = { 0 };
	struct facts f = { .out = &out,
			   .term = term_of(STDOUT_FILENO, o->color),
			   .json = o->format == REPORT_json,
			   .j = { .out = &out } };
	enum exit_code code = EXIT_CLEAN;
	struct host host;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	f.arena = &a;
	if (read_host(&host, o, &a, e) != 0) {
		arena_free(&a);
		return EXIT_USAGE;
	}
	host.media = media_new(&host, NULL, NULL);
	if (f.json) {
		jsonw_object(&f.j, NULL);
		jsonw_u64(&f.j, "schema", 1);
		jsonw_cstr(&f.j, "version", VMEND_VERSION);
		jsonw_array(&f.j, "inputs");
	}
	for (size_t i = 0; i < o->args.n; i++) {
		if (!inspect_one(&f, o->args.v[i], o->as, &host))
			code = EXIT_INPUT;
	}
	if (f.json) {
		jsonw_array_end(&f.j);
		jsonw_object_end(&f.j);
		jsonw_line(&f.j);
	}
	media_free(host.media);
	arena_free(&a);
	return print(&out, e) == 0 ? code : EXIT_INTERNAL;
}
