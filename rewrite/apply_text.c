/* Repairing a text: as a new file in its place where that keeps everything, else in place
 * under the journal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/apply.h"

#include "rewrite/journal.h"
#include "rewrite/ranges.h"
#include "rewrite/replace.h"
#include "rewrite/undo.h"

#include <time.h>

#include "base/banned.h"

static bool same(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static int untouched(struct err *e)
{
	struct err cause = *e;

	err_set(e, cause.code, "%.200s; it was not changed", cause.msg);
	e->sys = cause.sys;
	return -1;
}

struct contents {
	struct view is, old, new;
};

/* A rewriting that was interrupted: each sector is one or the other. */
static int check_mixture(const struct text_file *f, const struct journal *j,
			 const struct contents *c, struct err *e)
{
	enum range_state state = RANGE_FOREIGN;
	size_t least = c->old.n < c->new.n ? c->old.n : c->new.n;
	size_t most = c->old.n < c->new.n ? c->new.n : c->old.n;

	if (!j->last.done && c->is.n >= least && c->is.n <= most &&
	    range_look(f->fd, j, &j->last.records[0], &state, e) != 0)
		return -1;
	if (state != RANGE_FOREIGN)
		return 0;
	return err_set(
		e, ERR_REFUSED,
		"holds neither what the repair found nor what it wrote: somebody else "
		"changed it since. To keep it, remove '%s'",
		str_shown(f->arena, str_of(j->path)));
}

/* Proves the journal, and that the file is what the journal says. */
static int read_contents(const struct text_file *f, const struct journal *j,
			 struct contents *c, struct err *e)
{
	const struct journal_record *r = &j->last.records[0];

	if (journal_verify(j, e) != 0 || text_read(f, &c->is, e) != 0 ||
	    journal_view(j, r, JOURNAL_OLD, &c->old, e) != 0 ||
	    journal_view(j, r, JOURNAL_NEW, &c->new, e) != 0)
		return -1;
	if (same(c->is, c->old) || same(c->is, c->new))
		return 0;
	return check_mixture(f, j, c, e);
}

/* The old content is in memory still. */
static int give_up(const struct text_file *f, struct journal *j, enum text_touch touch,
		   struct err *e)
{
	struct err cause = *e, second = { 0 };
	bool back = touch == TEXT_UNTOUCHED ||
		    (touch == TEXT_REWRITTEN &&
		     text_rewrite(f, j->last.records[0].old, &second) == 0);

	if (back && journal_pop(j, &second) == 0)
		return untouched(e);
	err_set(e, cause.code, "%.200s; vmend undo puts back what was there before",
		cause.msg);
	e->sys = cause.sys;
	return -1;
}

static int apply_journaled(const struct text_file *f, struct journal *j,
			   struct journal_entry *t, bool keep_undo, struct err *e)
{
	enum text_touch touch;

	/* Armed since settle_earlier(): another vmend died just now. */
	if (j->count > 0 && !j->last.done)
		return err_set(e, ERR_BUSY, "is being repaired by another vmend");
	if (journal_arm(j, t, e) != 0)
		return untouched(e);
	if (text_put(f, t->records[0].new, t->id, &touch, e) != 0)
		return give_up(f, j, touch, e);
	return keep_undo ? journal_mark(j, true, e) : journal_pop(j, e);
}

/* An earlier repair that was killed, of a file that is whole all the same: the rename did
 * not happen, or it did and only the note is missing. A mixture is not for us to settle. */
static int settle(const struct text_file *f, struct journal *j, struct err *e)
{
	struct contents c;

	if (read_contents(f, j, &c, e) != 0)
		return -1;
	text_clean_up(f, j->last.id);
	if (same(c.is, c.new))
		return journal_mark(j, true, e);
	if (same(c.is, c.old))
		return journal_pop(j, e);
	return err_set(
		e, ERR_REFUSED,
		"an earlier repair of it was interrupted: it must be finished or undone "
		"first");
}

static int settle_earlier(const struct text_file *f, struct err *e)
{
	struct journal j;
	bool found;
	int rc = 0;

	if (journal_open(&j, f->path, FORMAT_TEXT, false, &found, f->arena, e) != 0)
		return -1;
	if (!found)
		return 0;
	if (j.count > 0 && !j.last.done)
		rc = settle(f, &j, e);
	journal_close(&j);
	return rc;
}

static int with_journal(const struct text_file *f, struct view before, struct view text,
			bool keep_undo, struct err *e)
{
	struct journal_record r = {
		.old = before, .old_len = before.n, .new = text, .new_len = text.n
	};
	struct journal_entry t = { .size_before = before.n,
				   .size_after = text.n,
				   .time = (int64_t)time(NULL),
				   .id = journal_new_id(),
				   .records = &r,
				   .n = 1 };
	struct journal j;
	int rc;

	if (settle_earlier(f, e) != 0 ||
	    journal_open(&j, f->path, FORMAT_TEXT, true, NULL, f->arena, e) != 0)
		return untouched(e);
	rc = apply_journaled(f, &j, &t, keep_undo, e);
	journal_close(&j);
	return rc;
}

static int apply(const struct text_file *f, struct view before, struct view text,
		 bool keep_undo, struct err *e)
{
	enum text_touch touch;
	struct view is;

	if (text_read(f, &is, e) != 0)
		return -1;
	if (!same(is, before))
		return err_set(e, ERR_BUSY,
			       "was changed by somebody else since it was read");
	if (same(is, text))
		return 0;
	if (!keep_undo) {
		/* A rename needs no journal: there is never a mixture. */
		if (text_replace(f, text, journal_new_id(), &touch, e) != 0)
			return -1;
		if (touch == TEXT_REPLACED)
			return 0;
	}
	return with_journal(f, before, text, keep_undo, e);
}

int apply_text(const char *path, struct view before, struct view text, bool keep_undo,
	       struct err *e)
{
	struct text_file f;
	struct arena a;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	rc = text_open(&f, path, &a, e);
	if (rc == 0) {
		rc = apply(&f, before, text, keep_undo, e);
		text_close(&f);
	}
	arena_free(&a);
	return rc;
}

/* ---- resume and undo ---- */

static int put_one(const struct text_file *f, const struct journal *j,
		   const struct contents *c, struct view content, struct err *e)
{
	enum text_touch touch;

	text_clean_up(f, j->last.id);
	return same(c->is, content) ? 0 : text_put(f, content, j->last.id, &touch, e);
}

static int finish(const struct text_file *f, struct journal *j, struct undo_result *r,
		  struct err *e)
{
	struct contents c;

	(void)r;
	if (j->last.done)
		return 0;
	if (read_contents(f, j, &c, e) != 0 || put_one(f, j, &c, c.new, e) != 0)
		return -1;
	return journal_mark(j, true, e);
}

static int take_back(const struct text_file *f, struct journal *j, struct undo_result *r,
		     struct err *e)
{
	struct contents c;

	if (read_contents(f, j, &c, e) != 0)
		return -1;
	*r = (struct undo_result){ .ranges = !same(c.is, c.old),
				   .bytes = same(c.is, c.old) ? 0 : c.is.n,
				   .was_unfinished = !j->last.done,
				   .left = j->count - 1 };
	if (j->last.done && journal_mark(j, false, e) != 0)
		return -1;
	if (put_one(f, j, &c, c.old, e) != 0)
		return -1;
	return journal_pop(j, e);
}

typedef int (*text_action)(const struct text_file *f, struct journal *j,
			   struct undo_result *r, struct err *e);

/* *found: there is a transaction, and act was asked. */
static int with_last(const char *path, text_action act, struct undo_result *r,
		     bool *found, struct arena *a, struct err *e)
{
	struct text_file f;
	struct journal j;
	int rc = 0;

	if (journal_open(&j, path, FORMAT_TEXT, false, found, a, e) != 0)
		return -1;
	if (!*found)
		return 0;
	*found = j.count > 0;
	if (*found)
		rc = text_open(&f, path, a, e);
	if (*found && rc == 0) {
		rc = act(&f, &j, r, e);
		text_close(&f);
	}
	journal_close(&j);
	return rc;
}

int resume_text(const char *path, struct err *e)
{
	struct arena a;
	bool found;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	rc = with_last(path, finish, NULL, &found, &a, e);
	arena_free(&a);
	return rc;
}

int undo_text(const char *path, struct undo_result *r, struct arena *a, struct err *e)
{
	bool found;

	if (with_last(path, take_back, r, &found, a, e) != 0)
		return -1;
	return found ? 0 : undo_nothing(e);
}
