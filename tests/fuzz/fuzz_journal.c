/* Any bytes as a journal beside an image or of a text: no crash, bounded memory, and undo
 * writes nothing outside of the target as it was.
 *
 * The input is a few bytes that make a sound journal and a target that it fits, then
 * bytes that are poked into the journal, whose checksums may be put right afterwards: no
 * fuzzer guesses those. Or the journal is the input itself.
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
	HEAD = 512,
	TX = 80,
	REC = 40,
};

enum {
	AS_TEXT = 1,
	RESEAL = 2,     /* checksums are right, after the poking */
	RESUME = 4,     /* instead of undo */
	DONE = 8,       /* the state, before the poking */
	RAW = 16,       /* the rest of the input is the journal's content */
	HOLDS_NEW = 32, /* the target holds the new bytes, not the old ones */
	TWICE = 64,     /* another undo behind it */
};

struct setup {
	unsigned flags;
	uint8_t journal[MAX_JOURNAL];
	size_t njournal;
	uint8_t target[MAX_TARGET];
	size_t ntarget;
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
	put_le32(s->journal + 16, 1);
	put_le32(s->journal + 20, HEAD);
	put_le32(s->journal + 24, s->flags & AS_TEXT ? 2 : 1);
	put_le32(s->journal + 508, crc32_of((struct view){ s->journal, 508 }));
	s->njournal = HEAD;
}

/* The target's bytes as they are, and as they were before a repair that wrote others. */
static void put_record(struct setup *s, uint8_t *rec, uint64_t off, uint64_t len,
		       uint64_t before, uint32_t stage)
{
	uint64_t old = off < before ? u64_min(len, before - off) : 0;
	uint8_t *data = s->journal + s->njournal;

	put_le64(rec, off);
	put_le64(rec + 8, old);
	put_le64(rec + 16, len);
	put_le32(rec + 24, stage);
	for (uint64_t i = 0; i < old; i++)
		data[i] = (uint8_t)~s->target[off + i];
	memcpy(data + old, s->target + off, len);
	if (!(s->flags & HOLDS_NEW))
		memcpy(s->target + off, data, old);
	s->njournal += (size_t)(old + len);
}

static void put_tx(struct setup *s, struct input *in)
{
	uint8_t *tx = s->journal + s->njournal, *table = tx + TX;
	unsigned n = s->flags & AS_TEXT ? 1 : byte(in) % (MAX_RECORDS + 1);
	uint64_t before = u64_min(s->ntarget, byte(in) * 128u), off = 0;
	size_t start = s->njournal;

	memset(tx, 0, TX + n * REC);
	memcpy(tx, "vmend-tx", 8);
	memcpy(tx + 8, s->flags & DONE ? "done" : "armed", s->flags & DONE ? 4 : 5);
	put_le64(tx + 32, before);
	put_le64(tx + 40, s->ntarget);
	put_le32(tx + 56, n);
	s->njournal += TX + n * REC;
	for (unsigned i = 0; i < n; i++) {
		uint64_t len = s->flags & AS_TEXT ? s->ntarget : 1 + byte(in) * 8u;

		off += s->flags & AS_TEXT ? 0 : byte(in) * 16u;
		if (!range_within(off, len, s->ntarget))
			len = off = 0; /* not sound, for once */
		put_record(s, table + (size_t)i * REC, off, len, before, i * 3 / n);
		off += len;
	}
	while (s->njournal % 8)
		s->journal[s->njournal++] = 0;
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

static uint32_t head_crc(const struct setup *s, const uint8_t *table, uint32_t n)
{
	static uint8_t head[RANGES_HEAD];

	memset(head, 0, sizeof(head));
	memcpy(head, s->target, u64_min(s->ntarget, sizeof(head)));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t off = get64(table + i * REC);
		uint64_t len =
			u64_max(get64(table + i * REC + 8), get64(table + i * REC + 16));

		if (off < sizeof(head))
			memset(head + off, 0, u64_min(len, sizeof(head) - off));
	}
	return crc32_of((struct view){ head, sizeof(head) });
}

static void seal_tx(struct setup *s, size_t start)
{
	uint8_t *tx = s->journal + start, *table = tx + TX, state[8];
	uint32_t n = view_le32((struct view){ tx, TX }, 56);
	uint64_t at = start + TX + (uint64_t)n * REC;

	if (at <= s->njournal) {
		for (uint32_t i = 0; i < n; i++) {
			uint64_t old = get64(table + i * REC + 8);
			uint64_t new = get64(table + i * REC + 16);

			seal_side(s, at, old, table + i * REC + 28);
			at += old;
			seal_side(s, at, new, table + i * REC + 32);
			at += new;
		}
		put_le32(tx + 60, head_crc(s, table, n));
		put_le32(tx + 64, crc32_of((struct view){ table, (size_t)n * REC }));
	}
	memcpy(state, tx + 8, 8);
	memset(tx + 8, 0, 8);
	put_le32(tx + 76, crc32_of((struct view){ tx, 76 }));
	memcpy(tx + 8, state, 8);
}

static void reseal(struct setup *s)
{
	size_t at = HEAD;

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
		/* Mostly into the first transaction's header and records. */
		at = at < 0xe000 ? HEAD + at % 256 : at % (s->njournal ? s->njournal : 1);
		if (at < s->njournal)
			s->journal[at] = (uint8_t)byte(in);
	}
}

static void make(struct setup *s, struct input *in)
{
	s->flags = byte(in);
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
	if (undo_last(target, true, &r, &e) != 0)
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
	if (resume_image(&src, &e) != 0)
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
