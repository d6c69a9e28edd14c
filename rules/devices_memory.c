/* Memory devices of a libvirt domain: DIMMs, NVDIMMs, virtio-mem, virtio-pmem, SGX EPC.
 * libvirt, src/conf/domain_conf.c (virDomainMemoryDefParseXML), domain_validate.c
 * (virDomainMemoryDefValidate), src/qemu/qemu_domain.c (qemuDomainDefValidateMemoryHotplug).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/num.h"
#include "base/banned.h"

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c, virDomainMemoryDefValidate()"
#define HOTPLUG       "libvirt, src/qemu/qemu_domain.c, qemuDomainDefValidateMemoryHotplug()"

static void say(struct scan *s, struct span at, const char *text)
{
	report_label(s, report(s, at, "%s", text), DOMAIN_REFUSES);
}

/* ---- memory-device-option ---- */

static const struct clash option_clashes[] = {
	{ CLASH(ON(memory), "@model",
		"missing required attribute 'model' in element 'memory': expected dimm, "
		"nvdimm, virtio-mem, virtio-pmem or sgx-epc",
		{ "@model", "" }),
	  .common = true },
	{ CLASH(ON(memory), "target?", "missing <target> element for <memory> device",
		{ "target?", "" }),
	  .common = true },
	{ CLASH(ON(memory), "target/size", "missing size of a {@model} memory device",
		{ "target?", "!" }, { "target/size", "" }),
	  .common = true },
	{ CLASH(ON(memory), "source/path", "path is required for model '{@model}'",
		{ "@model", "nvdimm|virtio-pmem" }, { "source/path", "" }),
	  .common = true },
	{ CLASH(ON(memory), "@discard", "discard is not supported for model '{@model}'",
		{ "@model", "nvdimm|virtio-pmem" }, { "@discard", "yes" }),
	  .common = true },
	{ CLASH(ON(memory), "@access",
		"shared access mode required for virtio-pmem device",
		{ "@model", "virtio-pmem" }, { "@access", "!shared|" }),
	  .common = true },
	{ CLASH(ON(memory), "target/node", "virtio-pmem does not support NUMA nodes",
		{ "@model", "virtio-pmem" }, { "target/node", "!" }),
	  .common = true },
	{ CLASH(ON(memory), "target/label/size",
		"label size is required for NVDIMM device", { "@model", "nvdimm" },
		{ "%arch", "ppc64|ppc64le" }, { "target/label/size", "" }),
	  .common = true },
	{ CLASH(ON(memory), "uuid", "UUID is not supported for NVDIMM device",
		{ "@model", "nvdimm" }, { "uuid", "!" }, { "%arch", "!ppc64|ppc64le|" }),
	  .common = true },
	{ CLASH(ON(memory), "address?",
		"memory device address is not supported for model 'sgx-epc'",
		{ "@model", "sgx-epc" }, { "address?", "!" }),
	  .common = true },
};
CLASHES_ONLY(option, ON(memory))

/* ---- memory-device-size ---- */

static bool size_of(const struct device *d, const char *name, uint64_t *bytes,
		    const struct node **at)
{
	const struct node *target = node_child(d->node, "target");
	const struct node *n = target ? node_child(target, name) : NULL;

	*at = n;
	return n && domain_size(n, "KiB", bytes);
}

static void check_nvdimm(struct scan *s, const struct device *d, uint64_t size)
{
	const struct node *target = node_child(d->node, "target");
	const struct node *label = target ? node_child(target, "label") : NULL;
	const struct node *n = label ? node_child(label, "size") : NULL;
	uint64_t bytes;

	if (!n || !domain_size(n, "KiB", &bytes) || bytes == 0)
		return;
	if (bytes < 128 << 10)
		say(s, n->text_at, "nvdimm label must be at least 128KiB");
	else if (bytes >= size)
		say(s, n->text_at, "label size must be smaller than NVDIMM size");
}

static void check_virtio_mem(struct scan *s, const struct device *d, uint64_t size)
{
	const struct node *at, *asked;
	uint64_t block, requested = 0;

	if (size_of(d, "requested", &requested, &asked) && requested > size)
		say(s, asked->text_at,
		    "requested size must be smaller than or equal to size");
	if (!size_of(d, "block", &block, &at)) {
		if (!at)
			say(s, d->node->open_at,
			    "block size must be a power of two, and there is none: "
			    "expected <block unit='MiB'>2</block>");
		return;
	}
	if (block == 0 || (block & (block - 1)))
		say(s, at->text_at, "block size must be a power of two");
	else if (block < 2 << 20)
		say(s, at->text_at, "block size too small, must be at least 2048KiB");
	else if (asked && requested % block)
		say(s, asked->text_at,
		    "requested size must be an integer multiple of block size");
	else if (size % block && d->domain->qemu)
		report_label(
			s,
			report(s, at->text_at,
			       "the size of a virtio-mem device is no multiple of its "
			       "block size"),
			"QEMU exits at start");
}

static void check_size(struct scan *s, const struct device *d)
{
	const struct node *at;
	struct fact model;
	uint64_t size;

	if (d->kind != DEVICE_memory || !size_of(d, "size", &size, &at))
		return;
	model = ASK(d->node, "@model");
	if (fact_is(&model, "nvdimm"))
		check_nvdimm(s, d, size);
	else if (fact_is(&model, "virtio-mem"))
		check_virtio_mem(s, d, size);
}

/* ---- memory-device-node ---- */

static size_t count_cells(const struct domain *d)
{
	const struct node *cpu = node_child(d->node, "cpu");
	const struct node *numa = cpu ? node_child(cpu, "numa") : NULL;
	size_t n = 0;

	for (const struct node *c = numa ? node_child(numa, "cell") : NULL; c;
	     c = node_again(c))
		n++;
	return n;
}

static void check_node(struct scan *s, const struct device *d)
{
	struct fact node, model;
	size_t cells;
	uint64_t v;

	if (d->kind != DEVICE_memory)
		return;
	cells = count_cells(d->domain);
	node = ASK(d->node, "target/node");
	model = ASK(d->node, "@model");
	if (fact_number(&node, &v) && !fact_is(&model, "virtio-pmem")) {
		if (cells == 0)
			say(s, node.at,
			    "can't add memory backend as guest has no NUMA nodes configured");
		else if (v >= cells)
			say(s, node.at,
			    scan_printf(
				    s,
				    "can't add memory backend for guest node '%llu' as "
				    "the guest has only '%zu' NUMA nodes configured",
				    (unsigned long long)v, cells));
	} else if (fact_absent(&node) && cells > 0 && d->domain->qemu &&
		   (fact_is(&model, "dimm") || fact_is(&model, "nvdimm") ||
		    fact_is(&model, "virtio-mem"))) {
		say(s, node.at,
		    "target NUMA node needs to be specified for memory device");
	}
}

/* ---- memory-device-slots ---- */

static bool is_hotplugged(const struct device *d)
{
	struct fact model = ASK(d->node, "@model");

	return fact_known(&model) && !fact_is(&model, "sgx-epc");
}

static void check_slots(struct scan *s, const struct device *d)
{
	struct fact max = ASK(d->domain->node, "maxMemory");
	struct fact slots = ASK(d->domain->node, "maxMemory@slots");
	struct fact slot;
	uint64_t n, v;

	if (d->kind != DEVICE_memory || !d->domain->qemu || !is_hotplugged(d) ||
	    max.state == FACT_UNKNOWN)
		return;
	if (fact_absent(&max)) {
		say(s, d->node->open_at,
		    "cannot use/hotplug a memory device when domain 'maxMemory' is not "
		    "defined");
		return;
	}
	if (!fact_number(&slots, &n))
		return;
	slot = ASK(d->node, "address@slot");
	if (d->address.type == ADDRESS_dimm && fact_number(&slot, &v) && v >= n)
		say(s, slot.at,
		    scan_printf(s, "memory device slot '%llu' exceeds slots count '%llu'",
				(unsigned long long)v, (unsigned long long)n));
	else if ((uint64_t)(d - &d->domain->devices[d->domain->first[DEVICE_memory]]) ==
		 n)
		say(s, d->node->open_at,
		    scan_printf(s, "memory device count '%zu' exceeds slots count '%llu'",
				domain_count(d->domain, DEVICE_memory),
				(unsigned long long)n));
}

/* ---- memory-device-overlap ---- */

struct range {
	uint64_t base, size;
};

/* Where the guest sees it; of virtio devices the target says so. */
static bool range_of(const struct device *d, struct range *r)
{
	struct fact base = ASK(d->node, "target/address@base");
	const struct node *at;

	if (d->address.type == ADDRESS_dimm)
		base = ASK(d->node, "address@base");
	return fact_number(&base, &r->base) && r->base > 0 &&
	       size_of(d, "size", &r->size, &at);
}

static bool touches(const struct range *a, const struct range *b)
{
	return a->base < b->base ? b->base - a->base < a->size
				 : a->base - b->base < b->size;
}

static bool same_slot(const struct device *a, const struct device *b)
{
	struct fact x = ASK(a->node, "address@slot"), y = ASK(b->node, "address@slot");
	uint64_t v, w;

	return a->address.type == ADDRESS_dimm && b->address.type == ADDRESS_dimm &&
	       fact_number(&x, &v) && fact_number(&y, &w) && v == w;
}

static void check_overlap(struct scan *s, const struct device *d)
{
	struct range mine, other;
	struct finding *f = NULL;

	if (d->kind != DEVICE_memory || !d->domain->qemu)
		return;
	for_each_device(before, d->domain, memory)
	{
		if (before == d)
			return;
		if (same_slot(before, d))
			f = report(s, d->node->open_at,
				   "memory device slot is already being used by another "
				   "memory device");
		else if (range_of(d, &mine) && range_of(before, &other) &&
			 touches(&mine, &other))
			f = report(
				s, d->node->open_at,
				"memory device address [0x%llx, 0x%llx bytes] overlaps "
				"with another memory device",
				(unsigned long long)mine.base,
				(unsigned long long)mine.size);
		if (!f)
			continue;
		report_label(s, f, "libvirt refuses the domain, or QEMU exits at start");
		report_related(s, f, before->node->open_at, "the other device");
		return;
	}
}

const struct rule rules_devices_memory[] = {
	{ .id = "memory-device-node",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a memory device on a NUMA node that there is not",
	  .why = "Memory is plugged into a node of <cpu><numa>: libvirt refuses a domain that "
		 "names none, or one that it does not have.",
	  .steps = "Nodes count from 0, in the order of the <cell> elements.",
	  .source = VALIDATE_CONF "; " HOTPLUG,
	  .since = "0.1.0",
	  CHECK(device, check_node) },
	{ .id = "memory-device-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a memory device without what its model needs, or with what it lacks",
	  .why = "A DIMM has a size, an NVDIMM also a file, virtio-pmem shares it and has no "
		 "node: libvirt refuses the domain.",
	  .steps =
		  "<target><size unit='MiB'>512</size><node>0</node></target>, and for a file "
		  "<source><path>...</path></source>.",
	  .source =
		  "libvirt, src/conf/domain_conf.c, virDomainMemoryDefParseXML(); " VALIDATE_CONF,
	  .since = "0.1.0",
	  CHECK(device, check_option) },
	{ .id = "memory-device-overlap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two memory devices in one place",
	  .why = "Each has a slot and a range of the guest's addresses of its own.",
	  .steps = "Remove <address> from one of them: libvirt and QEMU choose.",
	  .source = "libvirt, src/qemu/qemu_domain.c, qemuCheckMemoryDimmConflict(); "
		    "QEMU, hw/mem/memory-device.c",
	  .since = "0.1.0",
	  CHECK(device, check_overlap) },
	{ .id = "memory-device-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a memory device of a size that it cannot have",
	  .why = "virtio-mem gives and takes whole blocks, powers of two of at least 2 MiB; the "
		 "label of an NVDIMM has 128 KiB and lies within it.",
	  .steps = "<block unit='MiB'>2</block>, and sizes that are multiples of it.",
	  .source = VALIDATE_CONF "; src/conf/domain_conf.c, "
				  "virDomainMemoryTargetDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_size) },
	{ .id = "memory-device-slots",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "more memory devices than slots for them",
	  .why = "<maxMemory slots=''> says how many devices there can be, and how much memory "
		 "with them. Without it, or beyond it, libvirt refuses the domain.",
	  .steps = "<maxMemory slots='16' unit='GiB'>64</maxMemory>, and NUMA nodes.",
	  .source = HOTPLUG,
	  .since = "0.1.0",
	  CHECK(device, check_slots) },
};
RULES_END(devices_memory);
