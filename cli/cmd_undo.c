/* vmend undo: takes repairs back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "rewrite/apply.h"

#include "base/banned.h"

static void say_undone(struct buf *out, const char *path, const struct undo_result *r)
{
	buf_safe(out, str_of(path));
	buf_add(out, r->was_unfinished ? STR(": took the interrupted repair back: ")
				       : STR(": took the last repair back: "));
	buf_count(out, r->bytes, "byte");
	buf_add(out, STR(" in "));
	buf_count(out, r->ranges, "place");
	if (r->left) {
		buf_add(out, STR("; "));
		buf_count(out, r->left, "older repair");
		buf_add(out, STR(" can be taken back as well"));
	}
	buf_char(out, '\n');
}

static bool undo_one(const char *path, bool quiet, struct buf *out)
{
	struct undo_result r = { 0 };
	struct move_watch watch;
	struct progress bar;
	struct err e = { 0 };
	int rc;

	progress_init(&bar, path, quiet);
	watch = progress_watch(&bar);
	rc = undo_last(path, false, &watch, &r, &e);
	progress_end(&bar);
	if (rc == 0) {
		say_undone(out, path, &r);
		return true;
	}
	buf_safe(out, str_of(path));
	buf_printf(out, e.code == ERR_STOPPED ? ": %s\n" : ": not undone: %s\n", e.msg);
	return false;
}

enum exit_code cmd_undo(const struct options *o, struct err *e)
{
	enum exit_code code = EXIT_CLEAN;
	sigset_t before;

	for (size_t i = 0; i < o->args.n; i++) {
		struct buf out = { 0 };

		/* What is half undone is undone to its end, and reported; only where data
		 * is moved back, a signal stops it. It ends the program once it is let in. */
		signals_hold(&before);
		if (!undo_one(o->args.v[i], o->quiet, &out))
			code = EXIT_INPUT;
		if (o->quiet)
			buf_clear(&out);
		if (print(&out, e) != 0)
			code = EXIT_INTERNAL;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return code;
}
