/* The repair of one input, from the first look to the last: DESIGN 7.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"

#include <unistd.h>

#include "base/banned.h"

struct repair {
	struct run *run;
	const struct input *in;
	struct result *res;
	struct arena arena;
	struct source src; /* of an image: open for writing, and locked */
	struct unit unit;  /* the input as it is before the repair */
	bool resumed;
	struct mend mend;
	struct mended mended;
};

/* ---- what remains ---- */

/* mended: NULL when nothing was tried. */
static void report_rest(struct repair *p, const struct unit *u,
			const struct findings *found, const struct mended *mended)
{
	struct rule_filter filter = run_filter(p->run, p->in);
	struct examined x;
	uint64_t fixed = p->res->tally.fixed;

	examined_init(&x, u, p->in, &filter, &p->arena);
	run_set_baseline(p->run, &x, NULL);
	if (p->run->o->diff)
		examine(&x, found, NULL, NULL);
	else
		sinks_render(&p->run->sinks, p->res->pieces, &x, found, mended);
	p->res->tally = x.tally;
	p->res->tally.fixed = fixed;
}

/* The repair of an image that was completed first is one that check had asked for. */
static void add_resumed(struct repair *p, struct mend_item *item)
{
	struct finding *f = arena_new(&p->arena, struct finding);

	f->rule = rule_find("img-repair-unfinished");
	f->severity = f->rule->severity;
	f->at = (struct span){ .src = &p->unit.src };
	f->message = "a repair of this image was interrupted";
	*item = (struct mend_item){ .rule = f->rule,
				    .finding = f,
				    .outcome = OUTCOME_FIXED,
				    .title = "the interrupted repair was completed",
				    .round = 1 };
}

static void set_mended(struct repair *p)
{
	bool image = p->unit.format->kind == FORMAT_IMAGE;
	size_t first = p->resumed && image, n = first + p->mend.items.n;
	struct mend_item *items = arena_array(&p->arena, n, struct mend_item);

	if (first)
		add_resumed(p, &items[0]);
	if (p->mend.items.n)
		memcpy(items + first, p->mend.items.v, p->mend.items.n * sizeof(*items));
	p->mended = (struct mended){ .items = items,
				     .n = n,
				     .before = &p->unit,
				     .plan = &p->mend.plan,
				     .resumed = p->resumed && !image };
	if (!image)
		p->mended.lines = lines_of(p->unit.text, &p->arena);
}

static void count_fixed(struct repair *p)
{
	for (size_t i = 0; i < p->mended.n; i++)
		p->res->tally.fixed += p->mended.items[i].outcome == OUTCOME_FIXED;
}

/* It stays as it is: why, and what check says about it. */
static void give_up(struct repair *p, const struct err *why)
{
	struct findings found = { 0 };
	struct unit u;

	p->res->state = RESULT_SKIPPED;
	p->res->trouble = true;
	p->res->stopped = why->code == ERR_STOPPED;
	buf_add(&p->res->reason, str_of(why->msg));
	/* Through another descriptor, our own locks would look like somebody else's. */
	mend_free(&p->mend);
	unit_close(&p->unit);
	source_close(&p->src);
	run_read(p->run, p->in, &u);
	if (u.state == UNIT_READ) {
		run_judge(p->run, p->in, &u, &found);
		report_rest(p, &u, &found, NULL);
	}
	unit_close(&u);
}

/* ---- open ---- */

static int resume_locked(struct repair *p, struct err *e)
{
	struct progress bar;
	struct move_watch watch;
	int rc;

	run_hold_signals(p->run);
	progress_init(&bar, p->in->path, p->run->o->quiet);
	watch = progress_watch(&bar);
	rc = resume_image(&p->src, &watch, e);
	progress_end(&bar);
	return rc;
}

/* An image is analysed through the descriptor that will be written, under the locks that
 * are held until that is done. Of a text it is known later whether it is still the same. */
static int open_locked(struct repair *p, struct err *e)
{
	const char *path = p->in->path;

	if (source_open(&p->src, path, SOURCE_WRITE, e) != 0)
		return -1;
	if (lock_image(&p->src, false, e) != 0)
		return -1;
	if (journal_look(path, FORMAT_IMAGE) == JOURNAL_ARMED) {
		/* It may be longer now. */
		if (resume_locked(p, e) != 0 || source_stat(&p->src, e) != 0)
			return -1;
		p->resumed = true;
	}
	unit_close(&p->unit);
	unit_read(&p->unit, &p->src, run_format(p->run, p->in), run_host(p->run, p->in));
	p->unit.journal = journal_look(path, FORMAT_IMAGE);
	return 0;
}

/* A text that was rewritten in place, and not to its end. */
static int resume(struct repair *p, struct err *e)
{
	run_hold_signals(p->run);
	if (resume_text(p->in->path, e) != 0)
		return -1;
	p->resumed = true;
	unit_close(&p->unit);
	run_read(p->run, p->in, &p->unit);
	return 0;
}

static int open_for_repair(struct repair *p, struct err *e)
{
	bool unfinished = p->unit.journal == JOURNAL_ARMED;

	if (p->run->o->diff)
		return !unfinished
			       ? 0
			       : err_set(e, ERR_REFUSED,
					 "an interrupted repair has to be completed with "
					 "`vmend fix` or taken back with `vmend undo` first");
	if (p->unit.format->kind == FORMAT_IMAGE)
		return open_locked(p, e);
	return unfinished ? resume(p, e) : 0;
}

static int open_input(struct repair *p, struct err *e)
{
	run_read(p->run, p->in, &p->unit);
	if (p->unit.state == UNIT_READ && open_for_repair(p, e) != 0)
		return -1;
	switch (p->unit.state) {
	case UNIT_READ:
		return 0;
	case UNIT_FAILED:
		*e = p->unit.why;
		return -1;
	case UNIT_NOT_OURS:
	case UNIT_CLOSED:
		break;
	}
	return err_set(e, ERR_BUSY, "it was changed while it was looked at");
}

/* ---- write ---- */

static int apply_to_image(struct repair *p, struct err *e)
{
	struct progress bar;
	struct move_watch watch;
	int rc;

	progress_init(&bar, p->in->path, p->run->o->quiet);
	watch = progress_watch(&bar);
	rc = apply_image_watched(&p->src, &p->mend.plan, &watch, e);
	progress_end(&bar);
	return rc;
}

static int apply(struct repair *p, struct err *e)
{
	run_hold_signals(p->run);
	if (p->unit.format->kind == FORMAT_IMAGE)
		return apply_to_image(p, e);
	return apply_text(p->in->path, p->unit.text, p->mend.text, true, e);
}

static bool same_rules(const struct findings *a, const struct findings *b)
{
	if (a->v.n != b->v.n)
		return false;
	for (size_t i = 0; i < a->v.n; i++) {
		if (a->v.v[i]->rule != b->v.v[i]->rule)
			return false;
	}
	return true;
}

/* Looks at what is on disk now. */
static void verify(struct repair *p)
{
	struct findings found = { 0 };
	struct unit u;
	struct err e;

	if (p->unit.format->kind == FORMAT_IMAGE && source_stat(&p->src, &e) == 0) {
		unit_read(&u, &p->src, run_format(p->run, p->in),
			  run_host(p->run, p->in));
		u.journal = journal_look(p->in->path, FORMAT_IMAGE);
	} else if (p->in->is_stdin) {
		run_read(p->run, p->in, &u);
	} else {
		/* What a text was known by may be what was removed. */
		unit_open(&u, p->in->path, SOURCE_READ, p->unit.format,
			  run_host(p->run, p->in));
	}
	if (u.state == UNIT_READ) {
		run_judge(p->run, p->in, &u, &found);
		report_rest(p, &u, &found, &p->mended);
	}
	if (u.state != UNIT_READ || !same_rules(&found, &p->mend.remaining)) {
		p->res->trouble = true;
		buf_add(&p->res->reason,
			STR("what is there after the repair is not what was planned: "
			    "`vmend undo` takes it back"));
	}
	unit_close(&u);
}

/* ---- show ---- */

/* What is not in the diff. */
static void explain_diff(struct repair *p)
{
	struct term t = term_of(STDERR_FILENO, p->run->o->color);
	struct buf words = { 0 };

	if (p->run->o->quiet)
		return;
	text_not_mended(&words, &t, p->in->path, &p->mended);
	if (words.n)
		fputs(words.p, stderr);
	buf_free(&words);
}

static void show(struct repair *p)
{
	struct term t = term_of(STDOUT_FILENO, p->run->o->color);
	struct mend *m = &p->mend;

	if (m->changed && p->unit.format->kind == FORMAT_TEXT)
		diff_text(&p->res->diff, &t, p->in->path, p->unit.text, m->text);
	else if (m->changed)
		diff_image(&p->res->diff, &t, &m->plan, m->guest, &p->unit, m->last,
			   &p->arena);
	report_rest(p, m->last, &m->remaining, NULL);
	explain_diff(p);
}

/* ---- all of it ---- */

static void mend(struct repair *p)
{
	struct mend_scope scope = { p->run, p->in };
	struct mend_policy policy = run_mend_policy(&scope);
	const struct options *o = p->run->o;
	struct err e = { 0 };

	if (open_input(p, &e) != 0 ||
	    mend_plan(&p->mend, &p->unit, &policy, &p->arena, &e) != 0) {
		give_up(p, &e);
		return;
	}
	p->res->state = RESULT_CHECKED;
	run_keep(p->run, p->in, &p->mend.remaining);
	set_mended(p);
	if (o->diff) {
		count_fixed(p);
		show(p);
	} else if (!p->mend.changed) {
		count_fixed(p);
		report_rest(p, &p->unit, &p->mend.remaining, &p->mended);
	} else if (apply(p, &e) != 0) {
		give_up(p, &e);
	} else {
		count_fixed(p);
		verify(p);
	}
}

void mend_input(struct run *r, const struct input *in, struct result *res)
{
	struct repair p = { .run = r, .in = in, .res = res, .src = { .fd = -1 } };

	arena_init(&p.arena, ARENA_BUDGET);
	mend(&p);
	mend_free(&p.mend);
	media_forget(r->media, in->dev, in->ino);
	unit_close(&p.unit);
	source_close(&p.src);
	arena_free(&p.arena);
}
