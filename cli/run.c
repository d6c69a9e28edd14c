/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"
#include "cli/early.h"

#include "analyze/config/schema.h"
#include "analyze/image/backing.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/listing.h"

#include "rewrite/journal.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { STDIN_MAX = 8 << 20 };

/* ---- read ---- */

static void read_stdin(struct run *r)
{
	uint8_t *p = arena_array(&r->arena, STDIN_MAX + 1, uint8_t);
	size_t n = 0;

	while (n <= STDIN_MAX) {
		ssize_t got = read(STDIN_FILENO, p + n, STDIN_MAX + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err_sys(&r->stdin_err, errno, "cannot read it");
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (n > STDIN_MAX)
		err_set(&r->stdin_err, ERR_LIMIT,
			"more than %d bytes: too much for standard input", STDIN_MAX);
	r->stdin_text = (struct view){ p, n };
}

static void open_stdin(const struct run *r, const struct input *in, struct unit *u)
{
	struct source src = source_of_bytes(in->path, r->stdin_text);

	if (r->stdin_err.code == ERR_NONE) {
		unit_read(u, &src, NULL, run_host(r, in));
		return;
	}
	*u = (struct unit){ .host = run_host(r, in),
			    .src = src,
			    .state = UNIT_FAILED,
			    .why = r->stdin_err };
	arena_init(&u->arena, ARENA_BUDGET);
}

const struct format *run_format(const struct run *r, const struct input *in)
{
	return in->named && !in->is_stdin ? r->o->as : NULL;
}

static bool is_lost_table(const struct unit *u, uint64_t cluster)
{
	const struct qcow2_scan *c = u->qcow2 ? u->qcow2->scan : NULL;

	for (size_t i = 0; c && i < c->norphans; i++) {
		if (c->orphan[i].kind == QCOW2_ORPHAN_L2 &&
		    c->orphan[i].cluster == cluster)
			return true;
	}
	return false;
}

/* What --place names must be there: who gives a wrong number believes in another disk. */
static void check_places(struct unit *u)
{
	for (size_t i = 0; i < u->host->nplaces; i++) {
		const struct table_place *t = &u->host->places[i];

		if (u->state != UNIT_READ || is_lost_table(u, t->cluster))
			continue;
		u->state = UNIT_FAILED;
		err_set(&u->why, ERR_USAGE,
			"--place %llu=%llu: there is no L2 table in host cluster %llu to "
			"which nothing refers; nothing was changed",
			(unsigned long long)t->cluster, (unsigned long long)t->slot,
			(unsigned long long)t->cluster);
	}
}

static void read_input(const struct run *r, const struct input *in,
		       const struct source *src, struct unit *u)
{
	if (in->is_stdin) {
		open_stdin(r, in, u);
		return;
	}
	if (src)
		unit_read(u, src, run_format(r, in), run_host(r, in));
	else
		unit_open(u, in->path, SOURCE_READ, run_format(r, in), run_host(r, in));
	/* No rule asks whether the repair of a text was interrupted, and the question takes
	 * as long as reading a small one: only fix, which has to complete it, asks. */
	if (u->state == UNIT_READ &&
	    (u->format->kind == FORMAT_IMAGE || r->o->command == CMD_fix))
		u->journal = journal_look(in->path, u->format->kind);
	if (u->state == UNIT_READ && u->journal != JOURNAL_ARMED)
		check_places(u);
}

void run_read(const struct run *r, const struct input *in, struct unit *u)
{
	read_input(r, in, NULL, u);
}

/* ---- judge ---- */

/* What the command line selects, it means: no policy is asked. */
static bool counts(const struct run *r, const struct input *in, const struct rule *rule)
{
	return rule_filter_has(&r->filter, rule) &&
	       (r->filter.select.n || policy_has(in->policy, rule, in->path));
}

void run_keep(const struct run *r, const struct input *in, struct findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->v.n; i++) {
		struct finding *x = f->v.v[i];

		if (!counts(r, in, x->rule))
			continue;
		x->severity = policy_severity(in->policy, x->rule, x->severity, in->path);
		f->v.v[kept++] = x;
	}
	f->v.n = kept;
	findings_yield(f);
}

void run_judge(const struct run *r, const struct input *in, struct unit *u,
	       struct findings *out)
{
	rules_run(u, &u->arena, out);
	run_keep(r, in, out);
}

const struct host *run_host(const struct run *r, const struct input *in)
{
	return in->policy ? policy_host(in->policy, in->path) : &r->host;
}

void run_set_baseline(const struct run *r, struct examined *x, struct result *res)
{
	x->baseline = r->o->baseline ? &r->known : NULL;
	x->record = r->o->write_baseline && res ? &res->record : NULL;
	x->fingerprints = x->baseline || x->record;
}

struct rule_filter run_filter(const struct run *r, const struct input *in)
{
	const struct setting *s =
		policy_setting(in->policy, SETTING_FAIL_ON, NULL, in->path);
	struct rule_filter f = r->filter;

	if (s && !r->o->has_fail_on) {
		f.never_fail = s->value == FAIL_NEVER;
		f.fail_on = f.never_fail ? f.fail_on : (enum severity)s->value;
	}
	return f;
}

/* ---- what may be mended ---- */

static bool is_wanted(const struct rule *rule, const void *ctx)
{
	const struct mend_scope *s = ctx;
	const struct run *r = s->run;
	bool named = r->nfix_only == 0;

	for (size_t i = 0; i < r->nfix_only; i++)
		named |= strcmp(r->fix_only[i]->id, rule->id) == 0;
	return named && counts(r, s->in, rule);
}

static enum fix_class class_here(const struct rule *rule, const void *ctx)
{
	const struct mend_scope *s = ctx;

	return policy_fix_class(s->in->policy, rule, s->in->path);
}

struct mend_policy run_mend_policy(const struct mend_scope *s)
{
	return (struct mend_policy){ .level = s->run->o->level,
				     .wanted = is_wanted,
				     .class_of = class_here,
				     .ctx = s };
}

static bool wants_mending(const struct run *r, const struct input *in,
			  const struct unit *u, const struct findings *found)
{
	struct mend_scope scope = { r, in };
	struct mend_policy policy = run_mend_policy(&scope);

	if (r->o->command != CMD_fix)
		return false;
	if (u->journal == JOURNAL_ARMED)
		return true;
	for (size_t i = 0; i < found->v.n; i++) {
		if (mend_allows(&policy, found->v.v[i]->rule))
			return true;
	}
	return false;
}

void run_render(const struct run *r, const struct input *in, struct unit *u,
		const struct findings *found, struct result *res)
{
	struct rule_filter filter = run_filter(r, in);
	struct examined x;

	if (found->v.n == 0 && found->suppressed.n == 0)
		return;
	examined_init(&x, u, in, &filter, &u->arena);
	run_set_baseline(r, &x, res);
	if (r->o->diff)
		examine(&x, found, NULL, NULL);
	else
		sinks_render(&r->sinks, res->pieces, &x, found, NULL);
	res->tally = x.tally;
}

static void judge(const struct run *r, const struct input *in, struct unit *u,
		  struct result *res)
{
	struct findings found = { 0 };

	run_judge(r, in, u, &found);
	res->state = RESULT_CHECKED;
	/* A repair would move lines. */
	if (r->sinks.anchors.wanted && r->o->command == CMD_check)
		anchors_read(&res->anchors, u);
	if (wants_mending(r, in, u, &found)) {
		res->left = u->format->kind == FORMAT_IMAGE && !in->named;
		res->mend = !res->left;
	}
	if (!res->mend) {
		run_render(r, in, u, &found, res);
		claims_read(&res->claims, u, (size_t)(in - r->inputs.v.v));
	}
}

static bool lacks_a_file(const struct unit *u)
{
	if (u->data_file && u->data_file->why)
		return true;
	for (const struct backing *b = u->backing; b; b = b->backing) {
		if (b->why || (b->data_file && b->data_file->why))
			return true;
	}
	return false;
}

static bool found_something(const struct tally *t)
{
	return t->n[SEV_ERROR] || t->n[SEV_WARNING];
}

/* What was found is said; what was not judged is not called clean. */
static void skip_rest(const struct input *in, const struct unit *u, struct result *res)
{
	if (res->mend)
		return;
	res->state = RESULT_SKIPPED;
	/* Of a container the rest was: what was found there decides on the exit code, and
	 * where nothing was that matters, whether a file is missing that it needs. */
	res->trouble = in->named &&
		       (!u->qcow2 || (!found_something(&res->tally) && lacks_a_file(u)));
	buf_add(&res->reason, str_of(u->skip_reason));
}

static void work_on(struct run *r, const struct input *in, struct unit *u,
		    struct result *res)
{
	switch (u->state) {
	case UNIT_NOT_OURS:
		res->state = in->named ? RESULT_UNKNOWN : RESULT_PASSED_OVER;
		break;
	case UNIT_READ:
		judge(r, in, u, res);
		if (u->skip_reason)
			skip_rest(in, u, res);
		break;
	case UNIT_FAILED:
		res->state = RESULT_SKIPPED;
		res->trouble = true;
		res->stopped = u->why.code == ERR_STOPPED;
		buf_add(&res->reason, str_of(u->why.msg));
		break;
	case UNIT_CLOSED:
		BUG("a unit that was not opened");
	}
}

static void work(void *ctx, size_t i)
{
	struct run *r = ctx;
	const struct input *in = &r->inputs.v.v[i];
	struct result *res = &r->ring[i % POOL_WINDOW];
	struct unit u;

	*res = (struct result){ 0 };
	if (in->trouble) {
		res->state = RESULT_SKIPPED;
		res->trouble = true;
		buf_add(&res->reason, str_of(in->trouble));
		return;
	}
	if (!media_begin(r->media, in->dev, in->ino)) {
		*res = *early_of(r->early, i);
		return;
	}
	run_read(r, in, &u);
	work_on(r, in, &u, res);
	media_end(r->media, in->dev, in->ino, &u);
	unit_close(&u);
}

/* An image that a config names, before its turn. */
static const struct medium *work_early(void *ctx, const struct source *file,
				       struct arena *a)
{
	struct run *r = ctx;
	const struct medium *m;
	const struct input *in;
	struct source src = *file;
	struct unit u;
	size_t i;

	if (!early_find(r->early, file->st.st_dev, file->st.st_ino, &i))
		return NULL;
	in = &r->inputs.v.v[i];
	src.path = in->path;
	read_input(r, in, &src, &u);
	work_on(r, in, &u, early_of(r->early, i));
	m = medium_of(&u, a);
	unit_close(&u);
	return m;
}

/* ---- report ---- */

static void raise_exit(struct run *r, enum exit_code code)
{
	if (code > r->exit)
		r->exit = code;
}

void run_hold_signals(struct run *r)
{
	if (!r->holding)
		signals_hold(&r->signals);
	r->holding = true;
}

/* A signal that came meanwhile ends the program here; one that stopped a repair does so
 * once the report is complete. */
static void release_signals(struct run *r)
{
	if (!r->holding || r->stopped || r->o->deep)
		return;
	sinks_flush(&r->sinks);
	r->holding = false;
	pthread_sigmask(SIG_SETMASK, &r->signals, NULL);
}

/* Nothing is begun any more. */
static void leave_alone(struct result *res)
{
	res->state = RESULT_SKIPPED;
	res->trouble = true;
	buf_add(&res->reason, STR("not mended, since vmend was stopped before"));
}

/* What becomes known. A baseline that is there already only ever gets shorter. */
static void record(struct run *r, struct result *res)
{
	const char *p = res->record.p, *end = p ? p + res->record.n : p;

	while (p < end) {
		struct known k = { .path = p };

		k.rule = k.path + strlen(k.path) + 1;
		k.fingerprint = k.rule + strlen(k.rule) + 1;
		p = k.fingerprint + strlen(k.fingerprint) + 1;
		if (r->o->baseline && !baseline_has(&r->known, k.fingerprint))
			continue;
		k.path = arena_str(&r->arena, str_of(k.path));
		k.rule = arena_str(&r->arena, str_of(k.rule));
		k.fingerprint = arena_str(&r->arena, str_of(k.fingerprint));
		*vec_add(&r->next.v, &r->arena) = k;
	}
	buf_free(&res->record);
}

void run_put(struct run *r, const struct input *in, struct result *res)
{
	tally_add(&r->sum.tally, &res->tally);
	sinks_put(&r->sinks, in->path, res->pieces);
	record(r, res);
}

static void take(void *ctx, size_t i)
{
	struct run *r = ctx;
	const struct input *in = &r->inputs.v.v[i];
	struct result *res = &r->ring[i % POOL_WINDOW];

	if (res->mend && r->stopped)
		leave_alone(res);
	else if (res->mend)
		mend_input(r, in, res);
	r->stopped |= res->stopped;
	together_add(r, in, res);
	switch (res->state) {
	case RESULT_PASSED_OVER:
		return;
	case RESULT_UNKNOWN:
		r->sum.unknown++;
		return;
	case RESULT_CHECKED:
		r->sum.checked++;
		break;
	case RESULT_SKIPPED:
		r->sum.skipped++;
		break;
	}
	r->sum.left += res->left;
	anchors_take(&r->sinks.anchors, in->path, &res->anchors, &r->arena);
	deep_clear(&r->deep);
	if (res->reason.n)
		sinks_skip(&r->sinks, &(struct skip){ .path = in->path,
						      .reason = res->reason.p,
						      .stopped = res->stopped,
						      .trouble = res->trouble });
	sinks_print(&r->sinks, (struct str){ res->diff.p, res->diff.n });
	run_put(r, in, res);
	buf_free(&res->reason);
	buf_free(&res->diff);
	if (res->trouble)
		raise_exit(r, EXIT_INPUT);
	release_signals(r);
}

/* ---- all of it ---- */

/* Each input's, before anything is looked at. */
static int find_policies(struct run *r, struct err *e)
{
	r->policies =
		(struct policies){ .arena = &r->arena, .o = r->o, .host = &r->host };
	for (size_t i = 0; i < r->inputs.v.n; i++) {
		struct input *in = &r->inputs.v.v[i];
		struct policy *p;

		if (policy_of(&r->policies, in->path, &p, e) != 0)
			return -1;
		in->policy = p;
	}
	return 0;
}

/* Those that the command line names: a policy may have rules of its own. */
static int find_rules(struct run *r, struct err *e)
{
	const struct team_rules team = { r->policies.team.v, r->policies.team.n };

	r->sinks.team = team;
	if (rule_filter_init(&r->filter, r->o, &team, &r->arena, e) != 0)
		return -1;
	return rules_named(&r->o->rule, "--rule", &team, &r->arena, &r->fix_only,
			   &r->nfix_only, e);
}

static int prepare(struct run *r, struct err *e)
{
	const struct options *o = r->o;

	if (read_host(&r->host, o, &r->arena, e) != 0)
		return -1;
	r->host.listings = listings_new();
	deep_init(&r->deep, o->quiet);
	r->host.deep = o->deep ? &r->deep.watch : NULL;
	walk(&r->inputs, o->args.v, o->args.n, &r->arena);
	if (o->places.n && (r->inputs.v.n != 1 || !r->inputs.v.v[0].named))
		return err_set(e, ERR_USAGE, "--place is about one IMAGE: name it");
	for (size_t i = 0; i < r->inputs.v.n; i++) {
		struct input *in = &r->inputs.v.v[i];

		if (!in->is_stdin)
			continue;
		if (o->command == CMD_fix && !o->diff)
			return err_set(
				e, ERR_USAGE,
				"`vmend fix -` has nothing to write to: add --diff");
		in->path = o->stdin_filename ? o->stdin_filename : "<stdin>";
		read_stdin(r);
	}
	if (o->baseline && baseline_read(&r->known, o->baseline, &r->arena, e) != 0)
		return -1;
	if (find_policies(r, e) != 0)
		return -1;
	if (find_rules(r, e) != 0)
		return -1;
	return sinks_open(&r->sinks, o, &r->inputs, &r->host, e);
}

static unsigned threads(const struct options *o)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->jobs)
		return o->jobs;
	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_inputs(struct run *r)
{
	struct pool_job job = { .n = r->inputs.v.n,
				.threads = threads(r->o),
				.ctx = r,
				.work = work,
				.take = take };

	r->early = early_new(&r->inputs);
	r->media = media_new(&r->host, work_early, r);
	r->fleet = fleet_new();
	r->host.media = r->media;
	for (size_t i = 0; i < r->policies.all.n * POLICY_HOSTS; i++)
		r->policies.all.v[i / POLICY_HOSTS]->hosts[i % POLICY_HOSTS].media =
			r->media;
	r->ring = arena_array(&r->arena, POOL_WINDOW, struct result);
	/* What takes long is stopped, and the report of what came before is complete. */
	if (r->o->deep)
		run_hold_signals(r);
	pool_run(&job);
	if (!r->stopped)
		together_run(r, job.threads);
	fleet_free(r->fleet);
	media_free(r->media);
	early_free(r->early);
	/* What has just become known does not fail the run. */
	if (r->sum.tally.failing && (!r->o->write_baseline || r->o->baseline))
		raise_exit(r, EXIT_FINDINGS);
}

/* The last line, where the report itself is a diff. */
static void diff_summary(const struct run *r)
{
	struct term t = term_of(STDERR_FILENO, r->o->color);
	struct buf line = { 0 };

	if (!r->o->diff || r->o->quiet)
		return;
	text_summary(&line, &t, &r->sum);
	fputs(line.p, stderr);
	buf_free(&line);
}

enum exit_code cmd_check(const struct options *o, struct err *e)
{
	struct run r = { .o = o };
	double start = now();

	arena_init(&r.arena, ARENA_BUDGET);
	if (prepare(&r, e) != 0) {
		schema_close(r.host.schema);
		listings_free(r.host.listings);
		arena_free(&r.arena);
		return e->code == ERR_USAGE ? EXIT_USAGE : EXIT_INTERNAL;
	}
	r.sum.is_fix = o->command == CMD_fix;
	r.sum.is_diff = o->diff;
	run_inputs(&r);
	r.sum.seconds = now() - start;
	r.sum.exit = (int)r.exit;
	if (o->write_baseline &&
	    baseline_write(&r.next, o->write_baseline, &r.arena, e) != 0)
		raise_exit(&r, e->code == ERR_USAGE ? EXIT_USAGE : EXIT_INTERNAL);
	if (sinks_close(&r.sinks, &r.sum, e) != 0)
		raise_exit(&r, EXIT_INTERNAL);
	diff_summary(&r);
	if (r.holding)
		pthread_sigmask(SIG_SETMASK, &r.signals, NULL);
	schema_close(r.host.schema);
	listings_free(r.host.listings);
	arena_free(&r.arena);
	return r.exit;
}
