/* The journal's life: opened, armed, marked, popped. What each step may rely on after a
 * crash is in SPEC.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/journal.h"
#include "rewrite/journal_format.h"
#include "rewrite/journal_slot.h"

#include "base/crc32.h"
#include "rewrite/io.h"
#include "rewrite/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { OPEN_TRIES = 8, WRITE_CHUNK = 64 << 10 };

/* A file name for a message. */
static const char *journal_shown(const struct journal *j)
{
	return str_shown(j->arena, str_of(j->path));
}

int journal_fail(const struct journal *j, struct err *e)
{
	struct err cause = *e;

	err_set(e, cause.code, "undo journal '%s': %.120s", journal_shown(j), cause.msg);
	e->sys = cause.sys;
	return -1;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->dir >= 0)
		close(j->dir);
	j->fd = j->dir = -1;
}

/* After a failure: leaves no trace if it can. What stays behind was never armed, or finds
 * a target that holds the old bytes everywhere; both are harmless. */
static void drop_tail(struct journal *j)
{
	struct err ignored;
	int rc = j->count == 0 ? io_unlink(j->dir, j->name, &ignored)
			       : io_resize(j->fd, j->end, &ignored);

	(void)rc;
}

/* ---- opening ---- */

static int open_folder(struct journal *j, bool create, struct err *e)
{
	const char *slash = strrchr(j->path, '/');
	const char *folder =
		slash == j->path
			? "/"
			: arena_str(j->arena,
				    (struct str){ j->path, (size_t)(slash - j->path) });

	j->name = slash + 1;
	j->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0 && errno == ENOENT && create) {
		if (journal_make_folders(j->path, e) != 0)
			return -1;
		j->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (j->dir < 0)
		return err_sys(e, errno, "cannot open its folder");
	return 0;
}

/* Who may read the target may read its old bytes, and nobody else. Where owner or mode
 * cannot be had, it stays with us alone. */
static void copy_access(int fd, const char *target)
{
	struct stat st;

	if (stat(target, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0)
		(void)fchmod(fd, st.st_mode & 0666);
}

static void encode_header(const struct journal *j, const char *target,
			  uint8_t b[FILE_HEADER])
{
	const char *slash = strrchr(j->path, '/');
	size_t n = strlen(slash + 1) - strlen(JOURNAL_SUFFIX);
	struct stat st = { 0 };

	if (n > FILE_NAME_MAX)
		n = FILE_NAME_MAX;
	(void)stat(target, &st);
	memset(b, 0, FILE_HEADER);
	memcpy(b + FILE_MAGIC, file_magic, sizeof(file_magic));
	put_le32(b + FILE_VERSION, JOURNAL_VERSION);
	put_le32(b + FILE_SIZE, FILE_HEADER);
	put_le32(b + FILE_KIND, j->kind == FORMAT_IMAGE ? KIND_IMAGE : KIND_TEXT);
	put_le64(b + FILE_CREATED, (uint64_t)time(NULL));
	put_le64(b + FILE_DEVICE, (uint64_t)st.st_dev);
	put_le64(b + FILE_INODE, (uint64_t)st.st_ino);
	put_le32(b + FILE_NAME_LEN, (uint32_t)n);
	memcpy(b + FILE_NAME, slash + 1, n);
	put_le32(b + FILE_CRC, crc32_of((struct view){ b, FILE_CRC }));
}

static int begin_file(struct journal *j, const char *target, struct err *e)
{
	uint8_t b[FILE_HEADER];

	copy_access(j->fd, target);
	encode_header(j, target, b);
	if (io_write(j->fd, 0, (struct view){ b, sizeof(b) }, e) != 0 ||
	    io_sync(j->fd, e) != 0 || io_sync_dir(j->dir, e) != 0)
		return -1;
	return 0;
}

/* Is the file that we locked still the one with the name? Its last owner may have removed
 * it while we waited. */
static bool still_named(const struct journal *j)
{
	struct stat named, ours;

	return fstatat(j->dir, j->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(j->fd, &ours) == 0 && named.st_dev == ours.st_dev &&
	       named.st_ino == ours.st_ino;
}

static int open_file(struct journal *j, bool create, bool *found, struct err *e)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st;

	*found = true;
	j->fd = openat(j->dir, j->name, flags);
	if (j->fd < 0 && errno == ENOENT) {
		*found = false;
		return create ? io_create(j->dir, j->name, &j->fd, e) : 0;
	}
	if (j->fd < 0)
		return err_sys(e, errno, "cannot open it");
	if (fstat(j->fd, &st) != 0)
		return err_sys(e, errno, "cannot stat it");
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return err_set(e, ERR_PARSE, "is not a file of its own");
	return 0;
}

/* On success either j->fd is the locked file, or *found is false and it is -1. */
static int open_locked(struct journal *j, bool create, bool *found, struct err *e)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		if (open_file(j, create, found, e) != 0) {
			/* Made by somebody else since we looked. */
			if (create && e->sys == EEXIST)
				continue;
			return -1;
		}
		if (j->fd < 0)
			return 0;
		if (lock_journal(j->fd, e) != 0)
			return -1;
		if (still_named(j))
			return 0;
		close(j->fd);
		j->fd = -1;
	}
	return err_set(e, ERR_BUSY, "is made and removed again by others all the time");
}

static int open_all(struct journal *j, const char *target, bool create, bool *found,
		    struct err *e)
{
	bool empty;

	if (open_folder(j, create, e) != 0) {
		*found = false;
		return !create && e->sys == ENOENT ? 0 : -1;
	}
	if (open_locked(j, create, found, e) != 0)
		return -1;
	if (j->fd < 0)
		return 0;
	if (journal_read_header(j, &empty, e) != 0)
		return -1;
	*found = true;
	if (empty && create && begin_file(j, target, e) != 0) {
		drop_tail(j);
		return -1;
	}
	if (empty)
		return 0;
	if (journal_scan(j, e) != 0)
		return -1;
	return journal_load(j, e);
}

int journal_open(struct journal *j, const char *target, enum format_kind kind,
		 bool create, bool *found, struct arena *a, struct err *e)
{
	bool there;
	int rc;

	*j = (struct journal){
		.fd = -1, .dir = -1, .kind = kind, .arena = a, .end = FILE_HEADER
	};
	j->path = journal_path(target, kind, a, e);
	if (!j->path)
		return -1;
	rc = open_all(j, target, create, &there, e);
	if (rc != 0)
		journal_fail(j, e);
	if (rc != 0 || (!there && !create))
		journal_close(j);
	if (found)
		*found = there;
	return rc;
}

enum journal_state journal_look(const char *target, enum format_kind kind)
{
	struct journal j = { .fd = -1, .dir = -1, .kind = kind };
	enum journal_state state = JOURNAL_DAMAGED;
	struct arena a;
	struct err e;
	bool empty;

	arena_init(&a, ARENA_BUDGET);
	j.arena = &a;
	j.path = journal_path(target, kind, &a, &e);
	j.fd = j.path ? open(j.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (!j.path || (j.fd < 0 && (errno == ENOENT || errno == ENOTDIR)))
		state = JOURNAL_NONE;
	else if (j.fd >= 0 && journal_read_header(&j, &empty, &e) == 0 &&
		 (empty || journal_scan(&j, &e) == 0))
		state = empty || j.count == 0 ? JOURNAL_NONE
			: j.last.done         ? JOURNAL_DONE
					      : JOURNAL_ARMED;
	journal_close(&j);
	arena_free(&a);
	return state;
}

/* ---- writing ---- */

uint64_t journal_new_id(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec ^
	       (uint64_t)getpid() << 44;
}

/* Many small pieces, few writes. */
struct writer {
	int fd;
	uint64_t at; /* where the buffer's first byte goes */
	struct buf b;
};

static int flush(struct writer *w, struct err *e)
{
	struct view v = { (const uint8_t *)w->b.p, w->b.n };

	if (io_write(w->fd, w->at, v, e) != 0)
		return -1;
	w->at += w->b.n;
	buf_clear(&w->b);
	return 0;
}

static int put(struct writer *w, struct view v, struct err *e)
{
	while (v.n) {
		size_t n = (size_t)u64_min(v.n, WRITE_CHUNK - w->b.n);

		buf_add_bytes(&w->b, v.p, n);
		v = view_cut(v, n, v.n - n);
		if (w->b.n == WRITE_CHUNK && flush(w, e) != 0)
			return -1;
	}
	return 0;
}

static void encode_record(struct journal_record *r, uint64_t at, uint8_t *b)
{
	BUG_ON(r->old.n != r->old_len || r->new.n != r->new_len);
	r->at = at;
	r->crc_old = crc32_of(r->old);
	r->crc_new = crc32_of(r->new);
	put_le64(b + REC_OFF, r->off);
	put_le64(b + REC_OLD_LEN, r->old_len);
	put_le64(b + REC_NEW_LEN, r->new_len);
	put_le32(b + REC_STAGE, (uint32_t)r->stage);
	put_le32(b + REC_OLD_CRC, r->crc_old);
	put_le32(b + REC_NEW_CRC, r->crc_new);
}

/* Of the table: what t->gaps are to be on disk. */
static void encode_gap(struct journal_record *r, uint64_t at, uint8_t *b)
{
	encode_record(r, at, b);
	put_le32(b + REC_STAGE, REC_GAP);
}

static void encode_moves(const struct journal_entry *t, uint8_t *b)
{
	for (size_t i = 0; i < t->nmoves; i++, b += MOVE_LEN) {
		put_le64(b + MOVE_FROM, t->moves[i].from);
		put_le64(b + MOVE_TO, t->moves[i].to);
		put_le64(b + MOVE_SIZE, t->moves[i].len);
	}
}

static struct view encode_table(const struct journal *j, struct journal_entry *t,
				uint64_t *total)
{
	size_t len = (t->n + t->ngaps) * REC_LEN + t->nmoves * MOVE_LEN;
	uint8_t *b = arena_alloc(j->arena, len, 1);
	uint64_t at = j->end + TX_HEADER + len;

	for (size_t i = 0; i < t->n; i++) {
		struct journal_record *r = &t->records[i];

		encode_record(r, at, b + i * REC_LEN);
		at += r->old_len + r->new_len;
	}
	for (size_t i = 0; i < t->ngaps; i++) {
		encode_gap(&t->gaps[i], at, b + (t->n + i) * REC_LEN);
		at += t->gaps[i].old_len;
	}
	encode_moves(t, b + (t->n + t->ngaps) * REC_LEN);
	if (t->nmoves) {
		t->slots_at = div_up(at, SLOT_HEADER) * SLOT_HEADER;
		at = t->slots_at + 2 * (SLOT_HEADER + (uint64_t)t->chunk);
	}
	*total = div_up(at - j->end, TX_ALIGN) * TX_ALIGN;
	return (struct view){ b, len };
}

/* The state still says "writing". */
static void encode_tx(const struct journal_entry *t, struct view table, uint64_t total,
		      uint8_t b[TX_HEADER])
{
	BUG_ON(t->n + t->ngaps > UINT32_MAX || t->nmoves > UINT32_MAX);
	memset(b, 0, TX_HEADER);
	memcpy(b + TX_MAGIC, tx_magic, sizeof(tx_magic));
	put_le64(b + TX_ID, t->id);
	put_le64(b + TX_TOTAL, total);
	put_le64(b + TX_SIZE_BEFORE, t->size_before);
	put_le64(b + TX_SIZE_AFTER, t->size_after);
	put_le64(b + TX_TIME, (uint64_t)t->time);
	put_le32(b + TX_RECORDS, (uint32_t)(t->n + t->ngaps));
	put_le32(b + TX_MOVES, (uint32_t)t->nmoves);
	put_le32(b + TX_CHUNK, t->chunk);
	put_le32(b + TX_HEAD_CRC, t->head_crc);
	put_le32(b + TX_TABLE_CRC, crc32_of(table));
	put_le32(b + TX_CRC, crc32_of((struct view){ b, TX_CRC }));
	memcpy(b + TX_STATE, tx_states[TX_WRITING], TX_STATE_LEN);
}

static int put_zeros(struct writer *w, uint64_t to, struct err *e)
{
	static const uint8_t zeros[4096];
	int rc = 0;

	while (rc == 0 && w->at + w->b.n < to)
		rc = put(w,
			 (struct view){ zeros, (size_t)u64_min(sizeof(zeros),
							       to - w->at - w->b.n) },
			 e);
	return rc;
}

/* Room that is there when it is needed, and the first slot in it. */
static int put_slots(struct writer *w, const struct journal_entry *t, struct err *e)
{
	uint8_t first[SLOT_HEADER];

	if (t->nmoves == 0)
		return 0;
	slot_first(first);
	if (put_zeros(w, t->slots_at, e) != 0 ||
	    put(w, (struct view){ first, sizeof(first) }, e) != 0)
		return -1;
	return put_zeros(w, t->slots_at + 2 * (SLOT_HEADER + (uint64_t)t->chunk), e);
}

static int write_body(const struct journal *j, const struct journal_entry *t,
		      struct view table, uint64_t total, struct err *e)
{
	static const uint8_t padding[TX_ALIGN];
	struct writer w = { .fd = j->fd, .at = j->end };
	uint8_t head[TX_HEADER];
	int rc;

	encode_tx(t, table, total, head);
	rc = put(&w, (struct view){ head, sizeof(head) }, e);
	if (rc == 0)
		rc = put(&w, table, e);
	for (size_t i = 0; i < t->n && rc == 0; i++) {
		rc = put(&w, t->records[i].old, e);
		if (rc == 0)
			rc = put(&w, t->records[i].new, e);
	}
	for (size_t i = 0; i < t->ngaps && rc == 0; i++)
		rc = put(&w, t->gaps[i].old, e);
	if (rc == 0)
		rc = put_slots(&w, t, e);
	if (rc == 0)
		rc = put(&w,
			 (struct view){ padding, (size_t)(-(w.at + w.b.n) % TX_ALIGN) },
			 e);
	if (rc == 0)
		rc = flush(&w, e);
	BUG_ON(rc == 0 && w.at != j->end + total);
	buf_free(&w.b);
	return rc;
}

static int write_state(const struct journal *j, uint64_t at, enum tx_state state,
		       struct err *e)
{
	struct view v = { tx_states[state], TX_STATE_LEN };

	if (io_write(j->fd, at + TX_STATE, v, e) != 0)
		return -1;
	return io_sync(j->fd, e);
}

/* A repair that was never armed may have left bytes behind. They are gone for good before
 * anything is written over them: a mixture of both must not be met after a crash. */
static int cut_tail(const struct journal *j, struct err *e)
{
	struct stat st;

	if (fstat(j->fd, &st) != 0)
		return err_sys(e, errno, "cannot stat it");
	if ((uint64_t)st.st_size <= j->end)
		return 0;
	if (io_resize(j->fd, j->end, e) != 0)
		return -1;
	return io_sync(j->fd, e);
}

/* What an older vmend must not take for a repair without moves. One sector, so that it is
 * the old header or the new one. */
static int raise_version(struct journal *j, const struct journal_entry *t, struct err *e)
{
	uint8_t b[FILE_HEADER];

	if (t->nmoves == 0 || j->version >= JOURNAL_VERSION_MOVES)
		return 0;
	if (io_read_padded(j->fd, 0, b, sizeof(b), e) != 0)
		return -1;
	put_le32(b + FILE_VERSION, JOURNAL_VERSION_MOVES);
	put_le32(b + FILE_CRC, crc32_of((struct view){ b, FILE_CRC }));
	if (io_write(j->fd, 0, (struct view){ b, sizeof(b) }, e) != 0)
		return -1;
	j->version = JOURNAL_VERSION_MOVES;
	return io_sync(j->fd, e);
}

int journal_arm(struct journal *j, struct journal_entry *t, struct err *e)
{
	struct view table;
	uint64_t total;

	BUG_ON(j->count > 0 && !j->last.done);
	if (j->count == JOURNAL_MAX_TX) {
		err_set(e, ERR_LIMIT, "has %d transactions already", JOURNAL_MAX_TX);
		return journal_fail(j, e);
	}
	t->at = j->end;
	t->done = false;
	table = encode_table(j, t, &total);
	if (cut_tail(j, e) != 0 || raise_version(j, t, e) != 0 ||
	    write_body(j, t, table, total, e) != 0 || io_sync(j->fd, e) != 0 ||
	    write_state(j, t->at, TX_ARMED, e) != 0) {
		drop_tail(j);
		return journal_fail(j, e);
	}
	j->last = *t;
	j->end += total;
	j->count++;
	return 0;
}

int journal_mark(struct journal *j, bool done, struct err *e)
{
	BUG_ON(j->count == 0);
	if (write_state(j, j->last.at, done ? TX_DONE : TX_ARMED, e) != 0)
		return journal_fail(j, e);
	j->last.done = done;
	return 0;
}

static int pop(struct journal *j, struct err *e)
{
	if (j->count == 1) {
		if (io_unlink(j->dir, j->name, e) != 0)
			return -1;
		j->count = 0;
		j->end = FILE_HEADER;
		j->last = (struct journal_entry){ 0 };
		return io_sync_dir(j->dir, e);
	}
	if (io_resize(j->fd, j->last.at, e) != 0 || io_sync(j->fd, e) != 0 ||
	    journal_scan(j, e) != 0)
		return -1;
	return journal_load(j, e);
}

void journal_remove_empty(struct journal *j)
{
	/* After a pop the name may be another vmend's already. */
	if (j->count == 0 && still_named(j))
		drop_tail(j);
}

int journal_pop(struct journal *j, struct err *e)
{
	BUG_ON(j->count == 0);
	return pop(j, e) == 0 ? 0 : journal_fail(j, e);
}
