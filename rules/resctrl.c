/* <cachetune> and <memorytune>: groups of CPUs with caches and bandwidth of their own.
 * libvirt formatdomain, "CPU Tuning"; libvirt, src/conf/domain_conf.c
 * (virDomainCachetuneDefParse, virDomainMemorytuneDefParse, virDomainResctrlValidateMonitor),
 * src/util/virresctrl.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/cpuset.h"
#include "base/banned.h"

enum { BANDWIDTH_MAX = 100, MONITOR_LEVEL = 3 };

static struct finding *refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
	return f;
}

static bool is_group(const struct node *n)
{
	return n->kind == NODE_ELEMENT && n->ns.n == 0 &&
	       (str_is(n->key, "cachetune") || str_is(n->key, "memorytune"));
}

/* Without content it is no group. */
static bool vcpus_of(const struct node *n, struct cpuset *set, uint64_t max)
{
	struct fact f = ASK(n, "@vcpus");

	if (!fact_known(&f) || !cpuset_read(set, f.v))
		return false;
	cpuset_shrink(set, max);
	return !cpuset_empty(set) && (node_child(n, "cache") || node_child(n, "node") ||
				      node_child(n, "monitor"));
}

static bool max_vcpus(const struct domain *d, uint64_t *max)
{
	struct fact count = ASK(d->node, "vcpu");

	*max = 1;
	return fact_absent(&count) || fact_number(&count, max);
}

/* More of something than are compared. */
static bool has_many(const struct node *tune)
{
	if (domain_too_many(node_child(tune, "cachetune")) ||
	    domain_too_many(node_child(tune, "memorytune")))
		return true;
	for_each_node (n, tune) {
		if (is_group(n) && (domain_too_many(node_child(n, "cache")) ||
				    domain_too_many(node_child(n, "node")) ||
				    domain_too_many(node_child(n, "monitor"))))
			return true;
	}
	return false;
}

/* ---- resctrl-overlap ---- */

/* The kind of the group decides: a memorytune may be about the CPUs of a cachetune. */
static void check_group(struct scan *s, const struct node *n, const struct cpuset *set,
			uint64_t max)
{
	struct cpuset other;
	struct finding *f;

	for (const struct node *m = n->up->first; m != n; m = m->next) {
		bool same;

		if (!is_group(m) || !vcpus_of(m, &other, max) ||
		    !cpuset_meet(set, &other))
			continue;
		/* libvirt reads all cachetunes first. */
		if (str_is(m->key, "memorytune") && str_is(n->key, "cachetune"))
			continue;
		same = cpuset_same(set, &other);
		if (same && str_is(n->key, "memorytune"))
			continue;
		f = report(s, n->open_at, "%s",
			   same ? "identical vcpus in cachetunes found"
				: "overlapping vcpus in resctrls");
		report_related(s, refused(s, f), m->open_at, "of this group as well");
		return;
	}
}

static void check_monitors(struct scan *s, const struct node *n, const struct cpuset *set,
			   uint64_t max)
{
	struct cpuset own, other;

	for (const struct node *m = node_child(n, "monitor"); m; m = node_again(m)) {
		struct fact vcpus = ASK(m, "@vcpus"), level = ASK(m, "@level");
		uint64_t v;

		if (str_is(n->key, "cachetune") && fact_number(&level, &v) &&
		    v != MONITOR_LEVEL)
			refused(s,
				report(s, level.at,
				       "invalid monitor cache level '%llu', expected 3",
				       (unsigned long long)v));
		if (!fact_known(&vcpus) || !cpuset_read(&own, vcpus.v))
			continue;
		cpuset_shrink(&own, max);
		if (!cpuset_within(&own, set)) {
			refused(s, report(s, vcpus.at,
					  "monitor vcpus conflicts with allocation: '%s' "
					  "are not all of its group",
					  shown(s, vcpus.v)));
			continue;
		}
		for (const struct node *b = node_child(n, "monitor"); b != m;
		     b = node_again(b)) {
			struct fact before = ASK(b, "@vcpus");

			if (!fact_known(&before) || !cpuset_read(&other, before.v))
				continue;
			cpuset_shrink(&other, max);
			if (!cpuset_same(&own, &other))
				continue;
			refused(s, report(s, vcpus.at,
					  "identical vcpus found in same type monitors"));
			break;
		}
	}
}

static void check_overlap(struct scan *s, const struct domain *d)
{
	const struct node *tune = node_child(d->node, "cputune");
	struct cpuset set;
	uint64_t max;

	if (!tune || !max_vcpus(d, &max) || has_many(tune))
		return;
	for_each_node (n, tune) {
		if (!is_group(n) || !vcpus_of(n, &set, max))
			continue;
		check_group(s, n, &set, max);
		check_monitors(s, n, &set, max);
	}
}

/* ---- resctrl-value ---- */

static void check_caches(struct scan *s, const struct node *n)
{
	uint64_t a, b, la, lb;

	for (const struct node *c = node_child(n, "cache"); c; c = node_again(c)) {
		struct fact id = ASK(c, "@id"), level = ASK(c, "@level"),
			    type = ASK(c, "@type");

		for (const struct node *m = node_child(n, "cache"); m != c;
		     m = node_again(m)) {
			struct fact id2 = ASK(m, "@id"), level2 = ASK(m, "@level"),
				    type2 = ASK(m, "@type");

			if (!fact_number(&id, &a) || !fact_number(&id2, &b) || a != b ||
			    !fact_number(&level, &la) || !fact_number(&level2, &lb) ||
			    la != lb || !fact_known(&type) || !fact_known(&type2) ||
			    !str_eq(type.v, type2.v))
				continue;
			refused(s, report(s, c->open_at,
					  "colliding cache allocations for cache level "
					  "'%llu' id '%llu', type '%s'",
					  (unsigned long long)la, (unsigned long long)a,
					  shown(s, type.v)));
			break;
		}
	}
}

static void check_nodes(struct scan *s, const struct node *n)
{
	uint64_t v, a, b;

	for (const struct node *c = node_child(n, "node"); c; c = node_again(c)) {
		struct fact bandwidth = ASK(c, "@bandwidth"), id = ASK(c, "@id");

		if (fact_number(&bandwidth, &v) && v > BANDWIDTH_MAX)
			refused(s, report(s, bandwidth.at,
					  "memory bandwidth value %llu exceeding 100 is "
					  "invalid",
					  (unsigned long long)v));
		for (const struct node *m = node_child(n, "node"); m != c;
		     m = node_again(m)) {
			struct fact id2 = ASK(m, "@id");

			if (!fact_number(&id, &a) || !fact_number(&id2, &b) || a != b)
				continue;
			refused(s,
				report(s, id.at,
				       "memory bandwidth already defined for node %llu",
				       (unsigned long long)a));
			break;
		}
	}
}

static void check_value(struct scan *s, const struct domain *d)
{
	const struct node *tune = node_child(d->node, "cputune"), *first = NULL;

	if (!tune || has_many(tune))
		return;
	for_each_node (n, tune) {
		if (!is_group(n))
			continue;
		check_caches(s, n);
		check_nodes(s, n);
		if (node_child(n, "cache") || node_child(n, "node"))
			first = first ? first : n;
	}
	if (first && fact_is(&d->vm->type, "qemu"))
		refused(s, report(s, first->open_at,
				  "cachetune is only supported for KVM domains"));
}

const struct rule rules_resctrl[] = {
	{ .id = "resctrl-overlap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "CPUs in two groups of caches or bandwidth",
	  .why = "libvirt refuses the domain: a CPU is in one group, and a monitor looks "
		 "at CPUs of its own.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainResctrlVcpuMatch, "
		    "virDomainResctrlValidateMonitor)",
	  .since = "0.1.0",
	  CHECK(domain, check_overlap) },
	{ .id = "resctrl-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a share of a cache or of memory bandwidth that cannot be",
	  .why = "libvirt refuses the domain: each cache and each node is said once, "
		 "bandwidth is a percentage, and only KVM's guests have them.",
	  .source = "libvirt, src/util/virresctrl.c (virResctrlAllocSetCacheSize, "
		    "virResctrlAllocSetMemoryBandwidth), src/qemu/qemu_validate.c "
		    "(qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_value) },
};
RULES_END(resctrl);
