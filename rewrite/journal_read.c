/* A journal's bytes to facts. Nothing in it is believed before its checksum was right and
 * its numbers fit into the file and into each other. SPEC.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/journal.h"
#include "rewrite/journal_format.h"
#include "rewrite/journal_slot.h"

#include "base/crc32.h"
#include "base/vec.h"
#include "rewrite/io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static int damaged(struct err *e, const char *what, uint64_t at)
{
	return err_set(e, ERR_PARSE, "is damaged: %s at byte %llu", what,
		       (unsigned long long)at);
}

static int size_of(int fd, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot stat it");
	*size = (uint64_t)st.st_size;
	return 0;
}

int journal_read_header(struct journal *j, bool *empty, struct err *e)
{
	uint8_t b[FILE_HEADER];
	struct view h = { b, sizeof(b) };
	uint32_t kind = j->kind == FORMAT_IMAGE ? KIND_IMAGE : KIND_TEXT;

	uint64_t size;

	if (size_of(j->fd, &size, e) != 0 ||
	    io_read_padded(j->fd, 0, b, sizeof(b), e) != 0)
		return -1;
	/* A crash may leave the name in the folder, or the size, without the bytes. */
	*empty = size <= FILE_HEADER && view_is_zero(h);
	if (*empty)
		return 0;
	if (!view_eq(h, FILE_MAGIC, file_magic, sizeof(file_magic)))
		return err_set(e, ERR_PARSE, "is not an undo journal of vmend");
	j->version = view_le32(h, FILE_VERSION);
	if (j->version < JOURNAL_VERSION || j->version > JOURNAL_VERSION_MOVES)
		return err_set(
			e, ERR_UNSUPPORTED,
			"has format version %u, this vmend knows versions %d to %d",
			(unsigned)j->version, JOURNAL_VERSION, JOURNAL_VERSION_MOVES);
	if (view_le32(h, FILE_CRC) != crc32_of(view_cut(h, 0, FILE_CRC)) ||
	    view_le32(h, FILE_SIZE) != FILE_HEADER)
		return damaged(e, "wrong checksum of the file header", 0);
	if (view_le32(h, FILE_KIND) != kind)
		return err_set(e, ERR_PARSE, "is of %s, not of %s",
			       kind == KIND_IMAGE ? "a text" : "an image",
			       kind == KIND_IMAGE ? "an image" : "a text");
	return 0;
}

static enum tx_state state_of(struct view h)
{
	if (view_eq(h, TX_STATE, tx_states[TX_ARMED], TX_STATE_LEN))
		return TX_ARMED;
	if (view_eq(h, TX_STATE, tx_states[TX_DONE], TX_STATE_LEN))
		return TX_DONE;
	if (view_eq(h, TX_STATE, tx_states[TX_WRITING], TX_STATE_LEN))
		return TX_WRITING;
	return TX_UNKNOWN;
}

static bool header_holds(struct view h)
{
	static const uint8_t no_state[TX_STATE_LEN];
	uint32_t crc = crc32_of(view_cut(h, 0, TX_STATE));

	crc = crc32_more(crc, (struct view){ no_state, sizeof(no_state) });
	crc = crc32_more(crc, view_cut(h, TX_ID, TX_CRC - TX_ID));
	return view_eq(h, TX_MAGIC, tx_magic, sizeof(tx_magic)) &&
	       view_le32(h, TX_CRC) == crc;
}

static struct journal_entry entry_of(struct view h, uint64_t at)
{
	return (struct journal_entry){
		.at = at,
		.done = state_of(h) == TX_DONE,
		.id = view_le64(h, TX_ID),
		.size_before = view_le64(h, TX_SIZE_BEFORE),
		.size_after = view_le64(h, TX_SIZE_AFTER),
		.time = (int64_t)view_le64(h, TX_TIME),
		.n = view_le32(h, TX_RECORDS),
		.head_crc = view_le32(h, TX_HEAD_CRC),
		.nmoves = view_le32(h, TX_MOVES),
		.chunk = view_le32(h, TX_CHUNK),
	};
}

/* A transaction is armed only when all of it is on the disk. So one that was armed must be
 * whole, and what is neither whole nor armed was never armed. State and checksum stand in
 * one sector: a whole header in no state at all is rotten. */
static bool is_torn(struct view h)
{
	switch (state_of(h)) {
	case TX_WRITING:
		return true;
	case TX_UNKNOWN:
		return !header_holds(h);
	case TX_ARMED:
	case TX_DONE:
		break;
	}
	return false;
}

static int scan_one(struct journal *j, uint64_t size, bool *more, struct err *e)
{
	uint8_t b[TX_HEADER];
	struct view h = { b, sizeof(b) };
	uint64_t total;

	*more = false;
	if (io_read_padded(j->fd, j->end, b, sizeof(b), e) != 0)
		return -1;
	if (is_torn(h))
		return 0;
	if (!header_holds(h) || state_of(h) == TX_UNKNOWN)
		return damaged(e, "wrong state or checksum of a transaction", j->end);
	total = view_le64(h, TX_TOTAL);
	if (total < TX_HEADER || total % TX_ALIGN != 0 ||
	    !range_within(j->end, total, size))
		return damaged(e, "the file ends within the transaction", j->end);
	if (j->count > 0 && !j->last.done)
		return damaged(e, "a transaction follows an unfinished one", j->end);
	if (j->count == JOURNAL_MAX_TX)
		return err_set(e, ERR_LIMIT, "has more than %d transactions",
			       JOURNAL_MAX_TX);
	j->last = entry_of(h, j->end);
	j->end += total;
	j->count++;
	*more = true;
	return 0;
}

int journal_scan(struct journal *j, struct err *e)
{
	uint64_t size;
	bool more = true;

	j->end = FILE_HEADER;
	j->count = 0;
	j->last = (struct journal_entry){ 0 };
	if (size_of(j->fd, &size, e) != 0)
		return -1;
	while (more && j->end < size) {
		if (scan_one(j, size, &more, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- records ---- */

static int by_place(const void *a, const void *b)
{
	const struct journal_record *x = *(const struct journal_record *const *)a;
	const struct journal_record *y = *(const struct journal_record *const *)b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static bool overlap(const struct journal_entry *t, struct arena *a, bool *known)
{
	const struct journal_record **v =
		arena_try_array(a, t->n, const struct journal_record *);

	*known = v || t->n == 0;
	if (!v)
		return false;
	for (size_t i = 0; i < t->n; i++)
		v[i] = &t->records[i];
	sort_stable(v, t->n, sizeof(const struct journal_record *), by_place);
	for (size_t i = 1; i < t->n; i++) {
		/* The sum was checked by record_fits(). */
		if (v[i - 1]->off + v[i - 1]->new_len > v[i]->off)
			return true;
	}
	return false;
}

/* Undo writes old bytes below the old size only, redo new ones below the new size only. */
static bool record_fits(const struct journal *j, const struct journal_record *r)
{
	const struct journal_entry *t = &j->last;
	uint64_t below;

	if (j->kind == FORMAT_TEXT)
		return t->n == 1 && r->off == 0 && r->old_len == t->size_before &&
		       r->new_len == t->size_after;
	if (r->new_len == 0 || !range_within(r->off, r->new_len, t->size_after) ||
	    t->size_before > t->size_after)
		return false;
	if (t->nmoves)
		return r->old_len == r->new_len;
	below = r->off < t->size_before ? t->size_before - r->off : 0;
	return r->old_len == u64_min(r->new_len, below);
}

/* Where the bytes from off on begin to be read by a move, or cease to be; at most end. */
static uint64_t read_until(const struct journal_entry *t, uint64_t off, uint64_t end,
			   bool *is_read)
{
	*is_read = false;
	for (size_t i = 0; i < t->nmoves; i++) {
		const struct patch_move *m = &t->moves[i];

		if (off >= m->from && off - m->from < m->len) {
			*is_read = true;
			return u64_min(end, m->from + m->len);
		}
		if (m->from > off)
			end = u64_min(end, m->from);
	}
	return end;
}

bool journal_gaps(struct journal_entry *t, struct arena *a)
{
	/* Each begins at a destination's begin or at a source's end. */
	t->gaps = arena_try_array(a, 2 * (uint64_t)t->nmoves * t->nmoves + 1,
				  struct journal_record);
	t->ngaps = 0;
	for (size_t i = 0; t->gaps && i < t->nmoves; i++) {
		uint64_t off = t->moves[i].to, next;
		uint64_t end = u64_min(off + t->moves[i].len, t->size_before);
		bool is_read;

		for (; off < end; off = next) {
			next = read_until(t, off, end, &is_read);
			if (!is_read)
				t->gaps[t->ngaps++] =
					(struct journal_record){ .off = off,
								 .old_len = next - off };
		}
	}
	return t->gaps != NULL;
}

static bool decode_moves(const struct journal *j, struct view table)
{
	const struct journal_entry *t = &j->last;
	uint64_t end = 0;

	if (t->nmoves && (j->version < JOURNAL_VERSION_MOVES || !is_pow2(t->chunk) ||
			  t->chunk < SLOT_CHUNK_MIN || t->chunk > SLOT_CHUNK_MAX ||
			  t->size_before > t->size_after || j->kind != FORMAT_IMAGE))
		return false;
	for (size_t i = 0; i < t->nmoves; i++) {
		struct view b = view_cut(table, i * MOVE_LEN, MOVE_LEN);
		struct patch_move *m = &t->moves[i];

		*m = (struct patch_move){ .from = view_le64(b, MOVE_FROM),
					  .to = view_le64(b, MOVE_TO),
					  .len = view_le64(b, MOVE_SIZE) };
		if (m->len == 0 || m->from >= m->to || m->to < end ||
		    !range_within(m->from, m->len, t->size_before) ||
		    !range_within(m->to, m->len, t->size_after))
			return false;
		end = m->to + m->len;
	}
	return true;
}

/* The records behind the last edit are the gaps of the moves, all of them. */
static bool split_gaps(struct journal *j)
{
	struct journal_entry *t = &j->last, should = *t;
	struct journal_record *gap = t->records + t->n;

	if (t->nmoves == 0)
		return t->ngaps == 0;
	if (!journal_gaps(&should, j->arena) || should.ngaps != t->ngaps)
		return false;
	for (size_t i = 0; i < t->ngaps; i++) {
		if (gap[i].off != should.gaps[i].off || gap[i].new_len != 0 ||
		    gap[i].old_len != should.gaps[i].old_len)
			return false;
	}
	t->gaps = gap;
	return true;
}

static bool decode_stage(struct journal_entry *t, struct journal_record *r, uint32_t v)
{
	switch (v) {
	case STAGE_TABLES:
		r->stage = STAGE_TABLES;
		break;
	case STAGE_HEADERS:
		r->stage = STAGE_HEADERS;
		break;
	case STAGE_COMMIT:
		r->stage = STAGE_COMMIT;
		break;
	case STAGE_FREE:
		r->stage = STAGE_FREE;
		break;
	case REC_GAP:
		t->ngaps++;
		return true;
	default:
		return false;
	}
	return t->ngaps == 0;
}

static bool decode_records(struct journal *j, struct view table, uint64_t *end)
{
	struct journal_entry *t = &j->last;
	uint64_t at = t->at + TX_HEADER + table.n;
	size_t n = t->n;

	if (!decode_moves(j, view_cut(table, n * REC_LEN, t->nmoves * MOVE_LEN)))
		return false;
	t->ngaps = 0;
	for (size_t i = 0; i < n; i++) {
		struct view b = view_cut(table, i * REC_LEN, REC_LEN);
		struct journal_record *r = &t->records[i];

		*r = (struct journal_record){
			.off = view_le64(b, REC_OFF),
			.old_len = view_le64(b, REC_OLD_LEN),
			.new_len = view_le64(b, REC_NEW_LEN),
			.crc_old = view_le32(b, REC_OLD_CRC),
			.crc_new = view_le32(b, REC_NEW_CRC),
			.at = at,
		};
		if (!decode_stage(t, r, view_le32(b, REC_STAGE)))
			return false;
		if (t->ngaps == 0 &&
		    (!record_fits(j, r) || (i > 0 && r->stage < t->records[i - 1].stage)))
			return false;
		if (!u64_add(at, r->old_len, &at) || !u64_add(at, r->new_len, &at) ||
		    at > j->end)
			return false;
	}
	t->n -= t->ngaps;
	*end = at;
	if (t->nmoves) {
		t->slots_at = div_up(at, SLOT_HEADER) * SLOT_HEADER;
		*end = t->slots_at + 2 * (SLOT_HEADER + (uint64_t)t->chunk);
	}
	return *end <= j->end && split_gaps(j);
}

static int read_table(struct journal *j, struct view *table, struct err *e)
{
	struct journal_entry *t = &j->last;
	uint64_t len = (uint64_t)t->n * REC_LEN + (uint64_t)t->nmoves * MOVE_LEN;
	uint8_t head[TX_HEADER], *p;

	if (!range_within(t->at + TX_HEADER, len, j->end))
		return damaged(e, "more records than fit into the transaction", t->at);
	p = arena_try(j->arena, len, 1);
	t->records = arena_try_array(j->arena, t->n, struct journal_record);
	t->moves = arena_try_array(j->arena, t->nmoves, struct patch_move);
	if (!p || !t->records || !t->moves)
		return err_set(e, ERR_LIMIT, "has %zu records, too many for memory",
			       t->n);
	if (io_read_padded(j->fd, t->at, head, sizeof(head), e) != 0 ||
	    io_read_padded(j->fd, t->at + TX_HEADER, p, (size_t)len, e) != 0)
		return -1;
	*table = (struct view){ p, (size_t)len };
	if (crc32_of(*table) !=
	    view_le32((struct view){ head, sizeof(head) }, TX_TABLE_CRC))
		return damaged(e, "wrong checksum of the records", t->at);
	return 0;
}

int journal_load(struct journal *j, struct err *e)
{
	struct journal_entry *t = &j->last;
	struct view table;
	uint64_t end;
	bool known;

	if (j->count == 0)
		return 0;
	if (read_table(j, &table, e) != 0)
		return -1;
	if (!decode_records(j, table, &end) || j->end - end >= TX_ALIGN ||
	    (j->kind == FORMAT_TEXT && t->n != 1))
		return damaged(e, "impossible records", t->at);
	if (overlap(t, j->arena, &known))
		return damaged(e, "overlapping records", t->at);
	if (!known)
		return err_set(e, ERR_LIMIT, "has %zu records, too many for memory",
			       t->n);
	return 0;
}

/* ---- their bytes ---- */

int journal_bytes(const struct journal *j, const struct journal_record *r,
		  enum journal_side side, uint64_t off, uint8_t *buf, size_t n,
		  struct err *e)
{
	struct view mem = side == JOURNAL_OLD ? r->old : r->new;
	uint64_t len = side == JOURNAL_OLD ? r->old_len : r->new_len;
	size_t have = off < len ? (size_t)u64_min(len - off, n) : 0;
	uint64_t at = r->at + (side == JOURNAL_OLD ? 0 : r->old_len) + off;

	if (have && mem.p)
		memcpy(buf, mem.p + off, have);
	else if (have && io_read_padded(j->fd, at, buf, have, e) != 0)
		return journal_fail(j, e);
	memset(buf + have, 0, n - have);
	return 0;
}

int journal_view(const struct journal *j, const struct journal_record *r,
		 enum journal_side side, struct view *out, struct err *e)
{
	uint64_t len = side == JOURNAL_OLD ? r->old_len : r->new_len;
	uint8_t *p = arena_try(j->arena, len, 1);

	if (!p) {
		err_set(e, ERR_LIMIT, "has a record of %llu bytes, too many for memory",
			(unsigned long long)len);
		return journal_fail(j, e);
	}
	*out = (struct view){ p, (size_t)len };
	return journal_bytes(j, r, side, 0, p, out->n, e);
}

static int verify_side(const struct journal *j, const struct journal_record *r,
		       enum journal_side side, struct err *e)
{
	uint64_t len = side == JOURNAL_OLD ? r->old_len : r->new_len;
	uint8_t buf[8192];
	uint32_t crc = 0;

	for (uint64_t off = 0; off < len; off += sizeof(buf)) {
		size_t n = (size_t)u64_min(sizeof(buf), len - off);

		if (journal_bytes(j, r, side, off, buf, n, e) != 0)
			return -1;
		crc = crc32_more(crc, (struct view){ buf, n });
	}
	if (crc != (side == JOURNAL_OLD ? r->crc_old : r->crc_new)) {
		damaged(e, "wrong checksum of saved bytes", r->at);
		return journal_fail(j, e);
	}
	return 0;
}

int journal_verify(const struct journal *j, struct err *e)
{
	for (size_t i = 0; i < j->last.n; i++) {
		if (verify_side(j, &j->last.records[i], JOURNAL_OLD, e) != 0 ||
		    verify_side(j, &j->last.records[i], JOURNAL_NEW, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < j->last.ngaps; i++) {
		if (verify_side(j, &j->last.gaps[i], JOURNAL_OLD, e) != 0)
			return -1;
	}
	return 0;
}
