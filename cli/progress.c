/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"
#include "base/num.h"
#include "base/utf8.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- the line ---- */

/* What is left out, one after the other, until the rest fits. */
enum { LEAVE_NAME = 1, LEAVE_AMOUNT, LEAVE_RATE, LEAVE_WORDS, LEAVE_TIME };
enum { BAR_MIN = 10, BAR_MAX = 40 };

static size_t columns_of(const struct buf *b)
{
	struct view v = { (const uint8_t *)b->p, b->n };
	size_t columns = 0;
	uint32_t c;

	while (v.n) {
		size_t n = utf8_decode(v, &c);

		columns += n ? utf8_width(c) : 1;
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
	return columns;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void time_left(struct buf *out, const struct progress_now *p)
{
	uint64_t s = (p->total - p->done) / p->rate;
	unsigned long long h = s / 3600, min = s / 60 % 60;

	if (s >= 360000)
		buf_printf(out, ", %llu h left", h);
	else if (s >= 3600)
		buf_printf(out, ", %llu h %02llu min left", h, min);
	else if (s >= 60)
		buf_printf(out, ", %llu min %02llu s left", min,
			   (unsigned long long)s % 60);
	else
		buf_printf(out, ", %llu s left", (unsigned long long)s);
}

static void head(struct buf *out, const struct progress_now *p, int leave)
{
	if (leave < LEAVE_NAME) {
		buf_safe(out, str_of(last_part(p->name)));
		buf_add(out, STR(": "));
	}
	if (leave >= LEAVE_WORDS)
		return;
	if (p->words)
		buf_add(out, str_of(p->words));
	else
		buf_add(out, p->way == MOVE_BACK ? STR("moving back ") : STR("moving "));
}

static void tail(struct buf *out, const struct progress_now *p, int leave)
{
	unsigned percent =
		p->total ? (unsigned)((double)p->done / (double)p->total * 100) : 100;

	buf_printf(out, "%3u %%", percent);
	if (leave < LEAVE_AMOUNT) {
		buf_add(out, STR(", "));
		buf_about(out, p->done);
		buf_add(out, STR(" of "));
		buf_about(out, p->total);
	}
	if (p->rate && leave < LEAVE_RATE) {
		buf_add(out, STR(", "));
		buf_about(out, p->rate);
		buf_add(out, STR("/s"));
	}
	if (p->rate && leave < LEAVE_TIME)
		time_left(out, p);
}

static void bar(struct buf *out, const struct progress_now *p, size_t width)
{
	double part = p->total ? (double)p->done / (double)p->total : 1;
	size_t full = (size_t)(part * (double)width);

	buf_char(out, '[');
	buf_fill(out, '#', full);
	buf_fill(out, '.', width - full);
	buf_add(out, STR("] "));
}

void progress_line(struct buf *out, const struct progress_now *p, unsigned columns)
{
	/* The numbers grow and shrink; the bar shall not. */
	enum { TAIL = 55, BRACKETS = 3 };
	struct buf first = { 0 }, last = { 0 };
	size_t used, width;

	for (int leave = 0; leave <= LEAVE_TIME; leave++) {
		buf_clear(&first);
		buf_clear(&last);
		head(&first, p, leave);
		tail(&last, p, leave);
		if (columns_of(&first) + columns_of(&last) <= columns)
			break;
	}
	used = columns_of(&first) + TAIL + BRACKETS;
	width = used < columns ? columns - used : 0;
	buf_add_bytes(out, first.p, first.n);
	if (width >= BAR_MIN)
		bar(out, p, width < BAR_MAX ? width : BAR_MAX);
	buf_add_bytes(out, last.p, last.n);
	buf_free(&first);
	buf_free(&last);
}

/* ---- on the terminal ---- */

/* Seconds. What is over sooner needs no bar. */
static const double first_after = 0.3, then_every = 0.1;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void draw(struct progress *p)
{
	size_t room = term_columns(STDERR_FILENO) - 1, columns;
	struct buf line = { 0 }, out = { 0 };

	/* In the last column, some terminals wrap. */
	progress_line(&line, &p->now, (unsigned)room);
	columns = columns_of(&line);
	buf_char(&out, '\r');
	buf_add_bytes(&out, line.p, line.n);
	/* Blanks, since not every terminal can erase; it may be narrower than it was. */
	p->drawn = p->drawn < room ? p->drawn : room;
	if (columns < p->drawn)
		buf_fill(&out, ' ', p->drawn - columns);
	p->drawn = columns;
	/* A bar that cannot be written is no reason to stop. */
	if (write_all(STDERR_FILENO, out.p, out.n) != 0)
		p->shown = false;
	buf_free(&line);
	buf_free(&out);
}

/* Over the last few seconds: holes pass quickly, and disks have caches. */
static void measure(struct progress *p, double at)
{
	struct progress_sample *s = &p->past[p->npast % PROGRESS_PAST];
	const struct progress_sample *oldest;

	*s = (struct progress_sample){ at, p->now.done };
	p->npast++;
	oldest = &p->past[p->npast < PROGRESS_PAST ? 0 : p->npast % PROGRESS_PAST];
	p->now.rate = 0;
	if (at - oldest->at >= 0.5 && s->done > oldest->done)
		p->now.rate =
			(uint64_t)((double)(s->done - oldest->done) / (at - oldest->at));
}

/* One that is blocked waits even if it is ignored, as SIGHUP is under nohup. */
static bool waits(const sigset_t *pending, int sig)
{
	struct sigaction act;

	return sigismember(pending, sig) == 1 && sigaction(sig, NULL, &act) == 0 &&
	       act.sa_handler != SIG_IGN;
}

bool progress_is_to_stop(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (waits(&pending, ends[i]))
			return true;
	}
	return false;
}

bool progress_step(struct progress *p, uint64_t done, uint64_t total)
{
	double at;

	if (progress_is_to_stop())
		return false;
	at = p->shown ? now() : 0;
	if (!p->shown || at < p->next)
		return true;
	p->now.done = done;
	p->now.total = total;
	measure(p, at);
	draw(p);
	p->next = at + then_every;
	return true;
}

static bool go_on(void *ctx, enum move_way way, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;

	/* A failed repair that is taken back begins anew. */
	if (way != p->now.way)
		p->npast = 0;
	p->now.way = way;
	return progress_step(p, done, total);
}

void progress_init(struct progress *p, const char *path, bool quiet)
{
	*p = (struct progress){ .now = { .name = path },
				.shown = !quiet && isatty(STDERR_FILENO) };
	p->next = now() + first_after;
}

struct move_watch progress_watch(struct progress *p)
{
	return (struct move_watch){ .go_on = go_on, .ctx = p };
}

void progress_end(struct progress *p)
{
	struct buf line = { 0 };

	if (!p->shown || p->drawn == 0)
		return;
	buf_char(&line, '\r');
	buf_fill(&line, ' ', p->drawn);
	buf_char(&line, '\r');
	if (write_all(STDERR_FILENO, line.p, line.n) != 0)
		p->shown = false;
	p->drawn = 0;
	buf_free(&line);
}
