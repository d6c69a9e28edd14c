/* The power fails after each call in turn. Of what was not yet synced, any sector, size or
 * name may be lost and any other may be there: from every such disk the repair can be
 * undone and finished.
 * The model: a sector is written whole or not at all; a file that grew may have its new
 * size without the bytes; io_sync() settles a file, io_sync_dir() the names in a folder.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "base/vec.h"
#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"
#include "tests/lib/seam.h"

#include "base/banned.h"

/* Locks are not what is tested here, and looking for other users takes its time. */
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

/* ---- what was done to the disk ---- */

enum effect { BYTES, SIZE, NAMES, SYNC, SYNC_DIR, CALL_ENDS };

struct event {
	enum effect effect;
	size_t file;       /* BYTES, SIZE, SYNC */
	uint64_t off;      /* BYTES; SIZE: the size */
	struct view bytes; /* BYTES: within one sector */
	const char *name,
		*to; /* NAMES: name gets file, or goes; `to` gets file (rename) */
	bool goes;
	const char *dir; /* NAMES, SYNC_DIR */
};

struct file {
	ino_t ino;
	struct view bytes; /* at the start */
};

struct name {
	const char *path;
	size_t file;
};

static struct {
	struct scratch *s;
	VEC(struct event) events;
	VEC(struct file) files;
	VEC(struct name) names; /* at the start */
} disk;

static size_t file_of(int fd)
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

static struct event *add(enum effect effect)
{
	struct event *ev = vec_add(&disk.events, &disk.s->arena);

	ev->effect = effect;
	return ev;
}

static void add_write(const struct seam_op *op)
{
	for (uint64_t i = 0; i < op->bytes.n;) {
		uint64_t n = u64_min(op->bytes.n - i, 512 - (op->off + i) % 512);
		struct event *ev = add(BYTES);

		ev->file = file_of(op->fd);
		ev->off = op->off + i;
		ev->bytes = arena_copy(&disk.s->arena,
				       view_cut(op->bytes, (size_t)i, (size_t)n));
		i += n;
	}
}

static void add_names(const struct seam_op *op)
{
	struct event *ev = add(NAMES);
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
		*vec_add(&disk.files, a) = (struct file){ .ino = st.st_ino };
	}
}

static void record(const struct seam_op *op)
{
	switch (op->kind) {
	case SEAM_WRITE:
		add_write(op);
		break;
	case SEAM_RESIZE: {
		struct event *ev = add(SIZE);

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

struct image {
	uint8_t bytes[MAX_FILES][MAX_FILE];
	size_t size[MAX_FILES];
	struct name names[MAX_NAMES];
	size_t nnames;
};

static void set_name(struct image *m, const char *path, size_t file)
{
	for (size_t i = 0; i < m->nnames; i++) {
		if (strcmp(m->names[i].path, path) == 0) {
			m->names[i].file = file;
			return;
		}
	}
	assert_true(m->nnames < MAX_NAMES);
	m->names[m->nnames++] = (struct name){ path, file };
}

static size_t drop_name(struct image *m, const char *path, size_t otherwise)
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

static void set_size(struct image *m, size_t file, uint64_t size)
{
	assert_true(file < MAX_FILES && size <= MAX_FILE);
	if (size < m->size[file])
		memset(m->bytes[file] + size, 0, m->size[file] - (size_t)size);
	m->size[file] = (size_t)size;
}

enum fate { LOST, THERE, SIZE_ONLY };

static void apply_event(struct image *m, const struct event *ev, enum fate fate)
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
static bool is_settled(size_t i, size_t upto)
{
	const struct event *ev = &disk.events.v[i];

	for (size_t k = i + 1; k < upto; k++) {
		const struct event *later = &disk.events.v[k];

		if (ev->effect == NAMES && later->effect == SYNC_DIR &&
		    strcmp(later->dir, ev->dir) == 0)
			return true;
		if (ev->effect != NAMES && later->effect == SYNC &&
		    later->file == ev->file)
			return true;
	}
	return false;
}

static bool can_be_lost(size_t i, size_t upto)
{
	enum effect effect = disk.events.v[i].effect;

	return (effect == BYTES || effect == SIZE || effect == NAMES) &&
	       !is_settled(i, upto);
}

/* fates: one for each event that can be lost. */
static void build(struct image *m, size_t upto, const enum fate *fates)
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

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? 0 : unlink(path);
}

static void lay_down(const struct image *m)
{
	nftw(disk.s->dir, remove_file, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < m->nnames; i++) {
		const struct name *n = &m->names[i];
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

static int take_name(const char *path, const struct stat *st, int type, struct FTW *ftw)
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
			(struct file){ st->st_ino, scratch_read(disk.s, relative) };
	}
	*vec_add(&disk.names, &disk.s->arena) =
		(struct name){ arena_str(&disk.s->arena, str_of(path)), file };
	return 0;
}

/* The folder as it is now is what is on the disk. */
static void start_recording(struct scratch *s)
{
	memset(&disk, 0, sizeof(disk));
	disk.s = s;
	assert_int_equal(nftw(s->dir, take_name, 16, FTW_PHYS), 0);
	seam_behind = record;
}

/* ---- what must be possible afterwards ---- */

struct scene {
	struct scratch *s;
	const char *name;
	bool text, grow, moves, sparse, hard_link;
	bool second; /* there is an older repair below it, which must stay */
	struct view before, after;
	size_t exhaustive; /* up to so many disks of one moment, all are tried */
	size_t dice;       /* else so many by chance, and some by rule */
	size_t disks;      /* that were tried */
};

static const char *path_of(const struct scene *c)
{
	return scratch_path(c->s, c->name);
}

static enum journal_state look(const struct scene *c)
{
	return journal_look(path_of(c), c->text ? FORMAT_TEXT : FORMAT_IMAGE);
}

static struct plan plan_of(const struct scene *c, const struct source *src)
{
	struct arena *a = &c->s->arena;

	return c->sparse  ? scratch_sparse_plan(src, a)
	       : c->moves ? scratch_move_plan(src, a)
			  : scratch_plan(src, a, c->grow);
}

static int repair(const struct scene *c, struct err *e)
{
	struct move_watch watch = { .chunk = c->sparse ? SPARSE_CHUNK : MOVE_CHUNK };
	struct source src;
	struct plan p;
	int rc;

	if (c->text)
		return apply_text(path_of(c), c->before, c->after, true, e);
	assert_int_equal(source_open(&src, path_of(c), SOURCE_WRITE, e), 0);
	p = plan_of(c, &src);
	rc = apply_image_watched(&src, &p, &watch, e);
	source_close(&src);
	return rc;
}

static int resume(const struct scene *c, struct err *e)
{
	struct source src;
	int rc;

	if (c->text)
		return resume_text(path_of(c), e);
	assert_int_equal(source_open(&src, path_of(c), SOURCE_WRITE, e), 0);
	rc = resume_image(&src, NULL, e);
	source_close(&src);
	return rc;
}

static int undo(const struct scene *c, struct err *e)
{
	struct undo_result r;

	return undo_last(path_of(c), true, NULL, &r, e);
}

static bool holds(const struct scene *c, struct view v)
{
	uint8_t *is = malloc(v.n);
	bool yes;

	assert_non_null(is);
	yes = scratch_load(path_of(c), is, v.n) == v.n && memcmp(is, v.p, v.n) == 0;
	free(is);
	return yes;
}

/* The repair was never armed, or is taken back, and the one below it is there. */
static bool is_at_first(const struct scene *c)
{
	return c->second && look(c) == JOURNAL_DONE && holds(c, c->before);
}

static void must_undo(const struct scene *c)
{
	enum journal_state was = look(c);
	struct err e = { 0 };
	int rc;

	if (is_at_first(c))
		return;
	rc = undo(c, &e);

	assert_int_not_equal(was, JOURNAL_DAMAGED);
	if (was != JOURNAL_NONE && rc != 0)
		fail_msg("undo: %s", e.msg);
	assert_holds(c->s, c->name, c->before);
	if (c->second) {
		assert_true(is_at_first(c));
		return;
	}
	assert_int_equal(scratch_count(c->s), c->hard_link ? 2 : 1);
	assert_int_equal(look(c), JOURNAL_NONE);
}

static void must_finish(const struct scene *c)
{
	enum journal_state was = look(c);
	struct err e = { 0 };

	if (is_at_first(c))
		return;
	if (resume(c, &e) != 0)
		fail_msg("resume: %s", e.msg);
	assert_holds(c->s, c->name, was == JOURNAL_NONE ? c->before : c->after);
}

static void try_disk(struct scene *c, struct image *m, size_t upto,
		     const enum fate *fates)
{
	c->disks++;
	build(m, upto, fates);
	lay_down(m);
	must_undo(c);
	lay_down(m);
	must_finish(c);
}

/* ---- which disks ---- */

enum { MAX_LOSABLE = 128 };

static void set_all(enum fate *fates, size_t n, enum fate fate)
{
	for (size_t i = 0; i < n; i++)
		fates[i] = fate;
}

static void try_all(struct scene *c, struct image *m, size_t upto, size_t n, size_t count)
{
	enum fate fates[MAX_LOSABLE];

	for (size_t pick = 0; pick < count; pick++) {
		size_t rest = pick;

		for (size_t i = 0; i < n; i++, rest /= 3)
			fates[i] = (enum fate)(rest % 3);
		try_disk(c, m, upto, fates);
	}
}

/* Too many: one differs from all others, first or last ones differ, and dice. */
static void try_some(struct scene *c, struct image *m, size_t upto, size_t n)
{
	enum fate fates[MAX_LOSABLE];
	uint32_t dice = (uint32_t)upto * 2654435761u + 1;

	for (unsigned k = 0; k < 9; k++) {
		for (size_t i = 0; i < n; i++) {
			set_all(fates, n, (enum fate)(k % 3));
			fates[i] = (enum fate)(k / 3);
			try_disk(c, m, upto, fates);
			set_all(fates, i, (enum fate)(k / 3));
			try_disk(c, m, upto, fates);
		}
	}
	for (size_t r = 0; r < c->dice; r++) {
		for (size_t i = 0; i < n; i++) {
			dice = dice * 1664525u + 1013904223u;
			fates[i] = (enum fate)((dice >> 24) % 3);
		}
		try_disk(c, m, upto, fates);
	}
}

static void try_moment(struct scene *c, struct image *m, size_t upto)
{
	size_t n = 0, count = 1;

	for (size_t i = 0; i < upto; i++)
		n += can_be_lost(i, upto);
	assert_true(n <= MAX_LOSABLE);
	for (size_t i = 0; i < n && count <= c->exhaustive; i++)
		count *= 3;
	if (count <= c->exhaustive)
		try_all(c, m, upto, n, count);
	else
		try_some(c, m, upto, n);
}

/* Records act from the folder as it is, then fails the power after each of its calls. */
static void fail_power(struct scene *c, int (*act)(const struct scene *, struct err *))
{
	struct image *m = calloc(1, sizeof(*m));
	struct err e = { 0 };

	assert_non_null(m);
	start_recording(c->s);
	if (act(c, &e) != 0)
		fail_msg("%s", e.msg);
	seam_behind = NULL;
	assert_true(disk.files.n <= MAX_FILES);
	try_moment(c, m, 0);
	for (size_t i = 0; i < disk.events.n; i++) {
		if (disk.events.v[i].effect == CALL_ENDS)
			try_moment(c, m, i + 1);
	}
	free(m);
}

static void lay_out(const struct scene *c)
{
	struct err e = { 0 };

	nftw(c->s->dir, remove_file, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(setenv("XDG_STATE_HOME", scratch_path(c->s, "state"), 1), 0);
	mkdir(scratch_path(c->s, "state"), 0700);
	mkdir(scratch_path(c->s, "state/vmend"), 0700);
	mkdir(scratch_path(c->s, "state/vmend/undo"), 0700);
	if (c->sparse)
		scratch_write_sparse(c->s, c->name, c->before);
	else
		scratch_write(c->s, c->name, c->before);
	if (c->hard_link)
		assert_int_equal(link(path_of(c), scratch_path(c->s, "other")), 0);
	if (c->second) {
		struct scene first = *c;

		first.grow = first.second = false;
		scratch_write(c->s, c->name, scratch_bytes(c->s, IMAGE_SIZE, 1));
		assert_int_equal(repair(&first, &e), 0);
		assert_holds(c->s, c->name, c->before);
	}
}

static void lose_power_in_repair_and_undo(struct scene *c, size_t least)
{
	struct err e = { 0 };

	lay_out(c);
	fail_power(c, repair);
	lay_out(c);
	assert_int_equal(repair(c, &e), 0);
	fail_power(c, undo);
	/* A test that tests nothing would try few. */
	assert_true(c->disks > least);
}

/* The power fails in the repair, and again in what follows. */
static size_t armed_at;

static int stop_armed(const struct seam_op *op, struct err *e)
{
	(void)op;
	if (armed_at == 0)
		return err_sys(e, EIO, "the power is off");
	armed_at--;
	return 0;
}

static void lose_power_twice(struct scene *c)
{
	struct err e = { 0 };
	int rc = -1;

	for (size_t calls = 1; rc != 0; calls++) {
		for (int finish = 0; finish < 2; finish++) {
			lay_out(c);
			armed_at = calls;
			seam_before = stop_armed;
			rc = repair(c, &e);
			seam_before = NULL;
			if (look(c) == JOURNAL_ARMED)
				fail_power(c, finish ? resume : undo);
		}
	}
}

static struct scene image_scene(struct scratch *s, bool grow)
{
	struct scene c = {
		.s = s, .name = "d.raw", .grow = grow, .exhaustive = 2187, .dice = 300
	};
	struct source src;
	struct plan p;

	c.before = scratch_bytes(s, IMAGE_SIZE, 1);
	src = source_of_bytes("x", c.before);
	p = scratch_plan(&src, &s->arena, grow);
	c.after = scratch_after(s, c.before, &p);
	return c;
}

static struct scene move_scene(struct scratch *s)
{
	struct scene c = image_scene(s, true);
	struct source src = source_of_bytes("x", c.before);
	struct plan p = scratch_move_plan(&src, &s->arena);

	c.moves = true;
	c.after = scratch_after(s, c.before, &p);
	return c;
}

static struct scene sparse_scene(struct scratch *s)
{
	struct scene c = move_scene(s);
	struct source src;
	struct plan p;

	c.sparse = true;
	c.before = scratch_sparse_bytes(s);
	src = source_of_bytes("x", c.before);
	p = scratch_sparse_plan(&src, &s->arena);
	c.after = scratch_after(s, c.before, &p);
	return c;
}

static struct scene text_scene(struct scratch *s, size_t before, size_t after,
			       bool hard_link)
{
	return (struct scene){ .s = s,
			       .name = "vm.xml",
			       .text = true,
			       .hard_link = hard_link,
			       .exhaustive = 2187,
			       .dice = 300,
			       .before = scratch_bytes(s, before, 2),
			       .after = scratch_bytes(s, after, 3) };
}

static void an_image_survives_lost_writes(void **state)
{
	struct scene c = image_scene(*state, false);

	lose_power_in_repair_and_undo(&c, 1000);
}

static void an_image_that_grows_survives_lost_writes(void **state)
{
	struct scene c = image_scene(*state, true);

	lose_power_in_repair_and_undo(&c, 1000);
}

static void a_second_repair_survives_lost_writes(void **state)
{
	struct scene first = image_scene(*state, false), second;
	struct source src = source_of_bytes("x", first.after);
	struct plan p = scratch_plan(&src, &first.s->arena, true);

	second = first;
	second.second = second.grow = true;
	second.before = first.after;
	second.after = scratch_after(first.s, first.after, &p);
	lose_power_in_repair_and_undo(&second, 90);
}

static void a_move_survives_lost_writes(void **state)
{
	struct scene c = move_scene(*state);

	c.exhaustive = 81;
	c.dice = 20;
	lose_power_in_repair_and_undo(&c, 1000);
}

static void a_sparse_move_survives_lost_writes(void **state)
{
	struct scene c = sparse_scene(*state);

	c.exhaustive = 9;
	c.dice = 20;
	lose_power_in_repair_and_undo(&c, 1000);
}

static void a_text_survives_lost_writes(void **state)
{
	struct scene c = text_scene(*state, 1300, 900, false);

	lose_power_in_repair_and_undo(&c, 300);
}

static void a_text_that_shrinks_in_place_survives_lost_writes(void **state)
{
	struct scene c = text_scene(*state, 1300, 900, true);

	lose_power_in_repair_and_undo(&c, 300);
}

static void a_text_that_grows_in_place_survives_lost_writes(void **state)
{
	struct scene c = text_scene(*state, 900, 1300, true);

	lose_power_in_repair_and_undo(&c, 300);
}

static void power_may_fail_again_in_undo_and_resume(void **state)
{
	struct scene image = image_scene(*state, true);
	struct scene text = text_scene(*state, 900, 1300, true);

	image.exhaustive = text.exhaustive = 27;
	image.dice = text.dice = 10;
	lose_power_twice(&image);
	lose_power_twice(&text);
	assert_true(image.disks > 500 && text.disks > 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_survives_lost_writes),
		T(an_image_that_grows_survives_lost_writes),
		T(a_second_repair_survives_lost_writes),
		T(a_move_survives_lost_writes),
		T(a_sparse_move_survives_lost_writes),
		T(a_text_survives_lost_writes),
		T(a_text_that_shrinks_in_place_survives_lost_writes),
		T(a_text_that_grows_in_place_survives_lost_writes),
		T(power_may_fail_again_in_undo_and_resume),
	};

	if (access("/proc/self/fd", X_OK) != 0)
		return cmocka_run_group_tests_name("no /proc", tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
