/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/ranges.h"

#include "base/crc32.h"
#include "rewrite/io.h"

#include "base/banned.h"

enum { CHUNK = 8 * RANGE_SECTOR };

static uint64_t length(const struct journal_record *r)
{
	return u64_max(r->old_len, r->new_len);
}

/* ---- looking ---- */

struct seen {
	bool old, new; /* a sector that holds this side and not the other */
	bool both;     /* a sector whose sides are the same */
};

/* n bytes of the target, all in one sector, and what they should be. */
static bool look_at_sector(const uint8_t *is, const uint8_t *old, const uint8_t *new,
			   size_t n, struct seen *seen)
{
	bool is_old = memcmp(is, old, n) == 0;
	bool is_new = memcmp(is, new, n) == 0;

	seen->old |= is_old && !is_new;
	seen->new |= is_new && !is_old;
	seen->both |= is_old && is_new;
	return is_old || is_new;
}

/* At most CHUNK bytes from `from` on, and never beyond the end of a chunk of the target. */
static size_t step(const struct journal_record *r, uint64_t from)
{
	uint64_t to_boundary = CHUNK - (r->off + from) % CHUNK;

	return (size_t)u64_min(length(r) - from, to_boundary);
}

static int look_at_chunk(int fd, const struct journal *j, const struct journal_record *r,
			 uint64_t from, struct seen *seen, bool *foreign, struct err *e)
{
	uint8_t is[CHUNK], old[CHUNK], new[CHUNK];
	size_t n = step(r, from);
	uint64_t at = r->off + from, shorter = u64_min(r->old_len, r->new_len);

	if (io_read_padded(fd, at, is, n, e) != 0 ||
	    journal_bytes(j, r, JOURNAL_OLD, from, old, n, e) != 0 ||
	    journal_bytes(j, r, JOURNAL_NEW, from, new, n, e) != 0)
		return -1;
	for (size_t i = 0; i < n;) {
		uint64_t k = u64_min(n - i, RANGE_SECTOR - (at + i) % RANGE_SECTOR);

		/* Writing the shorter side leaves the rest of its last sector as it was. */
		if (from + i < shorter)
			k = u64_min(k, shorter - (from + i));
		if (!look_at_sector(is + i, old + i, new + i, (size_t)k, seen))
			*foreign = true;
		i += (size_t)k;
	}
	return 0;
}

int range_look(int fd, const struct journal *j, const struct journal_record *r,
	       enum range_state *state, struct err *e)
{
	struct seen seen = { 0 };
	bool foreign = false;

	for (uint64_t from = 0; from < length(r) && !foreign; from += step(r, from)) {
		if (look_at_chunk(fd, j, r, from, &seen, &foreign, e) != 0)
			return -1;
	}
	*state = foreign                ? RANGE_FOREIGN
		 : seen.old && seen.new ? RANGE_MIXED
		 : seen.old             ? RANGE_OLD
					: RANGE_NEW;
	return 0;
}

/* ---- may it be written? ---- */

/* A repair that makes an image no longer does not mind what else its size is. */
static bool size_fits(uint64_t size, const struct journal_entry *t)
{
	if (t->size_after == t->size_before)
		return size >= t->size_before;
	if (t->done)
		return size == t->size_before || size == t->size_after;
	return size >= t->size_before && size <= t->size_after;
}

static int refuse_range(const struct journal *j, const struct journal_record *r,
			struct err *e)
{
	return err_set(
		e, ERR_REFUSED,
		"bytes 0x%llx to 0x%llx hold neither what the repair found nor what it "
		"wrote: somebody else changed them since. To keep them, remove '%s'",
		(unsigned long long)r->off, (unsigned long long)(r->off + length(r) - 1),
		str_shown(j->arena, str_of(j->path)));
}

int ranges_identify(int fd, uint64_t size, const struct journal *j, struct err *e)
{
	const struct journal_entry *t = &j->last;
	uint32_t crc;

	if (!size_fits(size, t))
		return err_set(
			e, ERR_REFUSED,
			"has %llu bytes, before the repair it had %llu, after it %llu: "
			"somebody else changed its size since",
			(unsigned long long)size, (unsigned long long)t->size_before,
			(unsigned long long)t->size_after);
	if (ranges_head_crc(fd, t, &crc, e) != 0)
		return -1;
	if (crc != t->head_crc)
		return err_set(
			e, ERR_REFUSED,
			"is not the image that was repaired: its first %d bytes differ. "
			"If it was replaced on purpose, remove '%s'",
			RANGES_HEAD, str_shown(j->arena, str_of(j->path)));
	return 0;
}

int ranges_check(int fd, uint64_t size, const struct journal *j, struct range_count *n,
		 struct err *e)
{
	struct range_count count = { 0 };

	if (ranges_identify(fd, size, j, e) != 0)
		return -1;
	for (size_t i = 0; i < j->last.n; i++) {
		const struct journal_record *r = &j->last.records[i];
		enum range_state state;

		if (range_look(fd, j, r, &state, e) != 0)
			return -1;
		if (state == RANGE_FOREIGN || (state == RANGE_MIXED && j->last.done))
			return refuse_range(j, r, e);
		if (state != RANGE_OLD) {
			count.ranges++;
			count.bytes += length(r);
		}
	}
	if (n)
		*n = count;
	return 0;
}

/* ---- writing ---- */

/* Puts a chunk back right after a failed write, if it does not hold the old bytes still: it
 * may be a hole on a full disk, where not even those can be written. */
static int put_back_chunk(int fd, uint64_t off, struct view old, struct err *e)
{
	uint8_t is[CHUNK];

	if (io_read_padded(fd, off, is, old.n, e) != 0)
		return -1;
	return memcmp(is, old.p, old.n) == 0 ? 0 : io_write(fd, off, old, e);
}

/* Bytes that are in memory are those of a repair that is being written, or given up, now.
 * Later nothing is skipped that seems to be there already: after a failed fsync() that may
 * be true of the page cache alone. */
static int write_record(int fd, const struct journal *j, const struct journal_record *r,
			enum journal_side side, struct err *e)
{
	uint64_t len = side == JOURNAL_OLD ? r->old_len : r->new_len;
	bool giving_up = side == JOURNAL_OLD && r->old.p;
	uint8_t buf[CHUNK];

	if (side == JOURNAL_NEW && r->new.p)
		return io_write(fd, r->off, r->new, e);
	for (uint64_t from = 0, n; from < len; from += n) {
		struct view v;
		int rc;

		n = u64_min(step(r, from), len - from);
		if (journal_bytes(j, r, side, from, buf, (size_t)n, e) != 0)
			return -1;
		v = (struct view){ buf, (size_t)n };
		rc = giving_up ? put_back_chunk(fd, r->off + from, v, e)
			       : io_write(fd, r->off + from, v, e);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int write_stage(int fd, const struct journal *j, enum stage stage,
		       enum journal_side side, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < j->last.n; i++) {
		const struct journal_record *r = &j->last.records[i];

		if (r->stage != stage)
			continue;
		any = true;
		if (write_record(fd, j, r, side, e) != 0)
			return -1;
	}
	return any ? io_sync(fd, e) : 0;
}

int ranges_write(int fd, const struct journal *j, enum journal_side side, struct err *e)
{
	static const enum stage forth[] = { STAGE_TABLES, STAGE_HEADERS, STAGE_COMMIT,
					    STAGE_FREE };
	static const enum stage back[] = { STAGE_FREE, STAGE_COMMIT, STAGE_HEADERS,
					   STAGE_TABLES };
	const enum stage *order = side == JOURNAL_NEW ? forth : back;

	for (size_t i = 0; i < sizeof(forth) / sizeof(forth[0]); i++) {
		if (write_stage(fd, j, order[i], side, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- the rest of the target ---- */

/* Zeroes what ranges and moves cover of the n bytes that were read at off. */
static void blank_ranges(const struct journal_entry *t, uint64_t off, uint8_t *buf,
			 size_t n)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct journal_record *r = &t->records[i];
		uint64_t from = u64_max(off, r->off);
		uint64_t to = u64_min(off + n, r->off + length(r));

		if (from < to)
			memset(buf + (from - off), 0, (size_t)(to - from));
	}
	for (size_t i = 0; i < t->nmoves; i++) {
		uint64_t from = u64_max(off, t->moves[i].to);
		uint64_t to = u64_min(off + n, t->moves[i].to + t->moves[i].len);

		if (from < to)
			memset(buf + (from - off), 0, (size_t)(to - from));
	}
}

int ranges_grown_is_zero(int fd, uint64_t size, const struct journal *j, bool *zero,
			 struct err *e)
{
	uint64_t off = j->last.size_before;
	uint8_t buf[8192];

	*zero = true;
	while (*zero && (off = io_next_data(fd, off, size)) < size) {
		size_t n = (size_t)u64_min(sizeof(buf), size - off);

		if (io_read_padded(fd, off, buf, n, e) != 0)
			return -1;
		if (!view_is_zero((struct view){ buf, n })) {
			blank_ranges(&j->last, off, buf, n);
			*zero = view_is_zero((struct view){ buf, n });
		}
		off += n;
	}
	return 0;
}

int ranges_head_crc(int fd, const struct journal_entry *t, uint32_t *crc, struct err *e)
{
	uint8_t buf[RANGES_HEAD];

	if (io_read_padded(fd, 0, buf, sizeof(buf), e) != 0)
		return -1;
	blank_ranges(t, 0, buf, sizeof(buf));
	*crc = crc32_of((struct view){ buf, sizeof(buf) });
	return 0;
}
