/* The power fails after each call in turn. Of what was not yet synced, any sector, size or
 * name may be lost and any other may be there (tests/lib/lossy_disk.h): from every such disk
 * the repair can be undone and finished.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/lossy_disk.h"

#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"

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

static void try_disk(struct scene *c, struct disk_state *m, size_t upto,
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

static void try_all(struct scene *c, struct disk_state *m, size_t upto, size_t n,
		    size_t count)
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
static void try_some(struct scene *c, struct disk_state *m, size_t upto, size_t n)
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

static void try_moment(struct scene *c, struct disk_state *m, size_t upto)
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
	struct disk_state *m = calloc(1, sizeof(*m));
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
