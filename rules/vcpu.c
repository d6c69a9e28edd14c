/* How many virtual CPUs, and which of them are on.
 * libvirt formatdomain, "CPU Allocation"; libvirt, src/conf/domain_conf.c (virDomainVcpuParse),
 * src/qemu/qemu_validate.c (qemuValidateDomainVCpuTopology).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/domain_table.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/num.h"
#include "base/banned.h"

enum { MAX_WITHOUT_EIM = 255 };

/* ---- vcpu-count ---- */

static void check_count(struct scan *s, const struct domain *d)
{
	struct fact count = ASK(d->node, "vcpu"), current = ASK(d->node, "vcpu@current");
	struct finding *f;
	uint64_t max, on;

	if (!fact_number(&count, &max))
		return;
	if (max == 0 && d->qemu) {
		f = report(s, count.at, "domain requires at least 1 vCPU");
		report_label(s, f, DOMAIN_REFUSES);
		return;
	}
	if (!fact_number(&current, &on) || node_child(d->node, "vcpus"))
		return;
	if (on > max)
		f = report(s, current.at,
			   "maximum vCPU count %llu must not be less than current vCPU "
			   "count %llu",
			   (unsigned long long)max, (unsigned long long)on);
	else if (on == 0 && d->qemu)
		f = report(s, current.at,
			   "domain requires at least 1 vCPU, current is 0");
	else
		return;
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- vcpu-topology ---- */

/* Sockets times dies times clusters times cores times threads. */
static bool topology(const struct node *n, uint64_t *product, uint64_t *threads)
{
	static const struct {
		const char *name;
		bool required;
	} levels[] = { { "sockets", true },
		       { "dies", false },
		       { "clusters", false },
		       { "cores", true },
		       { "threads", true } };

	*product = 1;
	*threads = 1;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct node *a = node_attr(n, levels[i].name);
		uint64_t v;

		if (!a && !levels[i].required)
			continue;
		if (!a || !domain_number(a->text, &v) || v == 0 ||
		    !u64_mul(*product, v, product))
			return false;
		*threads = v;
	}
	return true;
}

static void check_topology(struct scan *s, const struct domain *d)
{
	struct fact count = ASK(d->node, "vcpu"), current = ASK(d->node, "vcpu@current");
	const struct node *cpu = node_child(d->node, "cpu"),
			  *n = cpu ? node_child(cpu, "topology") : NULL;
	uint64_t max = 1, on, product = 1, threads = 1;
	struct finding *f;

	if (!n || !d->qemu || !topology(n, &product, &threads) ||
	    (!fact_absent(&count) && !fact_number(&count, &max)))
		return;
	if (product != max) {
		f = report(s, n->open_at,
			   "CPU topology of %llu CPUs doesn't match maximum vcpu count "
			   "%llu",
			   (unsigned long long)product, (unsigned long long)max);
		report_label(s, f, DOMAIN_REFUSES);
		if (fact_known(&count))
			report_related(s, f, count.at, "the count");
		/* Before QEMU 2.7 the cells of NUMA could have the rest. */
		if (cpu && node_child(cpu, "numa"))
			report_lower(f);
		return;
	}
	on = max;
	if (node_child(d->node, "vcpus") ||
	    (!fact_absent(&current) && !fact_number(&current, &on)))
		return;
	if (d->machine != MACHINE_PSERIES || on % threads == 0)
		return;
	f = report(s, fact_known(&current) ? current.at : count.at,
		   "vCPUs count %llu must be a multiple of the vCPU hotplug granularity "
		   "(%llu)",
		   (unsigned long long)on, (unsigned long long)threads);
	report_label(s, f, DOMAIN_REFUSES "; pSeries adds whole cores");
	report_related(s, f, n->open_at, "the threads of a core");
}

/* ---- vcpu-many ---- */

static void check_many(struct scan *s, const struct domain *d)
{
	struct fact count = ASK(d->node, "vcpu"), eim;
	struct version v = target_version(s, "libvirt");
	const struct node *iommu = NULL;
	struct finding *f;
	uint64_t max;

	if (!d->qemu || !domain_is_x86(d) || !fact_number(&count, &max) ||
	    max <= MAX_WITHOUT_EIM)
		return;
	for_each_device(i, d, iommu) iommu = iommu ? iommu : i->node;
	if (domain_family_is_not(d, MACHINE_Q35) || fact_absent(&d->vm->machine)) {
		f = report(s, count.at,
			   "%llu vCPUs; more than 255 are only supported on q35-based "
			   "machine types",
			   (unsigned long long)max);
		report_label(s, f, DOMAIN_REFUSES);
	} else {
		/* Newer versions give it one when they define the domain. */
		if (v.known && version_cmp(&v, 10, 10, 0) >= 0)
			return;
		if (iommu) {
			eim = ASK(iommu, "driver@eim");
			if (!fact_is_not(&eim, "on"))
				return;
		}
		f = report(s, count.at,
			   "%llu vCPUs; more than 255 require extended interrupt mode "
			   "enabled on the iommu device",
			   (unsigned long long)max);
		report_label(s, f, "libvirt before 10.10 refuses the domain");
		if (!v.known)
			report_lower(f);
	}
}

/* ---- vcpu-state ---- */

enum { STATES_MAX = 256 };

/* What <vcpus> says of one; on by default only where nobody says otherwise. */
struct state {
	const struct node *node;
	bool on, hotpluggable;
	uint64_t order;
};

static void said(struct scan *s, const struct node *n, const char *what)
{
	struct finding *f = report(s, n->open_at, "%s", what);

	report_label(s, f, DOMAIN_REFUSES);
}

/* False: not all of it is known, or something is wrong already. */
static bool read_states(struct scan *s, const struct domain *d, struct state *all,
			uint64_t max)
{
	const struct node *list = node_child(d->node, "vcpus");

	for (const struct node *n = node_child(list, "vcpu"); n; n = node_again(n)) {
		struct fact id = ASK(n, "@id"), on = ASK(n, "@enabled"),
			    hot = ASK(n, "@hotpluggable"), order = ASK(n, "@order");
		uint64_t i;

		if (!fact_number(&id, &i) || !fact_known(&on))
			return false;
		if (i >= max) {
			said(s, n,
			     scan_printf(s,
					 "vcpu id '%llu' is out of range of maximum vcpu "
					 "count %llu",
					 (unsigned long long)i, (unsigned long long)max));
			return false;
		}
		all[i].node = n;
		all[i].on = fact_is(&on, "yes");
		all[i].hotpluggable =
			fact_known(&hot) ? fact_is(&hot, "yes") : !all[i].on;
		all[i].order = 0;
		if (!fact_absent(&order) && !fact_number(&order, &all[i].order))
			return false;
		if (!all[i].on && !all[i].hotpluggable) {
			said(s, n,
			     scan_printf(s,
					 "vcpu '%llu' is both offline and not "
					 "hotpluggable",
					 (unsigned long long)i));
			return false;
		}
	}
	return true;
}

static void check_order(struct scan *s, const struct state *all, uint64_t max)
{
	for (uint64_t i = 1; i < max; i++) {
		const struct state *v = &all[i], *before = &all[i - 1];

		if (!v->node)
			continue;
		if (v->on && (v->order != 0) != (all[0].order != 0)) {
			said(s, v->node, "all vcpus must have either set or unset order");
			return;
		}
		if (v->hotpluggable)
			continue;
		if (before->hotpluggable) {
			said(s, v->node,
			     "online non-hotpluggable vcpus need to be ordered prior to "
			     "hotpluggable vcpus");
			return;
		}
		if (before->order > v->order) {
			said(s, v->node,
			     "online non-hotpluggable vcpus must be ordered in ascending "
			     "order");
			return;
		}
	}
}

static void check_state(struct scan *s, const struct domain *d)
{
	struct fact count = ASK(d->node, "vcpu");
	struct state all[STATES_MAX] = { { 0 } };
	uint64_t max = 1;

	if (!node_child(d->node, "vcpus") ||
	    (!fact_absent(&count) && !fact_number(&count, &max)) || max == 0 ||
	    max > STATES_MAX)
		return;
	for (uint64_t i = 0; i < max; i++)
		all[i].hotpluggable = true; /* off, as nothing is said of it */
	if (!read_states(s, d, all, max) || !d->qemu || !all[0].node)
		return;
	if (!all[0].on)
		said(s, all[0].node, "vcpu 0 can't be offline");
	else if (all[0].hotpluggable)
		said(s, all[0].node, "vcpu0 can't be hotpluggable");
	else if (all[0].order > 1)
		said(s, all[0].node, "vcpu0 must be enabled first");
	else
		check_order(s, all, max);
}

const struct rule rules_vcpu[] = {
	{ .id = "vcpu-count",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a number of virtual CPUs that cannot be",
	  .why = "libvirt refuses the domain: it has one CPU at least, and no more that "
		 "are on than there are.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainDefSetVcpus), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainVCpuTopology)",
	  .since = "0.1.0",
	  CHECK(domain, check_count) },
	{ .id = "vcpu-many",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "more than 255 virtual CPUs without what they need",
	  .why = "libvirt refuses the domain: APIC ids above 254 need an IOMMU with "
		 "extended interrupt mode, which only q35 has.",
	  .steps = "<iommu model='intel'><driver intremap='on' eim='on'/></iommu>, and "
		   "<ioapic driver='qemu'/> in <features>.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainVCpuTopology)",
	  .since = "0.1.0",
	  CHECK(domain, check_many) },
	{ .id = "vcpu-state",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "states of single CPUs that do not go together",
	  .why = "libvirt refuses the domain: the first CPU is always on, and those that "
		 "cannot be unplugged come before those that can.",
	  .source = "libvirt, src/qemu/qemu_domain.c (qemuDomainDefVcpusPostParse), "
		    "src/conf/domain_postparse.c (virDomainVcpuDefPostParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_state) },
	{ .id = "vcpu-topology",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "sockets, cores and threads that do not add up to the CPUs",
	  .why = "libvirt refuses the domain: sockets times dies times cores times threads "
		 "is the maximum number of CPUs, and on pSeries CPUs come by the core.",
	  .steps = "Change <vcpu>, or the topology, whichever is out of date.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainVCpuTopology)",
	  .since = "0.1.0",
	  CHECK(domain, check_topology) },
};
RULES_END(vcpu);
