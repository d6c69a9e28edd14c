/* The last phase of check and fix: what the inputs of a run are to each other (analyze/fleet.h).
 * Only those are read again that there may be something to say about.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"
#include "base/banned.h"

void together_add(struct run *r, const struct input *in, struct result *res)
{
	struct unit u;

	/* What a repair has left. */
	if (res->mend && res->state == RESULT_CHECKED) {
		claims_free(&res->claims);
		run_read(r, in, &u);
		claims_read(&res->claims, &u, (size_t)(in - r->inputs.v.v));
		unit_close(&u);
	}
	fleet_add(r->fleet, &res->claims, in->path);
	claims_free(&res->claims);
}

static void judge(const struct run *r, const struct input *in, struct unit *u,
		  struct result *res)
{
	struct findings found = { 0 };
	struct claims c;

	claims_read(&c, u, (size_t)(in - r->inputs.v.v));
	fleet_attach(r->fleet, &c);
	rules_run_on_claims(u, &c, &u->arena, &found);
	run_keep(r, in, &found);
	run_render(r, in, u, &found, res);
	claims_free(&c);
}

static void work(void *ctx, size_t i)
{
	struct run *r = ctx;
	const struct input *in = &r->inputs.v.v[r->asked[i]];
	struct result *res = &r->ring[i % POOL_WINDOW];
	struct unit u;

	*res = (struct result){ 0 };
	run_read(r, in, &u);
	if (u.state == UNIT_READ)
		judge(r, in, &u, res);
	unit_close(&u);
}

static void take(void *ctx, size_t i)
{
	struct run *r = ctx;

	run_put(r, &r->inputs.v.v[r->asked[i]], &r->ring[i % POOL_WINDOW]);
}

void together_run(struct run *r, unsigned threads)
{
	struct pool_job job = {
		.threads = threads, .ctx = r, .work = work, .take = take
	};

	r->asked = fleet_settle(r->fleet, &job.n);
	pool_run(&job);
	if (fleet_full(r->fleet))
		sinks_skip(&r->sinks,
			   &(struct skip){ .path = ".",
					   .reason =
						   "there are more VMs than are compared "
						   "with each other" });
}
