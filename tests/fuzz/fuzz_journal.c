/* Any bytes as a journal beside an image or of a text: no crash, bounded memory, and undo
 * writes nothing outside of the target as it was.
 *
 * The input is a few bytes that make a sound journal, with moves or without, and a target
 * that it fits, then bytes that are poked into the journal, whose checksums may be put right
 * afterwards: no fuzzer guesses those. Or the journal is the input itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/view.h"
#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"
#include "rewrite/ranges.h"
#include "tests/lib/seam.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	MAX_JOURNAL = 256 << 10,
	MAX_TARGET = 32 << 10,
	MAX_RECORDS = 8,
	MAX_MOVES = 3,
	MAX_GAPS = 12,
	HEAD = 512,
	TX = 80,
	REC = 40,
	MOVE = 24,
	SLOT = 4096,
	SLOT_USED = 40,
};

enum {
	AS_TEXT = 1,
	RESEAL = 2,     /* checksums are right, after the poking */
	RESUME = 4,     /* instead of undo */
	DONE = 8,       /* the state, before the poking */
	RAW = 16,       /* the rest of the input is the journal's content */
	HOLDS_NEW = 32, /* the target holds the new bytes, not the old ones */
	TWICE = 64,     /* another undo behind it */
	MOVES = 128,    /* of an image */
};

struct setup {
	unsigned flags;
	uint8_t journal[MAX_JOURNAL];
	size_t njournal;
	uint8_t target[MAX_TARGET];
	size_t ntarget;
	size_t slots; /* in the journal, of the last transaction; 0: it has none */
	uint32_t chunk;
};

/* What is left of the input. */
struct input {
	const uint8_t *p;
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Looking for other users of the image is slow, and not what is tested. */
int lock_image(const struct source *src, bool force, struct err *e)
{
	(void)src;
	(void)force;
	(void)e;
	return 0;
}

int lock_journal(int fd, struct err *e)
{
	(void)fd;
	(void)e;
	return 0;
}

static unsigned byte(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* ---- the journal ---- */

static void put_header(struct setup *s)
{
	memset(s->journal, 0, HEAD);
	memcpy(s->journal, "VMEND-UNDO\r\n\x1a\n", 14);
	put_le32(s->journal + 16, s->flags & MOVES ? 2 : 1);
	put_le32(s->journal + 20, HEAD);
	put_le32(s->journal + 24, s->flags & AS_TEXT ? 2 : 1);
	put_le32(s->journal + 508, crc32_of((struct view){ s->journal, 508 }));
	s->njournal = HEAD;
}

struct run {
	uint64_t off, len;
};

/* A transaction that is being made. */
struct tx {
	uint64_t before; /* the target's old size */
	struct run rec[MAX_RECORDS], gap[MAX_GAPS];
	uint64_t from[MAX_MOVES];
	struct run to[MAX_MOVES];
	unsigned n, ngaps, nmoves;
	uint32_t chunk;
};

static struct tx plan_tx(const struct setup *s, struct input *in)
{
	struct tx t = { .n = s->flags & AS_TEXT ? 1 : byte(in) % (MAX_RECORDS + 1) };
	uint64_t off = 0;

	t.before = u64_min(s->ntarget, byte(in) * 128u);
	for (unsigned i = 0; i < t.n; i++) {
		uint64_t len = s->flags & AS_TEXT ? s->ntarget : 1 + byte(in) * 8u;

		off += s->flags & AS_TEXT ? 0 : byte(in) * 16u;
		if (!range_within(off, len, s->ntarget))
			len = off = 0; /* not sound, for once */
		t.rec[i] = (struct run){ off, len };
		off += len;
	}
	return t;
}

static bool is_read(const struct tx *t, uint64_t off)
{
	for (unsigned i = 0; i < t->nmoves; i++) {
		if (off >= t->from[i] && off - t->from[i] < t->to[i].len)
			return true;
	}
	return false;
}

/* What the i-th move overwrites and none reads, byte by byte. */
static void plan_gaps(struct tx *t, unsigned i)
{
	uint64_t end = u64_min(t->to[i].off + t->to[i].len, t->before);
	bool in_gap = false;

	for (uint64_t off = t->to[i].off; off < end; off++) {
		if (is_read(t, off)) {
			in_gap = false;
			continue;
		}
		if (!in_gap && t->ngaps == MAX_GAPS)
			return; /* not sound */
		if (!in_gap)
			t->gap[t->ngaps++] = (struct run){ off, 0 };
		in_gap = true;
		t->gap[t->ngaps - 1].len++;
	}
}

static void plan_moves(const struct setup *s, struct input *in, struct tx *t)
{
	unsigned n = 1 + byte(in) % MAX_MOVES;
	uint64_t end = 0;

	t->chunk = 512u << byte(in) % 3;
	for (unsigned i = 0; i < n; i++) {
		uint64_t to = end + 1 + byte(in) * 32u, len = 1 + byte(in) * 16u;
		uint64_t by = u64_min(to, 1 + byte(in) * 32u);

		if (!range_within(to, len, s->ntarget) ||
		    !range_within(to - by, len, t->before))
			break;
		t->from[i] = to - by;
		t->to[i] = (struct run){ to, len };
		end = to + len;
		t->nmoves++;
	}
	for (unsigned i = 0; i < t->nmoves; i++)
		plan_gaps(t, i);
}

/* Nobody wrote where the target grew, but what was moved there. */
static void clear_grown(struct setup *s, const struct tx *t)
{
	for (uint64_t off = t->before; off < s->ntarget; off++) {
		bool moved = false;

		for (unsigned i = 0; i < t->nmoves; i++)
			moved |= off >= t->to[i].off && off - t->to[i].off < t->to[i].len;
		if (!moved)
			s->target[off] = 0;
	}
}

/* The target's bytes as they are, and as they were before a repair that wrote others. */
static void put_record(struct setup *s, uint8_t *rec, struct run r, uint64_t before,
		       uint32_t stage)
{
	uint64_t old = r.off < before ? u64_min(r.len, before - r.off) : 0;
	uint8_t *data = s->journal + s->njournal;

	put_le64(rec, r.off);
	put_le64(rec + 8, old);
	put_le64(rec + 16, r.len);
	put_le32(rec + 24, stage);
	for (uint64_t i = 0; i < old; i++)
		data[i] = (uint8_t)~s->target[r.off + i];
	memcpy(data + old, s->target + r.off, r.len);
	if (!(s->flags & HOLDS_NEW))
		memcpy(s->target + r.off, data, old);
	s->njournal += (size_t)(old + r.len);
}

static void put_gap(struct setup *s, uint8_t *rec, struct run r)
{
	put_le64(rec, r.off);
	put_le64(rec + 8, r.len);
	put_le32(rec + 24, 3);
	memset(s->journal + s->njournal, 0x5a, (size_t)r.len);
	s->njournal += (size_t)r.len;
}

static void put_zeros(struct setup *s, size_t n)
{
	memset(s->journal + s->njournal, 0, n);
	s->njournal += n;
}

/* The length of the chunk in flight, when it overwrites what it is made from. */
static uint64_t saved_len(const struct tx *t, uint64_t k, bool back)
{
	for (unsigned i = t->nmoves; i > 0; i--) {
		struct run to = t->to[i - 1];
		uint64_t n = div_up(to.len, t->chunk), end, len, at;

		if (k >= n) {
			k -= n;
			continue;
		}
		end = to.len - k * t->chunk;
		len = u64_min(end, t->chunk);
		at = to.off + end - len;
		if (len <= to.off - t->from[i - 1])
			return 0;
		return !back ? len : at < t->before ? u64_min(len, t->before - at) : 0;
	}
	return 0;
}

static void put_slot(struct setup *s, struct input *in, const struct tx *t,
		     uint64_t number)
{
	uint8_t *p = s->journal + s->njournal;
	unsigned applied = byte(in), flight = byte(in) % 3;

	put_zeros(s, SLOT);
	memcpy(p, "vmend-mv", 8);
	put_le64(p + 8, number);
	put_le64(p + 16, applied);
	put_le32(p + 24, flight);
	put_le32(p + 28, flight == 0 ? 0
				     : (uint32_t)saved_len(t, applied - (flight == 2),
							   flight == 2));
	put_zeros(s, t->chunk);
}

static void put_tx(struct setup *s, struct input *in)
{
	uint8_t *tx = s->journal + s->njournal, *rec = tx + TX, *move;
	struct tx t = plan_tx(s, in);
	size_t start = s->njournal;

	if (s->flags & MOVES && !(s->flags & AS_TEXT))
		plan_moves(s, in, &t);
	if (t.nmoves)
		clear_grown(s, &t);
	put_zeros(s, TX + (size_t)(t.n + t.ngaps) * REC + (size_t)t.nmoves * MOVE);
	memcpy(tx, "vmend-tx", 8);
	memcpy(tx + 8, s->flags & DONE ? "done" : "armed", s->flags & DONE ? 4 : 5);
	put_le64(tx + 32, t.before);
	put_le64(tx + 40, s->ntarget);
	put_le32(tx + 56, t.n + t.ngaps);
	put_le32(tx + 68, t.nmoves);
	put_le32(tx + 72, t.nmoves ? t.chunk : 0);
	for (unsigned i = 0; i < t.n; i++, rec += REC)
		put_record(s, rec, t.rec[i], t.nmoves ? UINT64_MAX : t.before,
			   i * 3 / t.n);
	for (unsigned i = 0; i < t.ngaps; i++, rec += REC)
		put_gap(s, rec, t.gap[i]);
	move = rec;
	for (unsigned i = 0; i < t.nmoves; i++, move += MOVE) {
		put_le64(move, t.from[i]);
		put_le64(move + 8, t.to[i].off);
		put_le64(move + 16, t.to[i].len);
	}
	if (t.nmoves) {
		unsigned number = byte(in) * 2u;

		put_zeros(s, (SLOT - s->njournal % SLOT) % SLOT);
		s->slots = s->njournal;
		s->chunk = t.chunk;
		put_slot(s, in, &t, number);
		put_slot(s, in, &t, number + 1);
	}
	put_zeros(s, (8 - s->njournal % 8) % 8);
	put_le64(tx + 24, s->njournal - start);
}

/* ---- checksums ---- */

static uint64_t get64(const uint8_t *p)
{
	return view_le64((struct view){ p, 8 }, 0);
}

static void seal_side(const struct setup *s, uint64_t at, uint64_t len, uint8_t *crc)
{
	if (range_within(at, len, s->njournal))
		put_le32(crc, crc32_of((struct view){ s->journal + at, (size_t)len }));
}

static void blank(uint8_t *head, uint64_t off, uint64_t len)
{
	if (off < RANGES_HEAD)
		memset(head + off, 0, (size_t)u64_min(len, RANGES_HEAD - off));
}

static uint32_t head_crc(const struct setup *s, const uint8_t *table, uint32_t n,
			 uint32_t nmoves)
{
	static uint8_t head[RANGES_HEAD];

	memset(head, 0, sizeof(head));
	memcpy(head, s->target, u64_min(s->ntarget, sizeof(head)));
	for (uint32_t i = 0; i < n; i++, table += REC)
		blank(head, get64(table), u64_max(get64(table + 8), get64(table + 16)));
	for (uint32_t i = 0; i < nmoves; i++, table += MOVE)
		blank(head, get64(table + 8), get64(table + 16));
	return crc32_of((struct view){ head, sizeof(head) });
}

static void seal_slots(struct setup *s)
{
	for (size_t at = s->slots; s->slots && at <= s->slots + SLOT + s->chunk;
	     at += SLOT + s->chunk) {
		uint8_t *p = s->journal + at;

		seal_side(s, at + SLOT, view_le32((struct view){ p, SLOT_USED }, 28),
			  p + 32);
		put_le32(p + 36, crc32_of((struct view){ p, 36 }));
	}
}

static void seal_tx(struct setup *s, size_t start)
{
	uint8_t *tx = s->journal + start, *table = tx + TX, state[8];
	uint32_t n = view_le32((struct view){ tx, TX }, 56);
	uint32_t nmoves = view_le32((struct view){ tx, TX }, 68);
	uint64_t len = (uint64_t)n * REC + (uint64_t)nmoves * MOVE;
	uint64_t at = start + TX + len;

	if (at <= s->njournal) {
		for (uint32_t i = 0; i < n; i++) {
			uint64_t old = get64(table + i * REC + 8);
			uint64_t new = get64(table + i * REC + 16);

			seal_side(s, at, old, table + (size_t)i * REC + 28);
			at += old;
			seal_side(s, at, new, table + (size_t)i * REC + 32);
			at += new;
		}
		put_le32(tx + 60, head_crc(s, table, n, nmoves));
		put_le32(tx + 64, crc32_of((struct view){ table, (size_t)len }));
	}
	memcpy(state, tx + 8, 8);
	memset(tx + 8, 0, 8);
	put_le32(tx + 76, crc32_of((struct view){ tx, 76 }));
	memcpy(tx + 8, state, 8);
}

static void reseal(struct setup *s)
{
	size_t at = HEAD;

	seal_slots(s);
	put_le32(s->journal + 508, crc32_of((struct view){ s->journal, 508 }));
	while (range_within(at, TX, s->njournal)) {
		uint64_t total = get64(s->journal + at + 24);

		seal_tx(s, at);
		if (total < TX || !range_within(at, total, s->njournal))
			break;
		at += (size_t)total;
	}
}

/* ---- both ---- */

static void poke(struct setup *s, struct input *in)
{
	while (in->n >= 3) {
		size_t at = byte(in);

		at |= (size_t)(byte(in) << 8);
		/* Mostly into the first transaction's header and records, and the slots. */
		if (s->slots && at >= 0xf000)
			at = s->slots + at / 64 % 2 * (SLOT + s->chunk) + at % SLOT_USED;
		else if (at < 0xe000)
			at = HEAD + at % 256;
		else
			at = at % (s->njournal ? s->njournal : 1);
		if (at < s->njournal)
			s->journal[at] = (uint8_t)byte(in);
	}
}

static void make(struct setup *s, struct input *in)
{
	s->flags = byte(in);
	s->slots = 0;
	s->ntarget = byte(in) * 100u;
	for (size_t i = 0; i < s->ntarget; i++)
		s->target[i] = (uint8_t)(i * 7 + i / 256);
	put_header(s);
	if (s->flags & RAW) {
		s->njournal += (size_t)u64_min(in->n, MAX_JOURNAL - HEAD);
		memcpy(s->journal + HEAD, in->p, s->njournal - HEAD);
	} else {
		if (s->flags & TWICE)
			put_tx(s, in);
		put_tx(s, in);
		if (s->flags & RESEAL)
			reseal(s);
		poke(s, in);
	}
	if (s->flags & RESEAL)
		reseal(s);
}

/* ---- the folder ---- */

static char folder[64], target[96], text_dir[160];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
	char state[96];

	if (folder[0])
		return;
	snprintf(folder, sizeof(folder), "%s/vmend-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	BUG_ON(!mkdtemp(folder));
	snprintf(target, sizeof(target), "%s/t", folder);
	snprintf(state, sizeof(state), "%s/s", folder);
	BUG_ON(setenv("XDG_STATE_HOME", state, 1) != 0);
	BUG_ON(mkdir(state, 0700) != 0);
	snprintf(text_dir, sizeof(text_dir), "%s/s/vmend", folder);
	BUG_ON(mkdir(text_dir, 0700) != 0);
	snprintf(text_dir, sizeof(text_dir), "%s/s/vmend/undo", folder);
	BUG_ON(mkdir(text_dir, 0700) != 0);
	atexit(clean_up);
}

static void put_file(const char *path, const uint8_t *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	BUG_ON(fd < 0 || write(fd, p, n) != (ssize_t)n);
	close(fd);
}

/* ---- what must hold ---- */

static ino_t target_ino;
static uint64_t target_size; /* writes beyond this are a crash */

static bool is_target(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == target_ino;
}

static int watch(const struct seam_op *op, struct err *e)
{
	if (op->kind == SEAM_WRITE && is_target(op->fd))
		BUG_ON(!range_within(op->off, op->bytes.n, target_size));
	if (op->kind == SEAM_PUNCH && is_target(op->fd))
		BUG_ON(!range_within(op->off, op->len, target_size));
	/* A size that only a sparse file can have is not tried on the tester's disk. */
	if (op->kind == SEAM_RESIZE && is_target(op->fd) && op->off > 1 << 30)
		return err_sys(e, EFBIG, "the fuzzer will not");
	return 0;
}

static void undo_it(void)
{
	struct undo_result r;
	struct err e = { 0 };
	struct stat st;

	BUG_ON(stat(target, &st) != 0);
	target_ino = st.st_ino;
	target_size = (uint64_t)st.st_size;
	if (undo_last(target, true, NULL, &r, &e) != 0)
		BUG_ON(e.code == ERR_NONE);
	BUG_ON(stat(target, &st) != 0);
}

static void resume_it(const struct setup *s)
{
	struct source src;
	struct err e = { 0 };

	target_size = UINT64_MAX;
	if (s->flags & AS_TEXT) {
		if (resume_text(target, &e) != 0)
			BUG_ON(e.code == ERR_NONE);
		return;
	}
	BUG_ON(source_open(&src, target, SOURCE_WRITE, &e) != 0);
	if (resume_image(&src, NULL, &e) != 0)
		BUG_ON(e.code == ERR_NONE);
	source_close(&src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct setup s;
	struct input in = { data, n };
	enum format_kind kind;
	struct arena a;
	struct err e;
	const char *path;

	prepare();
	make(&s, &in);
	kind = s.flags & AS_TEXT ? FORMAT_TEXT : FORMAT_IMAGE;
	put_file(target, s.target, s.ntarget);
	arena_init(&a, ARENA_BUDGET);
	path = journal_path(target, kind, &a, &e);
	BUG_ON(!path);
	put_file(path, s.journal, s.njournal);
	seam_before = watch;
	(void)journal_look(target, kind);
	if (s.flags & RESUME)
		resume_it(&s);
	undo_it();
	if (s.flags & TWICE)
		undo_it();
	unlink(path);
	arena_free(&a);
	return 0;
}
