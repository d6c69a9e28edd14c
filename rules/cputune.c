/* Which CPU of the host runs what, and how: pins, schedulers, shares, caches.
 * libvirt formatdomain, "CPU Tuning" and "IOThreads Allocation"; libvirt,
 * src/conf/domain_conf.c, domain_validate.c (virDomainDefCputuneValidate).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/cpuset.h"
#include "base/banned.h"

static const struct node *tune_first(const struct domain *d, const char *name)
{
	const struct node *n = node_child(d->node, "cputune");

	return n ? node_child(n, name) : NULL;
}

#define for_each_tune(var, d, name)                                                      \
	for (const struct node *var = tune_first((d), (name)); var; var = node_again(var))

static bool max_vcpus(const struct domain *d, uint64_t *max)
{
	struct fact count = ASK(d->node, "vcpu");

	*max = 1;
	return fact_absent(&count) || fact_number(&count, max);
}

static bool set_of(const struct node *n, const char *attribute, struct cpuset *set)
{
	const struct node *a = node_attr(n, attribute);

	return a && !node_is_variable(a) && cpuset_read(set, a->text);
}

/* ---- the I/O threads that there are ---- */

/* Those with an id, and as many more as <iothreads> says, which take the lowest ids that are
 * free. False: not known. */
static bool iothreads_of(const struct domain *d, struct cpuset *out)
{
	struct fact count = ASK(d->node, "iothreads");
	const struct node *ids = node_child(d->node, "iothreadids");
	uint64_t n = 0, listed = 0, id;

	*out = (struct cpuset){ { 0 } };
	if (!fact_absent(&count) && (!fact_number(&count, &n) || n >= CPUSET_BITS))
		return false;
	for (const struct node *t = ids ? node_child(ids, "iothread") : NULL; t;
	     t = node_again(t)) {
		struct fact f = ASK(t, "@id");

		if (!fact_number(&f, &id) || id >= CPUSET_BITS)
			return false;
		cpuset_add(out, (unsigned)id);
		listed++;
	}
	for (unsigned i = 1; i <= n && listed < n; i++) {
		if (!cpuset_has(out, i)) {
			cpuset_add(out, i);
			listed++;
		}
	}
	return true;
}

/* ---- iothread-ids ---- */

static void check_pool(struct scan *s, const struct node *n)
{
	struct fact min = ASK(n, "@thread_pool_min"), max = ASK(n, "@thread_pool_max"),
		    weight = ASK(n, "poll@weight");
	uint64_t low, high, v;
	struct finding *f;

	if (fact_number(&max, &high) && high == 0) {
		f = report(s, max.at, "thread_pool_max must be a positive integer");
		report_label(s, f, DOMAIN_REFUSES);
	} else if (fact_number(&max, &high) && fact_number(&min, &low) && low > high) {
		f = report(s, min.at,
			   "thread_pool_min %llu must be smaller or equal to "
			   "thread_pool_max %llu",
			   (unsigned long long)low, (unsigned long long)high);
		report_label(s, f, DOMAIN_REFUSES);
	}
	/* QEMU, qapi/qom.json (EventLoopBaseProperties, IothreadProperties) */
	if (fact_number(&weight, &v) && v > 63) {
		f = report(s, weight.at, "poll weight %llu, must be in range [0, 63]",
			   (unsigned long long)v);
		report_label(s, f, DOMAIN_REFUSES);
	}
}

static void check_ids(struct scan *s, const struct domain *d)
{
	const struct node *ids = node_child(d->node, "iothreadids"),
			  *dflt = node_child(d->node, "defaultiothread");
	struct cpuset seen = { { 0 } };
	struct finding *f;
	uint64_t id;

	if (dflt)
		check_pool(s, dflt);
	for (const struct node *t = ids ? node_child(ids, "iothread") : NULL; t;
	     t = node_again(t)) {
		struct fact is = ASK(t, "@id");

		check_pool(s, t);
		if (!fact_number(&is, &id) || id >= CPUSET_BITS)
			continue;
		if (cpuset_has(&seen, (unsigned)id)) {
			f = report(s, is.at, "duplicate iothread id '%llu' found",
				   (unsigned long long)id);
			report_label(s, f, DOMAIN_REFUSES);
		}
		cpuset_add(&seen, (unsigned)id);
	}
}

/* ---- cputune-pin ---- */

static void check_pin(struct scan *s, const struct domain *d)
{
	struct cpuset seen = { { 0 } }, threads;
	bool known = iothreads_of(d, &threads);
	struct finding *f;
	uint64_t id, max;

	for_each_tune(n, d, "vcpupin")
	{
		struct fact vcpu = ASK(n, "@vcpu");

		if (!max_vcpus(d, &max) || !fact_number(&vcpu, &id) || id >= max ||
		    id >= CPUSET_BITS)
			continue;
		if (cpuset_has(&seen, (unsigned)id)) {
			f = report(s, vcpu.at, "duplicate vcpupin for vcpu '%llu'",
				   (unsigned long long)id);
			report_label(s, f, DOMAIN_REFUSES);
		}
		cpuset_add(&seen, (unsigned)id);
	}
	seen = (struct cpuset){ { 0 } };
	for_each_tune(n, d, "iothreadpin")
	{
		struct fact thread = ASK(n, "@iothread");

		if (!known || !fact_number(&thread, &id) || id >= CPUSET_BITS)
			continue;
		if (!cpuset_has(&threads, (unsigned)id))
			f = report(s, thread.at, "cannot find 'iothread' : %llu",
				   (unsigned long long)id);
		else if (cpuset_has(&seen, (unsigned)id))
			f = report(s, thread.at,
				   "duplicate iothreadpin for same iothread '%llu'",
				   (unsigned long long)id);
		else
			f = NULL;
		if (f)
			report_label(s, f, DOMAIN_REFUSES);
		cpuset_add(&seen, (unsigned)id);
	}
}

/* ---- cputune-pin-ignored ---- */

static void check_ignored(struct scan *s, const struct domain *d)
{
	uint64_t id, max;

	if (!max_vcpus(d, &max))
		return;
	for_each_tune(n, d, "vcpupin")
	{
		struct fact vcpu = ASK(n, "@vcpu");
		struct finding *f;

		if (!fact_number(&vcpu, &id) || id < max)
			continue;
		f = report(s, vcpu.at, "vcpupin for vCPU %llu, and there are %llu",
			   (unsigned long long)id, (unsigned long long)max);
		report_label(s, f, "libvirt ignores it without a word");
	}
}

/* ---- cputune-sched ---- */

struct sched {
	const char *element, *attribute;
};

static void check_sched_of(struct scan *s, const struct domain *d,
			   const struct sched *what, const struct cpuset *there)
{
	struct cpuset seen = { { 0 } }, set;
	struct finding *f;

	for_each_tune(n, d, what->element)
	{
		const struct node *a = node_attr(n, what->attribute);
		unsigned first;

		if (!set_of(n, what->attribute, &set))
			continue;
		if (cpuset_meet(&set, &seen)) {
			f = report(s, a->text_at, "'%s' attributes '%s' must not overlap",
				   what->element, what->attribute);
			report_label(s, f, DOMAIN_REFUSES);
		} else if (there && !cpuset_within(&set, there)) {
			first = cpuset_next(&set, 0);
			while (cpuset_has(there, first))
				first = cpuset_next(&set, first + 1);
			f = report(
				s, a->text_at,
				what->attribute[0] == 'v'
					? "vCPU '%u' is not present in domain definition"
					: "cannot find 'iothread' : %u",
				first);
			report_label(s, f, DOMAIN_REFUSES);
		}
		for (size_t i = 0; i < CPUSET_WORDS; i++)
			seen.words[i] |= set.words[i];
	}
}

static void check_sched(struct scan *s, const struct domain *d)
{
	static const struct sched vcpus = { "vcpusched", "vcpus" },
				  threads = { "iothreadsched", "iothreads" };
	struct cpuset there;
	uint64_t max;
	bool known = max_vcpus(d, &max);

	for (size_t i = 0; i < CPUSET_WORDS; i++)
		there.words[i] = UINT64_MAX;
	cpuset_shrink(&there, known ? max : CPUSET_BITS);
	check_sched_of(s, d, &vcpus, known ? &there : NULL);
	known = iothreads_of(d, &there);
	check_sched_of(s, d, &threads, known ? &there : NULL);
}

/* ---- cputune-range ---- */

static const struct range {
	const char *name;
	uint64_t least, most;
} ranges[] = {
	{ "shares", 2, 262144 },
	{ "period", 1000, 1000000 },
	{ "global_period", 1000, 1000000 },
	{ "emulator_period", 1000, 1000000 },
	{ "iothread_period", 1000, 1000000 },
	{ "quota", 1000, 17592186044415 },
	{ "global_quota", 1000, 17592186044415 },
	{ "emulator_quota", 1000, 17592186044415 },
	{ "iothread_quota", 1000, 17592186044415 },
};

static void check_range(struct scan *s, const struct domain *d)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const struct node *n = tune_first(d, ranges[i].name);
		struct finding *f;
		uint64_t v;

		/* 0 leaves it to the host, and a negative quota is none. */
		if (!n || !str_u64(n->text, &v) || v == 0 ||
		    (v >= ranges[i].least && v <= ranges[i].most))
			continue;
		f = report(s, node_value_at(n),
			   "value of cputune '%s' is %llu, must be in range [%llu, %llu]",
			   ranges[i].name, (unsigned long long)v,
			   (unsigned long long)ranges[i].least,
			   (unsigned long long)ranges[i].most);
		report_label(s, f, DOMAIN_REFUSES);
	}
}

const struct rule rules_cputune[] = {
	{ .id = "cputune-pin",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a thread that is pinned twice, or is not there",
	  .why = "libvirt refuses the domain.",
	  .steps = "One vcpupin for each CPU, and one iothreadpin for each thread that "
		   "<iothreads> or <iothreadids> has.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainVcpuPinDefParseXML, "
		    "virDomainIOThreadPinDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_pin) },
	{ .id = "cputune-pin-ignored",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a virtual CPU that is pinned, and is not there",
	  .why = "libvirt ignores it: mostly <vcpu> has been lowered, or the count begins "
		 "with 1 where the first CPU is 0, and one is left that is not pinned.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainVcpuPinDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_ignored) },
	{ .id = "cputune-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a share, period or quota that the kernel does not take",
	  .why = "libvirt refuses the domain.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefCputuneValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_range) },
	{ .id = "cputune-sched",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a scheduler twice for one thread, or for one that is not there",
	  .why = "libvirt refuses the domain.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainThreadSchedParseHelper)",
	  .since = "0.1.0",
	  CHECK(domain, check_sched) },
	{ .id = "iothread-ids",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "I/O threads with one id, or with a pool that cannot be",
	  .why = "libvirt refuses the domain.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainDefParseIOThreads), "
		    "domain_validate.c (virDomainDefValidateIOThreadsThreadPool)",
	  .since = "0.1.0",
	  CHECK(domain, check_ids) },
};
RULES_END(cputune);
