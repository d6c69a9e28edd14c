/* A folder of its own for tests that write: files in it, the state directory in it, and a
 * repair of an image in all three stages. For one test program each.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SCRATCH_H
#define TESTS_LIB_SCRATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/source.h"
#include "base/arena.h"
#include "rewrite/edit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
	char dir[64];
	struct arena arena;
	struct err err;
};

/* Memory, where there is such a folder: these tests sync a lot. */
static inline void scratch_init(struct scratch *s)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	*s = (struct scratch){ 0 };
	snprintf(s->dir, sizeof(s->dir), "%s/vmend-test-XXXXXX", base);
	assert_non_null(mkdtemp(s->dir));
	arena_init(&s->arena, SIZE_MAX);
	assert_int_equal(
		setenv("XDG_STATE_HOME", arena_printf(&s->arena, "%s/state", s->dir), 1),
		0);
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void scratch_remove(const char *path)
{
	nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_free(struct scratch *s)
{
	scratch_remove(s->dir);
	arena_free(&s->arena);
}

static inline int scratch_setup(void **state)
{
	struct scratch *s = malloc(sizeof(*s));

	assert_non_null(s);
	scratch_init(s);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	scratch_free(*state);
	free(*state);
	return 0;
}

static inline const char *scratch_path(struct scratch *s, const char *name)
{
	return arena_printf(&s->arena, "%s/%s", s->dir, name);
}

static inline bool scratch_has(struct scratch *s, const char *name)
{
	struct stat st;

	return lstat(scratch_path(s, name), &st) == 0;
}

/* Names in the folder, hidden ones too, but for the state directory. */
static inline size_t scratch_count(const struct scratch *s)
{
	DIR *d = opendir(s->dir);
	const struct dirent *de;
	size_t n = 0;

	assert_non_null(d);
	while ((de = readdir(d)))
		n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		     strcmp(de->d_name, "state") != 0;
	closedir(d);
	return n;
}

static inline struct view scratch_text(const char *text)
{
	return (struct view){ (const uint8_t *)text, strlen(text) };
}

static inline const char *scratch_write(struct scratch *s, const char *name,
					struct view v)
{
	const char *path = scratch_path(s, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, v.p, v.n), (ssize_t)v.n);
	close(fd);
	return path;
}

/* The same with holes, where a page of it is zeros. */
static inline void scratch_fill(int fd, struct view v)
{
	assert_int_equal(ftruncate(fd, (off_t)v.n), 0);
	for (size_t off = 0; off < v.n; off += 4096) {
		struct view page = view_cut(v, off, v.n - off < 4096 ? v.n - off : 4096);

		if (!view_is_zero(page))
			assert_int_equal(pwrite(fd, page.p, page.n, (off_t)off),
					 (ssize_t)page.n);
	}
}

static inline const char *scratch_write_sparse(struct scratch *s, const char *name,
					       struct view v)
{
	const char *path = scratch_path(s, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	scratch_fill(fd, v);
	close(fd);
	return path;
}

/* Reads at most size bytes; returns how many there are. */
static inline size_t scratch_load(const char *path, uint8_t *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if ((size_t)st.st_size < size)
		size = (size_t)st.st_size;
	assert_int_equal(read(fd, buf, size), (ssize_t)size);
	close(fd);
	return (size_t)st.st_size;
}

static inline struct view scratch_read(struct scratch *s, const char *name)
{
	const char *path = scratch_path(s, name);
	size_t n = scratch_load(path, NULL, 0);
	uint8_t *p = arena_alloc(&s->arena, n + 1, 1);

	scratch_load(path, p, n);
	return (struct view){ p, n };
}

static inline bool same_bytes(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline void assert_holds(struct scratch *s, const char *name, struct view v)
{
	uint8_t *is = malloc(v.n + 1);
	char path[4096];

	assert_non_null(is);
	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	assert_int_equal(scratch_load(path, is, v.n), v.n);
	if (v.n)
		assert_memory_equal(is, v.p, v.n);
	free(is);
}

/* Bytes that differ from place to place; seed makes another such image. */
static inline struct view scratch_bytes(struct scratch *s, size_t n, uint32_t seed)
{
	uint8_t *p = arena_alloc(&s->arena, n + 1, 1);
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (uint8_t)(x >> 24);
	}
	return (struct view){ p, n };
}

/* ---- a repair of an image ---- */

enum {
	IMAGE_SIZE = 20000,
	IMAGE_GROWN = 24576
}; /* the old size is in a sector's middle */

/* Tables over several sectors, a header within one, two commits, one of four bytes; with
 * growth also bytes across the old end and behind it. */
static inline struct plan scratch_plan(const struct source *src, struct arena *a,
				       bool grow)
{
	static const uint8_t table[1500] = { 1, 2, 3 }, header[92] = { 4, 5, 6 },
			     commit[4] = { 7, 8, 9, 10 }, tail[700] = { 11, 12 };
	struct plan p = plan_on(src, a);

	if (grow)
		plan_grow(&p, IMAGE_GROWN);
	assert_true(plan_bytes(&p, STAGE_COMMIT, 458, (struct view){ commit, 4 }));
	assert_true(plan_bytes(&p, STAGE_HEADERS, 512, (struct view){ header, 92 }));
	assert_true(plan_bytes(&p, STAGE_TABLES, 9000, (struct view){ table, 1500 }));
	assert_true(plan_bytes(&p, STAGE_COMMIT, 15000, (struct view){ header, 30 }));
	if (grow) {
		assert_true(
			plan_bytes(&p, STAGE_TABLES, 19900, (struct view){ tail, 700 }));
		assert_true(plan_bytes(&p, STAGE_HEADERS, 24064,
				       (struct view){ header, 92 }));
	}
	return p;
}

/* What the image holds afterwards, worked out without rewrite/. */
static inline struct view scratch_after(struct scratch *s, struct view before,
					const struct plan *p)
{
	uint8_t *out = arena_alloc(&s->arena, (size_t)p->size + 1, 1);

	memcpy(out, before.p, before.n);
	for (size_t i = 0; i < p->moves.n; i++)
		memcpy(out + p->moves.v[i].to, before.p + p->moves.v[i].from,
		       (size_t)p->moves.v[i].len);
	for (size_t i = 0; i < p->edits.n; i++)
		memcpy(out + p->edits.v[i].at.off, p->edits.v[i].bytes.p,
		       p->edits.v[i].bytes.n);
	return (struct view){ out, (size_t)p->size };
}

/* ---- a repair that moves ---- */

enum { MOVE_CHUNK = 1024 };

/* By less than a chunk and by more; over what the next one reads, over what nobody reads,
 * and over the old end; with edits in what was moved and beside it. */
static inline struct plan scratch_move_plan(const struct source *src, struct arena *a)
{
	static const uint8_t field[4] = { 7, 8, 9, 10 }, header[92] = { 4, 5, 6 };
	struct plan p = plan_on(src, a);

	plan_grow(&p, IMAGE_GROWN);
	assert_true(plan_move(&p, 9000, 9512, 2000));
	assert_true(plan_move(&p, 10900, 12100, 2300));
	assert_true(plan_move(&p, 15800, 19500, 4100));
	assert_true(plan_bytes(&p, STAGE_TABLES, 9540, (struct view){ field, 4 }));
	assert_true(plan_bytes(&p, STAGE_HEADERS, 20100, (struct view){ header, 92 }));
	assert_true(plan_bytes(&p, STAGE_HEADERS, 24064, (struct view){ header, 92 }));
	assert_true(plan_bytes(&p, STAGE_COMMIT, 512, (struct view){ header, 92 }));
	return p;
}

/* Of holes and data, page by page. A move by less than a chunk, over a gap that is data;
 * one by more, with a chunk that is nothing but holes. */
enum { SPARSE_CHUNK = 8192, SPARSE_SIZE = 11 * 4096, SPARSE_GROWN = 17 * 4096 };

static inline struct view scratch_sparse_bytes(struct scratch *s)
{
	static const char pages[] = "d.d.dd....d";
	struct view v = scratch_bytes(s, SPARSE_SIZE, 3);
	uint8_t *p = arena_alloc(&s->arena, v.n, 1);

	memcpy(p, v.p, v.n);
	for (size_t i = 0; pages[i]; i++) {
		if (pages[i] == '.')
			memset(p + i * 4096, 0, 4096);
	}
	return (struct view){ p, v.n };
}

static inline struct plan scratch_sparse_plan(const struct source *src, struct arena *a)
{
	static const uint8_t field[4] = { 7, 8, 9, 10 };
	struct plan p = plan_on(src, a);

	plan_grow(&p, SPARSE_GROWN);
	assert_true(plan_move(&p, 0, 4096, 4 * 4096));
	assert_true(plan_move(&p, 5 * 4096, 11 * 4096, 6 * 4096));
	assert_true(plan_bytes(&p, STAGE_TABLES, 11 * 4096, (struct view){ field, 4 }));
	assert_true(plan_bytes(&p, STAGE_COMMIT, 512, (struct view){ field, 4 }));
	return p;
}

#endif
