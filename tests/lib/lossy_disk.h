/* A disk that may lose what was not synced: what a program does to a folder is recorded through
 * tests/lib/seam.h, and any disk that a power failure could leave of it is laid down again.
 * The model: a sector is written whole or not at all; a file that grew may have its new
 * size without the bytes; io_sync() settles a file, io_sync_dir() the names in a folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_LOSSY_DISK_H
#define TESTS_LIB_LOSSY_DISK_H

#include "base/vec.h"
#include "tests/lib/scratch.h"
#include "tests/lib/seam.h"

/* ---- what was done to the disk ---- */

enum effect { BYTES, SIZE, NAMES, SYNC, SYNC_DIR, CALL_ENDS };

struct disk_event {
	enum effect effect;
	size_t file;       /* BYTES, SIZE, SYNC */
	uint64_t off;      /* BYTES; SIZE: the size */
	struct view bytes; /* BYTES: within one sector */
	const char *name,
		*to; /* NAMES: name gets file, or goes; `to` gets file (rename) */
	bool goes;
	const char *dir; /* NAMES, SYNC_DIR */
};

struct disk_file {
	ino_t ino;
	struct view bytes; /* at the start */
};

struct disk_name {
	const char *path;
	size_t file;
};

static struct {
	struct scratch *s;
	VEC(struct disk_event) events;
	VEC(struct disk_file) files;
	VEC(struct disk_name) names; /* at the start */
} disk;

static inline size_t file_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	for (size_t i = disk.files.n; i > 0; i--) {
		if (disk.files.v[i - 1].ino == st.st_ino)
			return i - 1;
	}
	fail_msg("a file that was neither there nor created");
	return 0;
}

static const char *dir_of(int dir)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path));
	assert_true(n > 0);
	return arena_str(&disk.s->arena, (struct str){ path, (size_t)n });
}

static inline struct disk_event *add(enum effect effect)
{
	struct disk_event *ev = vec_add(&disk.events, &disk.s->arena);

	ev->effect = effect;
	return ev;
}

static inline void add_write(const struct seam_op *op)
{
	for (uint64_t i = 0; i < op->bytes.n;) {
		uint64_t n = u64_min(op->bytes.n - i, 512 - (op->off + i) % 512);
		struct disk_event *ev = add(BYTES);

		ev->file = file_of(op->fd);
		ev->off = op->off + i;
		ev->bytes = arena_copy(&disk.s->arena,
				       view_cut(op->bytes, (size_t)i, (size_t)n));
		i += n;
	}
}

static inline void add_names(const struct seam_op *op)
{
	struct disk_event *ev = add(NAMES);
	struct arena *a = &disk.s->arena;

	ev->dir = dir_of(op->dir);
	ev->name = arena_printf(a, "%s/%s", ev->dir, op->name);
	ev->goes = op->kind == SEAM_UNLINK;
	if (op->kind == SEAM_RENAME)
		ev->to = arena_printf(a, "%s/%s", ev->dir, op->to);
	if (op->kind == SEAM_CREATE) {
		struct stat st;

		assert_int_equal(fstat(op->fd, &st), 0);
		ev->file = disk.files.n;
		*vec_add(&disk.files, a) = (struct disk_file){ .ino = st.st_ino };
	}
}

static inline void record(const struct seam_op *op)
{
	switch (op->kind) {
	case SEAM_WRITE:
		add_write(op);
		break;
	case SEAM_RESIZE: {
		struct disk_event *ev = add(SIZE);

		ev->file = file_of(op->fd);
		ev->off = op->off;
		break;
	}
	case SEAM_PUNCH: {
		struct seam_op zeros = *op;

		zeros.bytes = (struct view){ arena_array(&disk.s->arena, (size_t)op->len,
							 uint8_t),
					     (size_t)op->len };
		add_write(&zeros);
		break;
	}
	case SEAM_SYNC:
		add(SYNC)->file = file_of(op->fd);
		break;
	case SEAM_SYNC_DIR:
		add(SYNC_DIR)->dir = dir_of(op->dir);
		break;
	case SEAM_CREATE:
	case SEAM_RENAME:
	case SEAM_UNLINK:
		add_names(op);
		break;
	case SEAM_MKDIR:
		fail_msg("the state folder was to be there");
	}
	add(CALL_ENDS);
}

/* ---- a disk in the test's own memory ---- */

enum { MAX_FILE = 1 << 17, MAX_FILES = 8, MAX_NAMES = 12 };

struct disk_state {
	uint8_t bytes[MAX_FILES][MAX_FILE];
	size_t size[MAX_FILES];
	struct disk_name names[MAX_NAMES];
	size_t nnames;
};

static inline void set_name(struct disk_state *m, const char *path, size_t file)
{
	for (size_t i = 0; i < m->nnames; i++) {
		if (strcmp(m->names[i].path, path) == 0) {
			m->names[i].file = file;
			return;
		}
	}
	assert_true(m->nnames < MAX_NAMES);
	m->names[m->nnames++] = (struct disk_name){ path, file };
}

static inline size_t drop_name(struct disk_state *m, const char *path, size_t otherwise)
{
	for (size_t i = 0; i < m->nnames; i++) {
		if (strcmp(m->names[i].path, path) == 0) {
			otherwise = m->names[i].file;
			m->names[i] = m->names[--m->nnames];
			break;
		}
	}
	return otherwise;
}

static inline void set_size(struct disk_state *m, size_t file, uint64_t size)
{
	assert_true(file < MAX_FILES && size <= MAX_FILE);
	if (size < m->size[file])
		memset(m->bytes[file] + size, 0, m->size[file] - (size_t)size);
	m->size[file] = (size_t)size;
}

enum fate { LOST, THERE, SIZE_ONLY };

static inline void apply_event(struct disk_state *m, const struct disk_event *ev,
			       enum fate fate)
{
	uint64_t end = ev->off + ev->bytes.n;

	if (fate == LOST)
		return;
	switch (ev->effect) {
	case BYTES:
		if (end > m->size[ev->file])
			set_size(m, ev->file, end);
		if (fate == THERE)
			memcpy(m->bytes[ev->file] + ev->off, ev->bytes.p, ev->bytes.n);
		break;
	case SIZE:
		set_size(m, ev->file, ev->off);
		break;
	case NAMES:
		if (ev->to)
			set_name(m, ev->to, drop_name(m, ev->name, ev->file));
		else if (ev->goes)
			drop_name(m, ev->name, 0);
		else
			set_name(m, ev->name, ev->file);
		break;
	case SYNC:
	case SYNC_DIR:
	case CALL_ENDS:
		break;
	}
}

/* Is the effect of event i on the disk for sure when the power fails before `upto`? */
static inline bool is_settled(size_t i, size_t upto)
{
	const struct disk_event *ev = &disk.events.v[i];

	for (size_t k = i + 1; k < upto; k++) {
		const struct disk_event *later = &disk.events.v[k];

		if (ev->effect == NAMES && later->effect == SYNC_DIR &&
		    strcmp(later->dir, ev->dir) == 0)
			return true;
		if (ev->effect != NAMES && later->effect == SYNC &&
		    later->file == ev->file)
			return true;
	}
	return false;
}

static inline bool can_be_lost(size_t i, size_t upto)
{
	enum effect effect = disk.events.v[i].effect;

	return (effect == BYTES || effect == SIZE || effect == NAMES) &&
	       !is_settled(i, upto);
}

/* fates: one for each event that can be lost. */
static inline void build(struct disk_state *m, size_t upto, const enum fate *fates)
{
	size_t k = 0;

	for (size_t i = 0; i < MAX_FILES; i++)
		set_size(m, i, 0);
	m->nnames = 0;
	for (size_t i = 0; i < disk.files.n; i++) {
		struct view v = disk.files.v[i].bytes;

		set_size(m, i, v.n);
		if (v.n)
			memcpy(m->bytes[i], v.p, v.n);
	}
	for (size_t i = 0; i < disk.names.n; i++)
		set_name(m, disk.names.v[i].path, disk.names.v[i].file);
	for (size_t i = 0; i < upto; i++)
		apply_event(m, &disk.events.v[i],
			    can_be_lost(i, upto) ? fates[k++] : THERE);
}

/* ---- the real folder ---- */

static inline int remove_file(const char *path, const struct stat *st, int type,
			      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? 0 : unlink(path);
}

static inline void lay_down(const struct disk_state *m)
{
	nftw(disk.s->dir, remove_file, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < m->nnames; i++) {
		const struct disk_name *n = &m->names[i];
		size_t first = 0;
		int fd;

		while (m->names[first].file != n->file)
			first++;
		if (first < i) {
			assert_int_equal(link(m->names[first].path, n->path), 0);
			continue;
		}
		fd = open(n->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		scratch_fill(fd, (struct view){ m->bytes[n->file], m->size[n->file] });
		close(fd);
	}
}

static inline int take_name(const char *path, const struct stat *st, int type,
			    struct FTW *ftw)
{
	size_t file = 0;

	(void)ftw;
	if (type != FTW_F)
		return 0;
	while (file < disk.files.n && disk.files.v[file].ino != st->st_ino)
		file++;
	if (file == disk.files.n) {
		const char *relative = path + strlen(disk.s->dir) + 1;

		*vec_add(&disk.files, &disk.s->arena) =
			(struct disk_file){ st->st_ino, scratch_read(disk.s, relative) };
	}
	*vec_add(&disk.names, &disk.s->arena) =
		(struct disk_name){ arena_str(&disk.s->arena, str_of(path)), file };
	return 0;
}

/* The folder as it is now is what is on the disk. */
static inline void start_recording(struct scratch *s)
{
	memset(&disk, 0, sizeof(disk));
	disk.s = s;
	assert_int_equal(nftw(s->dir, take_name, 16, FTW_PHYS), 0);
	seam_behind = record;
}

#endif
