/* The guest's NUMA cells, and where the host has its memory.
 * libvirt formatdomain, "Guest NUMA topology" and "NUMA Node Tuning"; libvirt,
 * src/conf/numa_conf.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/cpuset.h"
#include "base/banned.h"

enum { LOCAL_DISTANCE = 10, UNREACHABLE = 255, CACHE_LEVELS = 3 };

static const struct node *numa_of(const struct domain *d)
{
	const struct node *cpu = node_child(d->node, "cpu");

	return cpu ? node_child(cpu, "numa") : NULL;
}

#define for_each_cell(var, numa)                                                         \
	for (const struct node *var = (numa) ? node_child((numa), "cell") : NULL; var;   \
	     var = node_again(var))

static uint64_t cells(const struct domain *d)
{
	uint64_t n = 0;

	for_each_cell(c, numa_of(d)) n++;
	return n;
}

/* The id that is written, or the place in the list. False: not known. */
static bool cell_id(const struct node *cell, uint64_t *id)
{
	struct fact f = ASK(cell, "@id");

	if (fact_known(&f))
		return fact_number(&f, id);
	*id = 0;
	for_each_cell(c, cell->up)
	{
		if (c == cell)
			break;
		++*id;
	}
	return fact_absent(&f);
}

static const struct node *cell_of(const struct node *numa, uint64_t id)
{
	uint64_t is;

	for_each_cell(c, numa)
	{
		if (cell_id(c, &is) && is == id)
			return c;
	}
	return NULL;
}

static bool cpus_of(const struct node *cell, struct cpuset *set)
{
	struct fact f = ASK(cell, "@cpus");

	*set = (struct cpuset){ { 0 } };
	return fact_absent(&f) || (fact_known(&f) && cpuset_read(set, f.v));
}

static void refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- numa-cells ---- */

static void check_cpus(struct scan *s, const struct domain *d, const struct node *numa)
{
	struct fact count = ASK(d->node, "vcpu");
	struct cpuset all = { { 0 } }, set;
	uint64_t max = 1, id;

	if (!fact_absent(&count) && !fact_number(&count, &max))
		max = CPUSET_BITS;
	for_each_cell(c, numa)
	{
		const struct node *a = node_attr(c, "cpus");
		unsigned last = 0;

		if (!a || !cpus_of(c, &set) || !cell_id(c, &id))
			continue;
		if (cpuset_meet(&set, &all))
			refused(s, report(s, a->text_at,
					  "NUMA cells have overlapping vCPU ids: '%s' of "
					  "cell %llu is in another one",
					  shown(s, a->text), (unsigned long long)id));
		for (unsigned i = cpuset_next(&set, 0); i < CPUSET_BITS;
		     i = cpuset_next(&set, i + 1))
			last = i;
		if (!cpuset_empty(&set) && last >= max)
			refused(s,
				report(s, a->text_at,
				       "CPU IDs in <numa> exceed the <vcpu> count: %u, "
				       "and there are %llu",
				       last, (unsigned long long)max));
		for (size_t i = 0; i < CPUSET_WORDS; i++)
			all.words[i] |= set.words[i];
	}
}

static void check_cells(struct scan *s, const struct domain *d)
{
	const struct node *numa = numa_of(d);
	uint64_t n = cells(d), id, other;

	if (!numa || node_is_open(numa) || domain_too_many(node_child(numa, "cell")))
		return;
	if (n == 0) {
		refused(s, report(s, numa->open_at,
				  "NUMA topology defined without NUMA cells"));
		return;
	}
	for_each_cell(c, numa)
	{
		if (!cell_id(c, &id))
			return;
		if (id >= n) {
			refused(s,
				report(s, c->open_at,
				       "exactly one 'cell' element per guest NUMA cell "
				       "allowed, non-contiguous ranges or ranges not "
				       "starting from 0 are not allowed: id %llu of %llu "
				       "cells",
				       (unsigned long long)id, (unsigned long long)n));
			return;
		}
		for_each_cell(before, numa)
		{
			if (before == c)
				break;
			if (!cell_id(before, &other) || other != id)
				continue;
			refused(s, report(s, c->open_at,
					  "duplicate NUMA cell info for cell id '%llu'",
					  (unsigned long long)id));
			return;
		}
	}
	check_cpus(s, d, numa);
}

/* ---- numa-distance ---- */

static void check_sibling(struct scan *s, const struct node *n, uint64_t cell,
			  uint64_t all)
{
	struct fact id = ASK(n, "@id"), value = ASK(n, "@value");
	uint64_t to, v;

	if (!fact_number(&id, &to))
		return;
	if (to >= all) {
		refused(s,
			report(s, id.at,
			       "'sibling_id %llu' does not refer to a valid cell within "
			       "NUMA 'cell id %llu'",
			       (unsigned long long)to, (unsigned long long)cell));
		return;
	}
	if (!fact_number(&value, &v) || (v >= LOCAL_DISTANCE && v <= UNREACHABLE &&
					 (to == cell) == (v == LOCAL_DISTANCE)))
		return;
	refused(s,
		report(s, value.at,
		       "'value %llu' is invalid for 'sibling id %llu' under NUMA 'cell id "
		       "%llu': %s",
		       (unsigned long long)v, (unsigned long long)to,
		       (unsigned long long)cell,
		       to == cell ? "a cell is 10 from itself"
				  : "another cell is 11 to 255 away"));
}

static void check_distance(struct scan *s, const struct domain *d)
{
	const struct node *numa = numa_of(d);
	uint64_t all = cells(d), id;

	if (!numa || domain_too_many(node_child(numa, "cell")))
		return;
	for_each_cell(c, numa)
	{
		const struct node *list = node_child(c, "distances"), *n;

		if (!list || !cell_id(c, &id))
			continue;
		n = node_child(list, "sibling");
		if (!n && !node_is_open(list))
			refused(s, report(s, list->open_at,
					  "NUMA distances defined without siblings"));
		for (; n; n = node_again(n))
			check_sibling(s, n, id, all);
	}
}

/* ---- numa-cache ---- */

static void check_cache(struct scan *s, const struct domain *d)
{
	for_each_cell(c, numa_of(d))
	{
		bool seen[CACHE_LEVELS + 1] = { false };

		for (const struct node *n = node_child(c, "cache"); n;
		     n = node_again(n)) {
			struct fact level = ASK(n, "@level");
			uint64_t v;

			if (!fact_number(&level, &v))
				continue;
			if (v > CACHE_LEVELS)
				refused(s, report(s, level.at,
						  "cache level %llu of a NUMA cell, "
						  "expected at most 3",
						  (unsigned long long)v));
			else if (seen[v])
				refused(s, report(s, level.at,
						  "cache level '%llu' already defined",
						  (unsigned long long)v));
			else
				seen[v] = true;
		}
	}
}

/* ---- numa-interconnect ---- */

struct link {
	uint64_t from, to, cache;
	struct str type;
	bool latency;
};

static bool read_link(const struct node *n, struct link *l)
{
	struct fact from = ASK(n, "@initiator"), to = ASK(n, "@target"),
		    cache = ASK(n, "@cache"), type = ASK(n, "@type");

	*l = (struct link){ .latency = str_is(n->key, "latency"), .type = type.v };
	return fact_number(&from, &l->from) && fact_number(&to, &l->to) &&
	       (fact_absent(&cache) || fact_number(&cache, &l->cache)) &&
	       fact_known(&type);
}

static bool has_cache(const struct node *cell, uint64_t level)
{
	uint64_t v;

	for (const struct node *n = node_child(cell, "cache"); n; n = node_again(n)) {
		struct fact f = ASK(n, "@level");

		if (!fact_number(&f, &v) || v == level)
			return true;
	}
	return false;
}

/* What is wrong with it alone; NULL: nothing, or it is not known. */
static const char *link_fault(const struct node *numa, const struct link *l)
{
	const struct node *from = cell_of(numa, l->from), *to = cell_of(numa, l->to);
	struct cpuset cpus;

	if (!from)
		return "'initiator' refers to a non-existent NUMA node";
	if (!to)
		return "'target' refers to a non-existent NUMA node";
	if (cpus_of(from, &cpus) && cpuset_empty(&cpus))
		return "NUMA nodes without CPUs can't be initiator";
	if (l->cache && !has_cache(to, l->cache))
		return "'cache' refers to a non-existent NUMA node cache";
	return NULL;
}

static void check_link(struct scan *s, const struct domain *d)
{
	const struct node *numa = numa_of(d),
			  *all = numa ? node_child(numa, "interconnects") : NULL;
	struct link l, before;

	if (!all || domain_too_many(node_child(numa, "cell")) ||
	    domain_too_many(node_child(all, "latency")) ||
	    domain_too_many(node_child(all, "bandwidth")))
		return;
	for_each_node (n, all) {
		const char *fault;

		if (n->kind != NODE_ELEMENT || n->ns.n || !read_link(n, &l))
			continue;
		fault = link_fault(numa, &l);
		for (const struct node *m = all->first; !fault && m != n; m = m->next) {
			if (m->kind != NODE_ELEMENT || m->ns.n || !read_link(m, &before))
				continue;
			if (l.latency == before.latency && l.from == before.from &&
			    l.to == before.to && l.cache == before.cache &&
			    str_eq(l.type, before.type))
				fault = "duplicate info for NUMA latencies";
			else if (l.from != l.to && l.from == before.to &&
				 l.to == before.from)
				fault = "link already defined, the other way round";
		}
		if (fault)
			refused(s, report(s, n->open_at, "%s", fault));
	}
}

/* ---- numa-memnode ---- */

static void check_memnodes(struct scan *s, const struct domain *d)
{
	const struct node *tune = node_child(d->node, "numatune");
	struct fact mode, placement;
	uint64_t all = cells(d), id;
	struct cpuset seen = { { 0 } };

	if (!tune || !node_child(tune, "memnode"))
		return;
	mode = ASK(tune, "memory@mode");
	placement = ASK(tune, "memory@placement");
	if (fact_is(&placement, "auto")) {
		refused(s,
			report(s, node_child(tune, "memnode")->open_at,
			       "per-node binding is not compatible with automatic NUMA "
			       "placement"));
		return;
	}
	if (all == 0) {
		refused(s, report(s, node_child(tune, "memnode")->open_at,
				  "element 'memnode' is invalid without any guest NUMA "
				  "cells"));
		return;
	}
	for (const struct node *n = node_child(tune, "memnode"); n; n = node_again(n)) {
		struct fact cell = ASK(n, "@cellid"), own = ASK(n, "@mode");

		if (fact_number(&cell, &id) && id >= all)
			refused(s,
				report(s, cell.at,
				       "argument 'cellid' in memnode element must "
				       "correspond to existing guest's NUMA cell: %llu "
				       "of %llu",
				       (unsigned long long)id, (unsigned long long)all));
		else if (fact_number(&cell, &id) && cpuset_has(&seen, (unsigned)id))
			refused(s, report(s, cell.at,
					  "multiple memnode elements with cellid %llu",
					  (unsigned long long)id));
		else if (fact_number(&cell, &id))
			cpuset_add(&seen, (unsigned)id);
		if (fact_is(&mode, "restrictive") && fact_is_not(&own, "restrictive"))
			refused(s, report(s, n->open_at,
					  "'restrictive' mode is required in memnode "
					  "element when mode is 'restrictive' in memory "
					  "element"));
	}
}

/* ---- numa-placement ---- */

static void check_placement(struct scan *s, const struct domain *d)
{
	const struct node *tune = node_child(d->node, "numatune"),
			  *memory = tune ? node_child(tune, "memory") : NULL;
	struct fact vcpu = ASK(d->node, "vcpu@placement"), mode, placement, nodeset;
	bool fixed;

	if (!memory)
		return;
	mode = ASK(memory, "@mode");
	placement = ASK(memory, "@placement");
	nodeset = ASK(memory, "@nodeset");
	if (!fact_absent(&nodeset) || (fact_absent(&mode) && fact_absent(&placement)))
		return;
	/* placement='default' is what <vcpu> says. */
	fixed = fact_is(&placement, "static") ||
		((fact_absent(&placement) || fact_is(&placement, "default")) &&
		 (fact_absent(&vcpu) || fact_is(&vcpu, "static")));
	if (fixed)
		refused(s, report(s, memory->open_at,
				  "nodeset for NUMA memory tuning must be set if "
				  "'placement' is 'static'"));
}

const struct rule rules_numa[] = {
	{ .id = "numa-cache",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "caches of a NUMA cell with impossible levels",
	  .why = "libvirt refuses the domain: levels are 1 to 3, each of them once.",
	  .source = "libvirt, src/conf/numa_conf.c (virDomainNumaDefValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_cache) },
	{ .id = "numa-cells",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "NUMA cells whose numbers or CPUs do not fit",
	  .why = "libvirt refuses the domain: cells are numbered from 0 without gaps, and "
		 "each CPU is one that there is, in one cell.",
	  .source = "libvirt, src/conf/numa_conf.c (virDomainNumaDefParseXML), "
		    "domain_conf.c (virDomainDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_cells) },
	{ .id = "numa-distance",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a distance between NUMA cells that cannot be",
	  .why = "libvirt refuses the domain: a cell is 10 from itself, and 11 to 255 from "
		 "another one that there is.",
	  .source =
		  "libvirt, src/conf/numa_conf.c (virDomainNumaDefNodeDistanceParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_distance) },
	{ .id = "numa-interconnect",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an interconnect between NUMA cells that cannot be",
	  .why = "libvirt refuses the domain: it leads from a cell with CPUs to one that "
		 "there is, and is said once.",
	  .source = "libvirt, src/conf/numa_conf.c (virDomainNumaDefValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_link) },
	{ .id = "numa-memnode",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "memory of a NUMA cell that cannot be bound so",
	  .why = "libvirt refuses the domain: a memnode is about a cell that the guest "
		 "has, each once, and as restrictive as <memory> is.",
	  .source = "libvirt, src/conf/numa_conf.c (virDomainNumatuneNodeParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_memnodes) },
	{ .id = "numa-placement",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "memory that is to be placed on no node",
	  .why = "libvirt refuses the domain: static placement, the default, is on the "
		 "nodes of nodeset.",
	  .steps = "nodeset='0', or <vcpu placement='auto'> and placement='auto'.",
	  .source = "libvirt, src/conf/numa_conf.c (virDomainNumatuneSet)",
	  .since = "0.1.0",
	  CHECK(domain, check_placement) },
};
RULES_END(numa);
