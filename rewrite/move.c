/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/move.h"

#include "rewrite/io.h"
#include "rewrite/journal_format.h"
#include "rewrite/journal_slot.h"

#include "base/banned.h"

/* Part of a destination, and the move that it belongs to. */
struct chunk {
	const struct patch_move *m;
	uint64_t to, len;
};

/* Bytes of a chunk that come from a hole and shall be one. */
struct hole {
	size_t off, len;
};

enum { HOLES_MAX = 1024 };

struct mover {
	int fd;
	const struct journal *j;
	const struct move_watch *watch;
	enum move_way way;
	struct journal_slot at;
	uint8_t *buf; /* a chunk */
	struct hole *hole;
	size_t nholes;
};

/* ---- chunks ---- */

static uint64_t chunks_of(const struct journal_entry *t, const struct patch_move *m)
{
	return div_up(m->len, t->chunk);
}

static uint64_t count_chunks(const struct journal_entry *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->nmoves; i++)
		n += chunks_of(t, &t->moves[i]);
	return n;
}

/* Number k from the end of the last destination. The lowest of a move may be shorter. */
static struct chunk chunk_at(const struct journal_entry *t, uint64_t k)
{
	const struct patch_move *m = &t->moves[t->nmoves - 1];
	uint64_t end;

	for (; k >= chunks_of(t, m); m--)
		k -= chunks_of(t, m);
	end = m->len - k * t->chunk;
	return (struct chunk){ .m = m,
			       .to = m->to + end - u64_min(end, t->chunk),
			       .len = u64_min(end, t->chunk) };
}

/* What of it the image had before it grew: all that there is to take back. */
static uint64_t old_len(const struct journal_entry *t, const struct chunk *c)
{
	return c->to < t->size_before ? u64_min(c->len, t->size_before - c->to) : 0;
}

/* Does writing it destroy what it is made from? No other chunk's source is in its way:
 * those that are read from here have been written before, or are being taken back. */
static bool reads_itself(const struct chunk *c)
{
	return c->len > c->m->to - c->m->from;
}

/* ---- what a chunk is made from ---- */

struct piece {
	const struct journal_record *gap; /* its old bytes, from off on; NULL: */
	uint64_t off;                     /* a place of the image */
	uint64_t len;
};

static const struct journal_record *gap_at(const struct journal_entry *t, uint64_t off)
{
	for (size_t i = 0; i < t->ngaps; i++) {
		if (off >= t->gaps[i].off && off - t->gaps[i].off < t->gaps[i].old_len)
			return &t->gaps[i];
	}
	return NULL;
}

/* Where the bytes are that stood at `off` before the repair: at the destination of the
 * move that read them, or in the journal. */
static struct piece piece_back(const struct journal_entry *t, uint64_t off, uint64_t len)
{
	const struct journal_record *gap = gap_at(t, off);

	if (gap)
		return (struct piece){ gap, off - gap->off,
				       u64_min(len, gap->off + gap->old_len - off) };
	for (size_t i = 0; i < t->nmoves; i++) {
		const struct patch_move *m = &t->moves[i];

		if (off >= m->from && off - m->from < m->len)
			return (struct piece){ NULL, m->to + (off - m->from),
					       u64_min(len, m->from + m->len - off) };
	}
	BUG("a destination that is neither moved on nor saved");
}

static struct piece piece_of(const struct mover *w, const struct chunk *c, uint64_t off)
{
	if (w->way == MOVE_BACK)
		return piece_back(&w->j->last, c->to + off,
				  old_len(&w->j->last, c) - off);
	return (struct piece){ NULL, c->m->from + (c->to - c->m->to) + off,
			       c->len - off };
}

static uint64_t length_of(const struct mover *w, const struct chunk *c)
{
	return w->way == MOVE_BACK ? old_len(&w->j->last, c) : c->len;
}

/* Nothing but holes comes, and nothing but holes goes. */
static bool is_idle(const struct mover *w, const struct chunk *c)
{
	uint64_t n = length_of(w, c), end = c->to + n;

	for (uint64_t off = 0; off < n;) {
		struct piece p = piece_of(w, c, off);

		if (p.gap || io_next_data(w->fd, p.off, p.off + p.len) < p.off + p.len)
			return false;
		off += p.len;
	}
	return n == 0 || io_next_data(w->fd, c->to, end) == end;
}

static void note_holes(struct mover *w, const struct piece *p, size_t at)
{
	uint64_t end = p->off + p->len;

	for (uint64_t off = p->off; off < end && w->nholes < HOLES_MAX;) {
		uint64_t data = io_next_data(w->fd, off, end);

		if (data > off)
			w->hole[w->nholes++] =
				(struct hole){ at + (off - p->off), data - off };
		off = data < end ? io_next_hole(w->fd, data, end) : end;
	}
}

/* Reads what the chunk shall hold. */
static int fill(struct mover *w, const struct chunk *c, struct err *e)
{
	uint64_t n = length_of(w, c);

	w->nholes = 0;
	for (uint64_t off = 0; off < n;) {
		struct piece p = piece_of(w, c, off);
		size_t len = (size_t)p.len;

		if (p.gap ? journal_bytes(w->j, p.gap, JOURNAL_OLD, p.off, w->buf + off,
					  len, e)
			  : io_read_padded(w->fd, p.off, w->buf + off, len, e))
			return -1;
		if (!p.gap)
			note_holes(w, &p, (size_t)off);
		off += p.len;
	}
	return 0;
}

/* ---- writing one ---- */

static int write_data(const struct mover *w, const struct chunk *c, size_t from,
		      size_t to, struct err *e)
{
	if (from == to)
		return 0;
	return io_write(w->fd, c->to + from, (struct view){ w->buf + from, to - from },
			e);
}

/* A hole stays one, where it can. All of it lies within our own destination. */
static int write_hole(const struct mover *w, const struct chunk *c, struct hole h,
		      struct err *e)
{
	uint64_t at = c->to + h.off, end = at + h.len;
	bool punched;

	if (io_next_data(w->fd, at, end) == end)
		return 0;
	if (io_punch(w->fd, at, h.len, &punched, e) != 0)
		return -1;
	return punched ? 0 : write_data(w, c, h.off, h.off + h.len, e);
}

static int write_chunk(struct mover *w, const struct chunk *c, struct err *e)
{
	size_t n = (size_t)length_of(w, c), from = 0;

	for (size_t i = 0; i < w->nholes; i++) {
		if (write_data(w, c, from, w->hole[i].off, e) != 0 ||
		    write_hole(w, c, w->hole[i], e) != 0)
			return -1;
		from = w->hole[i].off + w->hole[i].len;
	}
	if (write_data(w, c, from, n, e) != 0)
		return -1;
	return n ? io_sync(w->fd, e) : 0;
}

static int note(struct mover *w, enum slot_flight flight, uint32_t saved, struct err *e)
{
	w->at.number++;
	w->at.flight = flight;
	w->at.saved = saved;
	return slot_write(w->j, &w->at, w->buf, e);
}

/* The chunk that is next on the way. */
static struct chunk next_chunk(const struct mover *w)
{
	uint64_t k = w->way == MOVE_BACK ? w->at.applied - 1 : w->at.applied;

	return chunk_at(&w->j->last, k);
}

static void landed(struct mover *w)
{
	w->at.flight = SLOT_REST;
	if (w->way == MOVE_BACK)
		w->at.applied--;
	else
		w->at.applied++;
}

static int step(struct mover *w, struct err *e)
{
	struct chunk c = next_chunk(w);
	uint32_t saved = reads_itself(&c) ? (uint32_t)length_of(w, &c) : 0;

	if (is_idle(w, &c)) {
		landed(w);
		return 0;
	}
	if (fill(w, &c, e) != 0 ||
	    note(w, w->way == MOVE_BACK ? SLOT_BACK : SLOT_FORTH, saved, e) != 0 ||
	    write_chunk(w, &c, e) != 0)
		return -1;
	landed(w);
	return 0;
}

/* Whichever way it was on: only one of its two sides is still whole. */
static int settle(struct mover *w, struct err *e)
{
	enum move_way way = w->way;
	struct chunk c;
	int rc;

	if (w->at.flight == SLOT_REST)
		return 0;
	w->way = w->at.flight == SLOT_BACK ? MOVE_BACK : MOVE_FORTH;
	c = next_chunk(w);
	w->nholes = 0;
	rc = reads_itself(&c) ? slot_bytes(w->j, &w->at, w->buf, e) : fill(w, &c, e);
	if (rc == 0)
		rc = write_chunk(w, &c, e);
	if (rc == 0)
		landed(w);
	w->way = way;
	return rc;
}

/* ---- all of them ---- */

static int damaged(const struct journal *j, struct err *e)
{
	err_set(e, ERR_PARSE, "is damaged: impossible progress of a move");
	return journal_fail(j, e);
}

static int read_progress(struct mover *w, struct err *e)
{
	uint64_t n = count_chunks(&w->j->last);
	enum move_way way = w->way;
	bool fits;

	if (slot_read(w->j, &w->at, e) != 0)
		return -1;
	fits = w->at.applied <= n &&
	       !(w->at.flight == SLOT_FORTH && w->at.applied == n) &&
	       !(w->at.flight == SLOT_BACK && w->at.applied == 0);
	if (fits && w->at.flight != SLOT_REST) {
		struct chunk c;

		w->way = w->at.flight == SLOT_BACK ? MOVE_BACK : MOVE_FORTH;
		c = next_chunk(w);
		fits = w->at.saved == (reads_itself(&c) ? length_of(w, &c) : 0);
		w->way = way;
	}
	return fits ? 0 : damaged(w->j, e);
}

int moves_look(const struct journal *j, enum moves_state *state, struct err *e)
{
	struct mover w = { .fd = -1, .j = j };

	*state = MOVES_DONE;
	if (j->last.nmoves == 0)
		return 0;
	if (read_progress(&w, e) != 0)
		return -1;
	if (w.at.flight != SLOT_REST)
		*state = MOVES_AMID;
	else if (w.at.applied != count_chunks(&j->last))
		*state = w.at.applied ? MOVES_AMID : MOVES_BEFORE;
	return 0;
}

/* Bytes of the first k chunks. */
static uint64_t bytes_of(const struct journal_entry *t, uint64_t k)
{
	uint64_t sum = 0;

	for (size_t i = t->nmoves; i > 0 && k > 0; i--) {
		const struct patch_move *m = &t->moves[i - 1];
		uint64_t n = u64_min(k, chunks_of(t, m));

		sum += u64_min(n * t->chunk, m->len);
		k -= n;
	}
	return sum;
}

static int stopped(const struct mover *w, uint64_t done, uint64_t total, struct err *e)
{
	bool back = w->way == MOVE_BACK;

	return err_set(
		e, ERR_STOPPED,
		"stopped after %llu of %llu MiB were moved%s: `vmend %s` goes on with it, "
		"`vmend %s",
		(unsigned long long)(done >> 20), (unsigned long long)(total >> 20),
		back ? " back" : "", back ? "undo" : "fix",
		back ? "fix` does the repair again" : "undo` takes it back");
}

static int ask(const struct mover *w, uint64_t n, struct err *e)
{
	const struct journal_entry *t = &w->j->last;
	uint64_t total = bytes_of(t, n), done = bytes_of(t, w->at.applied);

	if (w->way == MOVE_BACK)
		done = total - done;
	if (!w->watch || !w->watch->go_on ||
	    w->watch->go_on(w->watch->ctx, w->way, done, total))
		return 0;
	return stopped(w, done, total, e);
}

static int run(struct mover *w, struct err *e)
{
	uint64_t n = count_chunks(&w->j->last);
	uint64_t goal = w->way == MOVE_BACK ? 0 : n;

	if (read_progress(w, e) != 0)
		return -1;
	if (w->at.flight == SLOT_REST && w->at.applied == goal)
		return 0;
	if (settle(w, e) != 0)
		return -1;
	while (w->at.applied != goal) {
		if (ask(w, n, e) != 0 || step(w, e) != 0)
			return -1;
	}
	return note(w, SLOT_REST, 0, e);
}

int moves_run(int fd, const struct journal *j, enum move_way way,
	      const struct move_watch *watch, struct err *e)
{
	struct mover *w;

	if (j->last.nmoves == 0)
		return 0;
	w = arena_new(j->arena, struct mover);
	*w = (struct mover){ .fd = fd, .j = j, .watch = watch, .way = way };
	w->hole = arena_array(j->arena, HOLES_MAX, struct hole);
	w->buf = arena_try(j->arena, j->last.chunk, 1);
	if (!w->buf)
		return err_set(e, ERR_LIMIT, "needs %u bytes of memory for the move",
			       (unsigned)j->last.chunk);
	return run(w, e);
}
