/* The process is killed, or a call fails, at each call that changes the disk in turn: the
 * repair can be undone and finished from every such moment, and the undo too.
 * What a loss of power adds is in test_power.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "tests/lib/seam.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

/* ---- stopping ---- */

enum stop {
	STOP_KILL, /* before the call */
	STOP_TEAR, /* the same, but half of a write is done */
	STOP_FAIL, /* this call fails, later ones work */
	STOP_DISK, /* this call and all later ones fail */
};

static struct {
	enum stop stop;
	size_t at; /* 1 is the first call; 0: never */
	size_t calls;
} now;

/* Half of the bytes, up to the end of a sector. */
static void tear(const struct seam_op *op)
{
	uint64_t to = (op->off + op->bytes.n / 2) / 512 * 512;
	struct err e;

	if (op->kind == SEAM_WRITE && to > op->off &&
	    real_io_write(op->fd, op->off, view_cut(op->bytes, 0, (size_t)(to - op->off)),
			  &e) != 0)
		_exit(3);
}

static int before_call(const struct seam_op *op, struct err *e)
{
	now.calls++;
	if (now.at == 0 || now.calls < now.at)
		return 0;
	switch (now.stop) {
	case STOP_TEAR:
		tear(op);
		raise(SIGKILL);
		break;
	case STOP_KILL:
		raise(SIGKILL);
		break;
	case STOP_FAIL:
		if (now.calls > now.at)
			return 0;
		break;
	case STOP_DISK:
		break;
	}
	return err_sys(e, EIO, "the test made it fail");
}

static void stop_at(enum stop stop, size_t at)
{
	now.stop = stop;
	now.at = at;
	now.calls = 0;
	seam_before = before_call;
}

/* ---- what is being stopped ---- */

struct scene {
	struct scratch *s;
	const char *name;
	bool text, grow, moves, sparse, hard_link, keep_undo;
	struct view before, after;
};

static const char *path_of(const struct scene *c)
{
	return scratch_path(c->s, c->name);
}

static void lay_out(struct scene *c)
{
	if (c->sparse)
		scratch_write_sparse(c->s, c->name, c->before);
	else
		scratch_write(c->s, c->name, c->before);
	if (c->hard_link && !scratch_has(c->s, "other"))
		assert_int_equal(link(path_of(c), scratch_path(c->s, "other")), 0);
}

static struct plan plan_of(const struct scene *c, const struct source *src)
{
	struct arena *a = &c->s->arena;

	return c->sparse  ? scratch_sparse_plan(src, a)
	       : c->moves ? scratch_move_plan(src, a)
			  : scratch_plan(src, a, c->grow);
}

static int act_repair(const struct scene *c, struct err *e)
{
	struct move_watch watch = { .chunk = c->sparse ? SPARSE_CHUNK : MOVE_CHUNK };
	struct source src;
	struct plan p;
	int rc;

	if (c->text)
		return apply_text(path_of(c), c->before, c->after, c->keep_undo, e);
	if (source_open(&src, path_of(c), SOURCE_WRITE, e) != 0)
		return -1;
	p = plan_of(c, &src);
	rc = apply_image_watched(&src, &p, &watch, e);
	source_close(&src);
	return rc;
}

static int act_resume(const struct scene *c, struct err *e)
{
	struct source src;
	int rc;

	if (c->text)
		return resume_text(path_of(c), e);
	if (source_open(&src, path_of(c), SOURCE_WRITE, e) != 0)
		return -1;
	rc = resume_image(&src, NULL, e);
	source_close(&src);
	return rc;
}

static int act_undo(const struct scene *c, struct err *e)
{
	struct undo_result r;

	return undo_last(path_of(c), true, NULL, &r, e);
}

typedef int (*action)(const struct scene *c, struct err *e);

/* Runs it in a child that is killed at call `at`. True: it was; false: it ran to its end,
 * and had fewer calls. */
static bool killed(const struct scene *c, action act, enum stop stop, size_t at)
{
	struct err e = { 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		stop_at(stop, at);
		_exit(act(c, &e) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static enum journal_state look(const struct scene *c)
{
	return journal_look(path_of(c), c->text ? FORMAT_TEXT : FORMAT_IMAGE);
}

/* Takes back whatever there is to take back; then all must be as it was. */
static void must_undo(struct scene *c)
{
	struct err e = { 0 };
	enum journal_state was = look(c);
	int rc = act_undo(c, &e);

	assert_int_not_equal(was, JOURNAL_DAMAGED);
	if (was != JOURNAL_NONE && rc != 0)
		fail_msg("undo: %s", e.msg);
	assert_holds(c->s, c->name, c->before);
	assert_int_equal(look(c), JOURNAL_NONE);
	assert_int_equal(scratch_count(c->s), c->hard_link ? 2 : 1);
}

/* Finishes what was armed; then all is as if nothing had happened. What was not armed is
 * untouched. */
static void must_finish(struct scene *c)
{
	struct err e = { 0 };
	enum journal_state was = look(c);

	if (act_resume(c, &e) != 0)
		fail_msg("resume: %s", e.msg);
	assert_holds(c->s, c->name, was == JOURNAL_NONE ? c->before : c->after);
	assert_int_equal(look(c), was == JOURNAL_NONE ? JOURNAL_NONE : JOURNAL_DONE);
}

static size_t kill_repair(struct scene *c, enum stop stop)
{
	size_t at = 1;

	for (bool more = true; more; at++) {
		lay_out(c);
		more = killed(c, act_repair, stop, at);
		must_undo(c);
		lay_out(c);
		killed(c, act_repair, stop, at);
		must_finish(c);
		must_undo(c);
	}
	return at - 2;
}

static size_t kill_undo(struct scene *c, enum stop stop)
{
	struct err e = { 0 };
	size_t at = 1;

	for (bool more = true; more; at++) {
		lay_out(c);
		assert_int_equal(act_repair(c, &e), 0);
		more = killed(c, act_undo, stop, at);
		must_undo(c);
		lay_out(c);
		assert_int_equal(act_repair(c, &e), 0);
		killed(c, act_undo, stop, at);
		must_finish(c);
		must_undo(c);
	}
	return at - 2;
}

/* Stopped three times: in the repair, in its resumption, in its undo. */
static void kill_thrice(struct scene *c, size_t first)
{
	bool more = true;

	for (size_t at = 1; more; at++) {
		lay_out(c);
		assert_true(killed(c, act_repair, STOP_TEAR, first));
		more = killed(c, act_resume, STOP_TEAR, at);
		if (look(c) != JOURNAL_NONE)
			more |= killed(c, act_undo, STOP_TEAR, at);
		must_undo(c);
	}
}

static void kill_at_every_call(struct scene *c, size_t least)
{
	size_t repair = kill_repair(c, STOP_KILL);
	size_t undo = kill_undo(c, STOP_KILL);

	assert_true(repair >= least);
	assert_true(undo >= 4);
	assert_int_equal(kill_repair(c, STOP_TEAR), repair);
	assert_int_equal(kill_undo(c, STOP_TEAR), undo);
	for (size_t at = 1; at <= repair; at++)
		kill_thrice(c, at);
}

/* One call fails, or the disk does from there on: an error, and either nothing is changed
 * or the journal is there to undo it. */
static void fail_at_every_call(struct scene *c, enum stop stop)
{
	struct err e = { 0 };
	int rc = -1;

	for (size_t at = 1; rc != 0; at++) {
		lay_out(c);
		stop_at(stop, at);
		rc = act_repair(c, &e);
		seam_before = NULL;
		if (rc != 0 && stop == STOP_FAIL && look(c) == JOURNAL_NONE)
			assert_holds(c->s, c->name, c->before);
		/* A temporary file that could not be removed is removed by nobody. */
		if (stop == STOP_DISK)
			scratch_remove(
				arena_printf(&c->s->arena, "%s/litter", c->s->dir));
		must_undo(c);
	}
}

static struct scene image_scene(struct scratch *s, bool grow)
{
	struct scene c = { .s = s, .name = "d.raw", .grow = grow };
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
			       .keep_undo = true,
			       .before = scratch_bytes(s, before, 2),
			       .after = scratch_bytes(s, after, 3) };
}

static void an_image_survives_a_kill_at_every_call(void **state)
{
	struct scene c = image_scene(*state, false);

	kill_at_every_call(&c, 14);
}

static void an_image_that_grows_survives_a_kill_at_every_call(void **state)
{
	struct scene c = image_scene(*state, true);

	kill_at_every_call(&c, 18);
}

static void a_move_survives_a_kill_at_every_call(void **state)
{
	struct scene c = move_scene(*state);
	size_t repair = kill_repair(&c, STOP_TEAR);
	size_t undo = kill_undo(&c, STOP_TEAR);

	assert_true(repair >= 40 && undo >= 40);
	for (size_t at = 11; at <= repair; at += 13)
		kill_thrice(&c, at);
}

static void a_sparse_move_survives_a_kill_at_every_call(void **state)
{
	struct scene c = sparse_scene(*state);
	size_t repair = kill_repair(&c, STOP_TEAR);
	size_t undo = kill_undo(&c, STOP_TEAR);

	assert_true(repair >= 35 && undo >= 20);
	for (size_t at = 7; at <= repair; at += 5)
		kill_thrice(&c, at);
}

static void a_move_survives_a_failure_of_every_call(void **state)
{
	struct scene c = move_scene(*state), sparse = sparse_scene(*state);

	fail_at_every_call(&c, STOP_FAIL);
	fail_at_every_call(&c, STOP_DISK);
	fail_at_every_call(&sparse, STOP_FAIL);
	fail_at_every_call(&sparse, STOP_DISK);
}

/* What was moved to its end is gone: neither way leads to a whole image. */
static void a_move_is_left_alone_when_the_image_was_cut_since(void **state)
{
	struct scene c = move_scene(*state);
	struct err e = { 0 };
	size_t seen = 0;

	for (size_t at = 20; at <= 48; at += 7) {
		struct view cut;

		lay_out(&c);
		assert_true(killed(&c, act_repair, STOP_KILL, at));
		if (scratch_read(c.s, c.name).n != IMAGE_GROWN)
			continue;
		seen++;
		assert_int_equal(truncate(path_of(&c), IMAGE_SIZE + 1000), 0);
		cut = scratch_read(c.s, c.name);
		assert_int_equal(act_undo(&c, &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
		assert_int_equal(act_resume(&c, &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
		assert_holds(c.s, c.name, cut);
		assert_int_equal(remove(scratch_path(c.s, "d.raw.vmend-undo")), 0);
	}
	assert_true(seen >= 2);
}

/* 1 MiB of data, a hole of 1 MiB, data again; moved by 3 * 64 KiB. */
static void holes_stay_holes(void **state)
{
	enum { MIB = 1 << 20, BY = 3 << 16 };
	struct scratch *s = *state;
	struct view data = scratch_bytes(s, MIB, 7);
	const char *path = scratch_write(s, "d.raw", data);
	struct move_watch watch = { .chunk = 64 << 10 };
	struct source src;
	struct stat before, after;
	struct undo_result r;
	struct err e = { 0 };
	struct plan p;

	assert_int_equal(source_open(&src, path, SOURCE_WRITE, &e), 0);
	assert_int_equal(real_io_write(src.fd, 2 * MIB, data, &e), 0);
	assert_int_equal(source_stat(&src, &e), 0);
	before = src.st;
	p = plan_on(&src, &s->arena);
	plan_grow(&p, 3 * MIB + BY);
	assert_true(plan_move(&p, 0, BY, 3 * MIB));
	if (apply_image_watched(&src, &p, &watch, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(fstat(src.fd, &after), 0);
	source_close(&src);
	assert_memory_equal(scratch_read(s, "d.raw").p + BY, data.p, MIB);
	assert_memory_equal(scratch_read(s, "d.raw").p + 2 * MIB + BY, data.p, MIB);
	/* What is left behind at the begin, and a block or two. */
	if (before.st_blocks < 3 * MIB / 512)
		assert_true(after.st_blocks <= before.st_blocks + (BY + 65536) / 512);
	assert_int_equal(undo_last(path, true, NULL, &r, &e), 0);
	assert_int_equal(scratch_read(s, "d.raw").n, 3 * MIB);
	assert_memory_equal(scratch_read(s, "d.raw").p, data.p, MIB);
	assert_true(view_is_zero(view_cut(scratch_read(s, "d.raw"), MIB, MIB)));
	assert_memory_equal(scratch_read(s, "d.raw").p + 2 * MIB, data.p, MIB);
}

static bool stop_at_third(void *ctx, enum move_way way, uint64_t done, uint64_t total)
{
	(void)way;
	unsigned *asked = ctx;

	assert_true(done < total);
	return ++*asked < 3;
}

static void a_move_that_is_stopped_can_be_continued_or_undone(void **state)
{
	struct scene c = move_scene(*state);
	struct move_watch watch = { .go_on = stop_at_third, .chunk = MOVE_CHUNK };

	for (int i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct source src;
		unsigned asked = 0;
		struct plan p;

		lay_out(&c);
		watch.ctx = &asked;
		assert_int_equal(source_open(&src, path_of(&c), SOURCE_WRITE, &e), 0);
		p = scratch_move_plan(&src, &c.s->arena);
		assert_int_equal(apply_image_watched(&src, &p, &watch, &e), -1);
		source_close(&src);
		assert_int_equal(e.code, ERR_STOPPED);
		assert_int_equal(look(&c), JOURNAL_ARMED);
		if (i == 0)
			must_finish(&c);
		must_undo(&c);
	}
}

static void a_text_survives_a_kill_at_every_call(void **state)
{
	struct scene c = text_scene(*state, 3000, 2000, false);

	kill_at_every_call(&c, 12);
}

static void a_text_in_place_survives_a_kill_at_every_call(void **state)
{
	struct scene shrinks = text_scene(*state, 3000, 2000, true);
	struct scene grows = text_scene(*state, 2000, 3000, true);

	kill_at_every_call(&shrinks, 10);
	kill_at_every_call(&grows, 8);
}

static void a_text_without_undo_is_one_or_the_other(void **state)
{
	struct scene c = text_scene(*state, 3000, 2000, false);

	c.keep_undo = false;
	for (size_t at = 1;; at++) {
		struct view is;
		bool more;

		lay_out(&c);
		more = killed(&c, act_repair, STOP_TEAR, at);
		is = scratch_read(c.s, c.name);
		assert_true(same_bytes(is, more ? c.before : c.after) ||
			    same_bytes(is, c.after));
		if (!more)
			break;
	}
}

/* The first repair stays as it is while the second is stopped. */
static void a_second_repair_leaves_the_first_alone(void **state)
{
	struct scratch *s = *state;
	struct scene first = image_scene(s, false), second;
	struct err e = { 0 };
	bool more = true;

	second = first;
	second.grow = true;
	second.before = first.after;
	for (size_t at = 1; more; at++) {
		enum journal_state was;

		lay_out(&first);
		assert_int_equal(act_repair(&first, &e), 0);
		more = killed(&second, act_repair, STOP_KILL, at);
		was = look(&second);
		assert_int_not_equal(was, JOURNAL_NONE);
		if (scratch_read(s, "d.raw").n != IMAGE_SIZE || was == JOURNAL_ARMED ||
		    !more) {
			assert_int_equal(act_undo(&second, &e), 0);
			assert_holds(s, "d.raw", first.after);
		}
		assert_holds(s, "d.raw", first.after);
		must_undo(&first);
	}
}

static void an_image_survives_a_failure_of_every_call(void **state)
{
	struct scene c = image_scene(*state, true);

	fail_at_every_call(&c, STOP_FAIL);
	fail_at_every_call(&c, STOP_DISK);
}

static void a_text_survives_a_failure_of_every_call(void **state)
{
	struct scene c = text_scene(*state, 3000, 2000, false);
	struct scene in_place = text_scene(*state, 3000, 2000, true);

	fail_at_every_call(&c, STOP_FAIL);
	fail_at_every_call(&c, STOP_DISK);
	fail_at_every_call(&in_place, STOP_FAIL);
	fail_at_every_call(&in_place, STOP_DISK);
}

static void a_half_way_repair_is_seen_and_hinders_the_next(void **state)
{
	struct scene c = image_scene(*state, false);
	struct err e = { 0 };
	bool armed = false;

	for (size_t at = 1; !armed; at++) {
		lay_out(&c);
		assert_true(killed(&c, act_repair, STOP_KILL, at));
		armed = look(&c) == JOURNAL_ARMED;
	}
	assert_int_equal(act_repair(&c, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	must_undo(&c);
}

/* The file is whole: the old text or the new. So the next repair of it goes on from there. */
static void a_killed_rename_does_not_hinder_the_next_repair(void **state)
{
	struct scene c = text_scene(*state, 3000, 2000, false);
	struct err e = { 0 };
	bool more = true;

	for (size_t at = 1; more; at++) {
		struct view third = scratch_bytes(c.s, 2500, 4), is;

		lay_out(&c);
		more = killed(&c, act_repair, STOP_KILL, at);
		is = scratch_read(c.s, c.name);
		if (apply_text(path_of(&c), is, third, true, &e) != 0)
			fail_msg("%s", e.msg);
		assert_holds(c.s, c.name, third);
		assert_int_equal(scratch_count(c.s), 1);
		assert_int_equal(act_undo(&c, &e), 0);
		assert_holds(c.s, c.name, is);
		if (look(&c) != JOURNAL_NONE)
			assert_int_equal(act_undo(&c, &e), 0);
		assert_holds(c.s, c.name, c.before);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_survives_a_kill_at_every_call),
		T(an_image_that_grows_survives_a_kill_at_every_call),
		T(a_move_survives_a_kill_at_every_call),
		T(a_sparse_move_survives_a_kill_at_every_call),
		T(a_move_survives_a_failure_of_every_call),
		T(a_move_is_left_alone_when_the_image_was_cut_since),
		T(holes_stay_holes),
		T(a_move_that_is_stopped_can_be_continued_or_undone),
		T(a_text_survives_a_kill_at_every_call),
		T(a_text_in_place_survives_a_kill_at_every_call),
		T(a_text_without_undo_is_one_or_the_other),
		T(a_second_repair_leaves_the_first_alone),
		T(a_killed_rename_does_not_hinder_the_next_repair),
		T(an_image_survives_a_failure_of_every_call),
		T(a_text_survives_a_failure_of_every_call),
		T(a_half_way_repair_is_seen_and_hinders_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
