/* Repairing an image in place. The order of writes is what makes it reversible at every
 * moment; SPEC.md section 6 says why.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/apply.h"

#include "base/vec.h"
#include "rewrite/io.h"
#include "rewrite/journal.h"
#include "rewrite/journal_slot.h"
#include "rewrite/lock.h"
#include "rewrite/ranges.h"
#include "rewrite/undo.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

static int by_stage(const void *a, const void *b)
{
	const struct journal_record *x = a, *y = b;

	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* What the image holds where an edit wants to write: now, or once src's moves are done. */
static int read_old(const struct source *src, const struct edit *ed, struct arena *a,
		    struct journal_record *r, struct err *e)
{
	uint64_t below = ed->at.off < src->size ? src->size - ed->at.off : 0;
	uint8_t *old;

	*r = (struct journal_record){ .off = ed->at.off,
				      .old_len = u64_min(ed->bytes.n, below),
				      .new_len = ed->bytes.n,
				      .stage = ed->stage,
				      .new = ed->bytes };
	old = arena_alloc(a, (size_t)r->old_len + 1, 1);
	r->old = (struct view){ old, (size_t)r->old_len };
	return r->old_len ? source_read(src, r->off, old, r->old.n, e) : 0;
}

/* Bytes that are there already need no journal and no write. */
static bool changes_nothing(const struct journal_record *r)
{
	return r->new_len == 0 ||
	       (r->old_len == r->new_len && memcmp(r->old.p, r->new.p, r->new.n) == 0);
}

/* The moves, and what they overwrite for good. */
static int plan_moves(const struct source *src, const struct patch *moved,
		      struct journal_entry *t, struct arena *a, struct err *e)
{
	t->nmoves = moved->nmoves;
	if (t->nmoves == 0)
		return 0;
	t->chunk = SLOT_CHUNK;
	t->moves = arena_array(a, t->nmoves, struct patch_move);
	memcpy(t->moves, moved->moves, t->nmoves * sizeof(*t->moves));
	if (!journal_gaps(t, a))
		return err_set(e, ERR_LIMIT, "has more moves than fit into memory");
	for (size_t i = 0; i < t->ngaps; i++) {
		if (source_view(src, a, t->gaps[i].off, t->gaps[i].old_len,
				&t->gaps[i].old, e) != 0)
			return -1;
	}
	return 0;
}

static int plan_records(const struct source *src, const struct plan *p,
			struct journal_entry *t, struct arena *a, struct err *e)
{
	struct patch moved = plan_patch(p, a);
	struct source over;

	moved.n = 0;
	over = *src;
	if (moved.nmoves)
		over = source_overlay(src, &moved);
	t->records = arena_array(a, p->edits.n, struct journal_record);
	for (size_t i = 0; i < p->edits.n; i++) {
		struct journal_record r;

		BUG_ON(p->edits.v[i].at.len != p->edits.v[i].bytes.n);
		if (read_old(&over, &p->edits.v[i], a, &r, e) != 0)
			return -1;
		if (!changes_nothing(&r))
			t->records[t->n++] = r;
	}
	sort_stable(t->records, t->n, sizeof(*t->records), by_stage);
	if (plan_moves(src, &moved, t, a, e) != 0)
		return -1;
	return ranges_head_crc(src->fd, t, &t->head_crc, e);
}

/* The journal is armed: from here on the target may change. */
static int write_target(const struct source *src, const struct journal *j,
			const struct move_watch *watch, struct err *e)
{
	const struct journal_entry *t = &j->last;

	if (t->size_after > t->size_before &&
	    (io_resize(src->fd, t->size_after, e) != 0 || io_sync(src->fd, e) != 0))
		return -1;
	if (moves_run(src->fd, j, MOVE_FORTH, watch, e) != 0)
		return -1;
	/* Before, what the records are about was somewhere else. */
	if (t->nmoves && ranges_check(src->fd, t->size_after, j, NULL, e) != 0)
		return -1;
	return ranges_write(src->fd, j, JOURNAL_NEW, e);
}

static int put_back(const struct source *src, struct journal *j,
		    const struct move_watch *watch, struct err *e)
{
	const struct journal_entry *t = &j->last;
	enum moves_state moves;

	if (moves_look(j, &moves, e) != 0 ||
	    (moves == MOVES_DONE && ranges_write(src->fd, j, JOURNAL_OLD, e) != 0) ||
	    moves_run(src->fd, j, MOVE_BACK, watch, e) != 0)
		return -1;
	if (t->size_after > t->size_before &&
	    (io_resize(src->fd, t->size_before, e) != 0 || io_sync(src->fd, e) != 0))
		return -1;
	return journal_pop(j, e);
}

/* A write failed half-way: the old bytes are in memory still. */
static int give_up(const struct source *src, struct journal *j,
		   const struct move_watch *watch, struct err *e)
{
	struct err cause = *e, second = { 0 };

	if (put_back(src, j, watch, &second) == 0)
		err_set(e, cause.code, "%.150s; what was written has been put back",
			cause.msg);
	else
		err_set(e, cause.code,
			"%.100s; it is half repaired, and could not be put back now (%.60s): "
			"vmend undo does it later",
			cause.msg, second.msg);
	e->sys = cause.sys;
	return -1;
}

static int untouched(struct err *e)
{
	struct err cause = *e;

	err_set(e, cause.code, "%.200s; nothing of the image was changed", cause.msg);
	e->sys = cause.sys;
	return -1;
}

static int apply_journaled(const struct source *src, struct journal *j,
			   struct journal_entry *t, const struct move_watch *watch,
			   struct err *e)
{
	struct err mark = { 0 };

	if (j->count > 0 && !j->last.done)
		return err_set(
			e, ERR_REFUSED,
			"an earlier repair of it was interrupted: it must be finished "
			"or undone first");
	if (journal_arm(j, t, e) != 0)
		return untouched(e);
	if (write_target(src, j, watch, e) != 0)
		return e->code == ERR_STOPPED ? -1 : give_up(src, j, watch, e);
	if (journal_mark(j, true, &mark) != 0) {
		err_set(e, mark.code, "is repaired, but that could not be noted: %.180s",
			mark.msg);
		e->sys = mark.sys;
		return -1;
	}
	return 0;
}

/* The plan was made for what was read then. */
static int check_size(const struct source *src, struct err *e)
{
	struct stat st;

	if (fstat(src->fd, &st) != 0)
		return err_sys(e, errno, "cannot stat it");
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != src->size)
		return err_set(e, ERR_BUSY,
			       "has %llu bytes now, it had %llu when it was analysed",
			       (unsigned long long)st.st_size,
			       (unsigned long long)src->size);
	return 0;
}

static int apply(const struct source *src, const struct plan *p,
		 const struct move_watch *watch, struct arena *a, struct err *e)
{
	struct journal_entry t = { .size_before = src->size,
				   .size_after = u64_max(p->size, src->size),
				   .time = (int64_t)time(NULL),
				   .id = journal_new_id() };
	struct journal j;
	int rc;

	if (check_size(src, e) != 0 || plan_records(src, p, &t, a, e) != 0)
		return -1;
	if (watch && watch->chunk && t.nmoves)
		t.chunk = watch->chunk;
	if (t.n == 0 && t.nmoves == 0 && t.size_after == t.size_before)
		return 0;
	if (t.size_after > t.size_before && !S_ISREG(src->st.st_mode))
		return err_set(e, ERR_REFUSED,
			       "is a device, and cannot grow to %llu bytes",
			       (unsigned long long)t.size_after);
	if (journal_open(&j, src->path, FORMAT_IMAGE, true, NULL, a, e) != 0)
		return untouched(e);
	rc = apply_journaled(src, &j, &t, watch, e);
	journal_close(&j);
	return rc;
}

int apply_image_watched(const struct source *src, const struct plan *p,
			const struct move_watch *watch, struct err *e)
{
	struct arena a;
	int rc;

	BUG_ON(src->fd < 0 || src->patch);
	arena_init(&a, ARENA_BUDGET);
	rc = apply(src, p, watch, &a, e);
	arena_free(&a);
	return rc;
}

int apply_image(const struct source *src, const struct plan *p, struct err *e)
{
	return apply_image_watched(src, p, NULL, e);
}

/* ---- resume ---- */

/* It had grown before the first chunk was moved: what is missing now may have held some. */
static int refuse_cut(const struct source *src, const struct journal *j, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		       "has %llu bytes, and had %llu when data was moved to its end: "
		       "somebody else changed its size since",
		       (unsigned long long)src->size,
		       (unsigned long long)j->last.size_after);
}

/* May j->last be written, or taken back? While its bytes are being moved, no range can be
 * asked for what it holds. */
static int check_target(const struct source *src, const struct journal *j,
			struct range_count *n, struct err *e)
{
	enum moves_state moves;

	if (journal_verify(j, e) != 0 || moves_look(j, &moves, e) != 0)
		return -1;
	if (j->last.nmoves && moves != MOVES_BEFORE && src->size < j->last.size_after)
		return refuse_cut(src, j, e);
	if (moves != MOVES_DONE)
		return ranges_identify(src->fd, src->size, j, e);
	return ranges_check(src->fd, src->size, j, n, e);
}

static int resume(const struct source *src, const struct move_watch *watch,
		  struct arena *a, struct err *e)
{
	struct journal j;
	bool found;
	int rc = 0;

	if (journal_open(&j, src->path, FORMAT_IMAGE, false, &found, a, e) != 0)
		return -1;
	if (!found)
		return 0;
	if (j.count > 0 && !j.last.done) {
		rc = check_target(src, &j, NULL, e);
		if (rc == 0)
			rc = write_target(src, &j, watch, e);
		if (rc == 0)
			rc = journal_mark(&j, true, e);
	}
	journal_close(&j);
	return rc;
}

int resume_image(const struct source *src, const struct move_watch *watch, struct err *e)
{
	struct arena a;
	int rc;

	BUG_ON(src->fd < 0 || src->patch);
	arena_init(&a, ARENA_BUDGET);
	rc = resume(src, watch, &a, e);
	arena_free(&a);
	return rc;
}

/* ---- undo ---- */

/* Bytes that somebody wrote where the image grew would be cut off. */
static int check_grown(const struct source *src, const struct journal *j, struct err *e)
{
	bool zero;

	if (j->last.size_after == j->last.size_before)
		return 0;
	if (ranges_grown_is_zero(src->fd, src->size, j, &zero, e) != 0)
		return -1;
	if (!zero)
		return err_set(
			e, ERR_REFUSED,
			"has data behind byte %llu, where the repair made it longer: "
			"somebody else wrote it since",
			(unsigned long long)j->last.size_before);
	return 0;
}

static int take_back(const struct source *src, struct journal *j,
		     const struct move_watch *watch, struct undo_result *r, struct err *e)
{
	const struct journal_entry *t = &j->last;
	struct range_count n = { 0 };

	if (check_target(src, j, &n, e) != 0 || check_grown(src, j, e) != 0)
		return -1;
	for (size_t i = 0; i < t->nmoves; i++) {
		n.ranges++;
		n.bytes += t->moves[i].len;
	}
	*r = (struct undo_result){ .ranges = n.ranges,
				   .bytes = n.bytes,
				   .was_unfinished = !t->done,
				   .left = j->count - 1 };
	/* From here on it may be a mixture, as it was during the repair. */
	if (t->done && journal_mark(j, false, e) != 0)
		return -1;
	return put_back(src, j, watch, e);
}

static int undo_opened(const struct source *src, bool force,
		       const struct move_watch *watch, struct undo_result *r,
		       struct arena *a, struct err *e)
{
	struct journal j;
	bool found;
	int rc;

	if (lock_image(src, force, e) != 0 ||
	    journal_open(&j, src->path, FORMAT_IMAGE, false, &found, a, e) != 0)
		return -1;
	if (!found)
		return undo_nothing(e);
	rc = j.count > 0 ? take_back(src, &j, watch, r, e) : undo_nothing(e);
	journal_remove_empty(&j);
	journal_close(&j);
	return rc;
}

int undo_image(const char *path, bool force, const struct move_watch *watch,
	       struct undo_result *r, struct arena *a, struct err *e)
{
	struct source src;
	int rc;

	if (source_open(&src, path, SOURCE_WRITE, e) != 0)
		return -1;
	rc = undo_opened(&src, force, watch, r, a, e);
	source_close(&src);
	return rc;
}
