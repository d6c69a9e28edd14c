/* How much memory, up to how much, and in which pages.
 * libvirt formatdomain, "Memory Allocation" and "Memory Backing"; libvirt,
 * src/conf/domain_postparse.c (virDomainDefPostParseMemory), domain_validate.c
 * (virDomainDefMemtuneValidate), src/qemu/qemu_validate.c (qemuValidateDomainDefMemory).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/cpuset.h"
#include "base/num.h"
#include "base/banned.h"

static void refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
}

static const struct node *numa_of(const struct domain *d)
{
	const struct node *cpu = node_child(d->node, "cpu");

	return cpu ? node_child(cpu, "numa") : NULL;
}

static uint64_t cells(const struct domain *d)
{
	const struct node *numa = numa_of(d);
	uint64_t n = 0;

	for (const struct node *c = numa ? node_child(numa, "cell") : NULL; c;
	     c = node_again(c))
		n++;
	return n;
}

/* A size in an attribute, with its unit in another one; KiB without. */
static bool attribute_size(const struct node *n, const char *name, uint64_t *bytes)
{
	const struct node *a = node_attr(n, name), *unit = node_attr(n, "unit");
	uint64_t v, each;

	return a && str_u64(str_trim(a->text), &v) &&
	       domain_unit(unit && unit->text.n ? unit->text : STR("KiB"), &each) &&
	       u64_mul(v, each, bytes);
}

/* What the guest begins with: the cells where there are any, else <memory>, devices of memory
 * included. False: not known. */
static bool memory_of(const struct domain *d, uint64_t *bytes)
{
	const struct node *numa = numa_of(d), *memory = node_child(d->node, "memory");
	uint64_t one;

	*bytes = 0;
	if (cells(d) == 0)
		return !memory || domain_size(memory, "KiB", bytes);
	for (const struct node *c = node_child(numa, "cell"); c; c = node_again(c)) {
		if (!attribute_size(c, "memory", &one) || !u64_add(*bytes, one, bytes))
			return false;
	}
	return true;
}

/* ---- memory-none ---- */

static void check_none(struct scan *s, const struct domain *d)
{
	const struct node *memory = node_child(d->node, "memory");
	uint64_t bytes;

	if (!memory_of(d, &bytes) || bytes || node_is_open(d->node))
		return;
	refused(s, report(s, memory ? node_value_at(memory) : d->node->open_at,
			  "memory size must be specified via <memory> or in the <numa> "
			  "configuration"));
}

/* ---- memory-overflow ---- */

/* Sizes are rounded up to a MiB, and stay below 2^63 bytes. */
enum { MIB = 1 << 20 };

static bool overflows(uint64_t bytes)
{
	return bytes > (uint64_t)INT64_MAX - (MIB - 1);
}

static void check_overflow(struct scan *s, const struct domain *d)
{
	const struct node *numa = numa_of(d), *max = node_child(d->node, "maxMemory"),
			  *memory = node_child(d->node, "memory");
	const char *said = NULL;
	struct span at = { 0 };
	uint64_t bytes;

	if (!d->qemu)
		return;
	for (const struct node *c = numa ? node_child(numa, "cell") : NULL; c;
	     c = node_again(c)) {
		if (attribute_size(c, "memory", &bytes) && overflows(bytes)) {
			said = "memory size of a NUMA node";
			at = node_attr(c, "memory")->whole;
			break;
		}
	}
	if (!said && cells(d) == 0 && memory && domain_size(memory, "KiB", &bytes) &&
	    overflows(bytes)) {
		said = "initial memory size";
		at = node_value_at(memory);
	}
	if (!said && max && domain_size(max, "KiB", &bytes) && overflows(bytes)) {
		said = "maximum memory size";
		at = node_value_at(max);
	}
	if (said)
		report_label(s, report(s, at, "%s overflows after alignment", said),
			     "libvirt defines the domain, and does not start it");
}

/* ---- memory-maximum ---- */

static void check_maximum(struct scan *s, const struct domain *d)
{
	const struct node *max = node_child(d->node, "maxMemory");
	uint64_t most, bytes, slots = 0, devices = domain_count(d, DEVICE_memory);
	struct fact f;

	if (!max || !domain_size(max, "KiB", &most))
		return;
	f = ASK(max, "@slots");
	if (!fact_absent(&f) && !fact_number(&f, &slots))
		return;
	/* virtio-mem needs no slot, and an s390x machine has nothing else (since 11.1). */
	if (most && !slots && domain_arch_is(d, "s390x"))
		return;
	if (!most != !slots) {
		refused(s,
			report(s, max->open_at,
			       "both maximum memory size and memory slot count must be "
			       "specified"));
		return;
	}
	if (most && memory_of(d, &bytes) && most < bytes) {
		refused(s, report(s, node_value_at(max),
				  "maximum memory size must be equal or greater than the "
				  "actual memory size"));
		return;
	}
	if (!d->qemu || !most)
		return;
	if (cells(d) == 0 && !domain_is_ppc64(d) && fact_known(&d->vm->arch))
		refused(s, report(s, max->open_at,
				  "at least one numa node has to be configured when "
				  "enabling memory hotplug"));
	else if (devices > slots)
		refused(s,
			report(s, f.at,
			       "memory device count '%llu' exceeds slots count '%llu'",
			       (unsigned long long)devices, (unsigned long long)slots));
}

/* ---- memory-current ---- */

static void check_current(struct scan *s, const struct domain *d)
{
	const struct node *memory = node_child(d->node, "memory"),
			  *current = node_child(d->node, "currentMemory");
	struct finding *f;
	uint64_t all, now;

	if (!memory || !current || cells(d) || domain_count(d, DEVICE_memory) ||
	    !domain_size(memory, "KiB", &all) || !domain_size(current, "KiB", &now) ||
	    now <= all || all == 0)
		return;
	f = report(s, node_value_at(current),
		   "currentMemory of %llu KiB is more than memory, which is %llu KiB",
		   (unsigned long long)(now / 1024), (unsigned long long)(all / 1024));
	report_label(s, f, "libvirt lowers it to <memory> without a word");
	report_related(s, f, node_value_at(memory), "the memory that there is");
}

static bool fix_current(struct plan *p, const struct finding *f, const struct domain *d)
{
	(void)f;
	plan_title(p, "remove <currentMemory> (it is all of the memory then)");
	return plan_remove_node(p, node_child(d->node, "currentMemory"));
}

/* ---- memory-hugepages ---- */

static const struct node *backing(const struct domain *d, const char *name)
{
	const struct node *n = node_child(d->node, "memoryBacking");

	return n ? node_child(n, name) : NULL;
}

/* A page's nodes. False: it is for all of them, or it is not known. */
static bool nodes_of(const struct domain *d, const struct node *page, struct cpuset *set,
		     bool *all)
{
	struct fact f = ASK(page, "@nodeset");

	*all = fact_absent(&f);
	if (!fact_known(&f) || !cpuset_read(set, f.v))
		return false;
	/* Without cells, "0" is the whole guest. */
	if (cells(d) == 0 && cpuset_has(set, 0) && cpuset_count(set) == 1) {
		*all = true;
		return false;
	}
	return true;
}

static const char *size_shown(struct scan *s, const struct node *page)
{
	uint64_t bytes;

	return attribute_size(page, "size", &bytes)
		       ? scan_printf(s, "%llu", (unsigned long long)(bytes / 1024))
		       : "?";
}

static void check_page(struct scan *s, const struct domain *d, const struct node *page)
{
	struct cpuset set, other;
	bool all, other_all, some = nodes_of(d, page, &set, &all);
	uint64_t n = cells(d);

	for (const struct node *p = node_child(page->up, "page"); p != page;
	     p = node_again(p)) {
		bool other_some = nodes_of(d, p, &other, &other_all);

		if (all && other_all) {
			refused(s, report(s, page->open_at,
					  "two master hugepages detected: %s and %s",
					  size_shown(s, page), size_shown(s, p)));
			return;
		}
		if (some && other_some && cpuset_meet(&set, &other)) {
			refused(s,
				report(s, page->open_at,
				       "nodeset attribute of hugepages of sizes %s and %s "
				       "intersect",
				       size_shown(s, page), size_shown(s, p)));
			return;
		}
	}
	if (some && cpuset_next(&set, n < CPUSET_BITS ? (unsigned)n : 0) < CPUSET_BITS)
		refused(s, report(s, node_attr(page, "nodeset")->text_at,
				  "hugepages: node %u not found, the guest has %llu NUMA "
				  "cells",
				  cpuset_next(&set, (unsigned)n), (unsigned long long)n));
}

static void check_hugepages(struct scan *s, const struct domain *d)
{
	const struct node *huge = backing(d, "hugepages"), *page;
	struct fact allocation = ASK(d->node, "memoryBacking/allocation@mode"),
		    source = ASK(d->node, "memoryBacking/source@type");
	struct finding *f;
	uint64_t bytes;

	if (!huge || domain_too_many(node_child(huge, "page")))
		return;
	for (page = node_child(huge, "page"); page; page = node_again(page)) {
		if (attribute_size(page, "size", &bytes) && bytes == 0)
			refused(s, report(s, node_attr(page, "size")->text_at,
					  "hugepage size can't be zero"));
		check_page(s, d, page);
	}
	if (!d->qemu)
		return;
	if (fact_is(&allocation, "ondemand"))
		f = report(s, allocation.at,
			   "hugepages are not allowed with memory allocation ondemand");
	else if (fact_is(&source, "anonymous"))
		f = report(s, source.at,
			   "hugepages are not allowed with anonymous memory source");
	else
		return;
	refused(s, f);
	report_related(s, f, huge->open_at, "the hugepages");
}

/* ---- memory-tune ---- */

static void check_tune(struct scan *s, const struct domain *d)
{
	const struct node *tune = node_child(d->node, "memtune"),
			  *min = tune ? node_child(tune, "min_guarantee") : NULL;
	uint64_t bytes;

	if (d->qemu && min && domain_size(min, "KiB", &bytes) && bytes)
		refused(s, report(s, min->open_at,
				  "parameter 'min_guarantee' not supported by QEMU"));
}

/* ---- memory-locked ---- */

static void check_locked(struct scan *s, const struct domain *d)
{
	const struct node *locked = backing(d, "locked");
	const struct node *tune = node_child(d->node, "memtune");
	struct finding *f;

	if (!d->qemu || !locked || (tune && node_child(tune, "hard_limit")))
		return;
	f = report(s, locked->open_at,
		   "locked memory without a <hard_limit>: QEMU may lock as much as it "
		   "allocates");
	report_label(s, f, "a leak in QEMU takes all memory of the host");
}

const struct rule rules_memory[] = {
	{ .id = "memory-current",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "more current memory than there is",
	  .why = "libvirt sets currentMemory to memory without a word. Mostly one of them "
		 "was changed and the other was not, or their units differ.",
	  .source = "libvirt, src/conf/domain_postparse.c (virDomainDefPostParseMemory)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_current, fix_current) },
	{ .id = "memory-hugepages",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "hugepages that contradict each other, or the rest",
	  .why = "libvirt refuses the domain: one size of page is for all cells, others "
		 "are for cells that there are, and hugepages are neither allocated on "
		 "demand nor anonymous.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefMemtuneValidate), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainDefMemory)",
	  .since = "0.1.0",
	  CHECK(domain, check_hugepages) },
	{ .id = "memory-locked",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "locked memory without a limit",
	  .why = "libvirt then lifts the limit on locked memory altogether: what QEMU "
		 "allocates is never swapped out, whatever it is.",
	  .steps =
		  "<memtune><hard_limit unit='GiB'>...</hard_limit></memtune>, well above "
		  "the guest's memory.",
	  .source = "libvirt formatdomain, memoryBacking locked",
	  .since = "0.1.0",
	  CHECK(domain, check_locked) },
	{ .id = "memory-maximum",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a maximum of memory that does not fit the rest",
	  .why = "libvirt refuses the domain: maxMemory has a size and slots, is no less "
		 "than the memory, and needs NUMA cells (except on POWER).",
	  .steps =
		  "<cpu><numa><cell id='0' cpus='0-3' memory='4' unit='GiB'/></numa></cpu> "
		  "is the whole guest as one cell.",
	  .source = "libvirt, src/conf/domain_postparse.c (virDomainDefPostParseMemory), "
		    "src/qemu/qemu_domain.c (qemuDomainDefValidateMemoryHotplug)",
	  .since = "0.1.0",
	  CHECK(domain, check_maximum) },
	{ .id = "memory-none",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a domain without memory",
	  .why = "libvirt refuses the domain.",
	  .steps = "<memory unit='GiB'>2</memory>",
	  .source = "libvirt, src/conf/domain_postparse.c (virDomainDefPostParseMemory)",
	  .since = "0.1.0",
	  CHECK(domain, check_none) },
	{ .id = "memory-overflow",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a memory size past what can be counted",
	  .why = "libvirt does not start the domain: sizes are rounded up to a MiB, and must "
		 "stay below 2^63 bytes.",
	  .source = "libvirt, src/qemu/qemu_domain.c (qemuDomainAlignMemorySizes)",
	  .since = "0.1.0",
	  CHECK(domain, check_overflow) },
	{ .id = "memory-tune",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a minimum guarantee of memory, which QEMU does not have",
	  .why = "libvirt refuses the domain.",
	  .steps =
		  "Remove <min_guarantee>; a hard_limit of the others does what was meant.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_tune) },
};
RULES_END(memory);
