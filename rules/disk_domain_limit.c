/* Limits on the traffic of a libvirt domain's disks.
 * libvirt, src/conf/domain_validate.c (virDomainDiskDefValidate), src/qemu/qemu_validate.c
 * (qemuValidateDomainDeviceDefDiskBlkdeviotune).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

/* ---- disk-iotune ---- */

static const char *const limits[] = {
	"bytes_sec",
	"iops_sec",
	"bytes_sec_max",
	"iops_sec_max",
};

static bool is_set(const struct node *iotune, const char *name, struct span *at)
{
	const struct node *n = node_child(iotune, name);
	uint64_t v;

	if (!n || !str_u64(n->text, &v) || v == 0)
		return false;
	*at = n->text_at;
	return true;
}

static void check_limit(struct scan *s, const struct device *d, const struct node *tune,
			const char *limit)
{
	struct span total, other;
	struct finding *f;

	if (!is_set(tune, scan_printf(s, "total_%s", limit), &total) ||
	    (!is_set(tune, scan_printf(s, "read_%s", limit), &other) &&
	     !is_set(tune, scan_printf(s, "write_%s", limit), &other)))
		return;
	f = report(s, total,
		   "total and read/write %s cannot be set at the same time, on %s", limit,
		   device_name(s, d));
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, other, "the other limit");
}

/* QEMU_BLOCK_IOTUNE_MAX */
static const uint64_t iotune_max = UINT64_C(1000000000000000);

static void check_iotune(struct scan *s, const struct device *d)
{
	const struct node *tune = node_child(d->node, "iotune");
	const struct node *group;
	bool any = false;

	if (d->kind != DEVICE_disk || !tune)
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		check_limit(s, d, tune, limits[i]);
	if (!d->domain->qemu)
		return;
	for_each_node (n, tune) {
		uint64_t v;

		if (n->kind != NODE_ELEMENT || str_is(n->key, "group_name"))
			continue;
		any |= !str_u64(n->text, &v) || v > 0;
		if (str_u64(n->text, &v) && v > iotune_max &&
		    !str_ends(n->key, "_length"))
			report_label(
				s,
				report(s, n->text_at,
				       "block I/O throttle limit of %s is %s, and must "
				       "be no more than %llu using QEMU",
				       device_name(s, d), shown(s, n->text),
				       (unsigned long long)iotune_max),
				DOMAIN_REFUSES);
	}
	group = node_child(tune, "group_name");
	if (group && group->text.n && !any)
		report_label(s,
			     report(s, group->text_at,
				    "group_name can be configured only together with "
				    "settings, and %s has none",
				    device_name(s, d)),
			     DOMAIN_REFUSES);
}

/* ---- disk-iotune-group ---- */

static const struct node *group_of(const struct device *d)
{
	const struct node *tune = node_child(d->node, "iotune");
	const struct node *group = tune ? node_child(tune, "group_name") : NULL;

	return group && group->text.n ? group : NULL;
}

static uint64_t limit_of(const struct node *tune, struct str name, bool *known)
{
	uint64_t v = 0;

	for_each_node (n, tune) {
		if (n->kind == NODE_ELEMENT && str_eq(n->key, name)) {
			*known &= str_u64(n->text, &v);
			return v;
		}
	}
	return 0;
}

/* Of the limits that a has, those that b has otherwise. */
static bool differs(const struct node *a, const struct node *b)
{
	bool known = true, other = false;

	for_each_node (n, a) {
		if (n->kind == NODE_ELEMENT && !str_is(n->key, "group_name"))
			other |= limit_of(a, n->key, &known) !=
				 limit_of(b, n->key, &known);
	}
	return known && other;
}

static void check_iotune_group(struct scan *s, const struct device *d)
{
	const struct node *group, *other;
	struct finding *f;

	if (d->kind != DEVICE_disk || !d->domain->qemu || !(group = group_of(d)))
		return;
	for_each_device(before, d->domain, disk)
	{
		if (before == d)
			return;
		other = group_of(before);
		if (!other || !str_eq(other->text, group->text) ||
		    (!differs(group->up, other->up) && !differs(other->up, group->up)))
			continue;
		f = report(s, group->text_at,
			   "different iotunes for %s and %s, which are in one group '%s'",
			   device_name(s, d), device_name(s, before),
			   shown(s, group->text));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other->up->open_at, "the other limits");
		return;
	}
}

/* ---- disk-throttle-filter ---- */

static bool has_group(const struct domain *d, struct str name)
{
	const struct node *groups = node_child(d->node, "throttlegroups");

	if (!groups)
		return false;
	for_each_node (g, groups) {
		struct fact group;

		if (g->kind != NODE_ELEMENT)
			continue;
		group = ASK(g, "group_name");
		if (group.state == FACT_UNKNOWN ||
		    (fact_known(&group) && str_eq(group.v, name)))
			return true;
	}
	return false;
}

static void check_throttle(struct scan *s, const struct device *d)
{
	const struct node *filters = node_child(d->node, "throttlefilters");
	const struct node *tune = node_child(d->node, "iotune");

	if (d->kind != DEVICE_disk || !d->domain->qemu || !filters)
		return;
	if (tune)
		report_label(s,
			     report(s, filters->open_at,
				    "block 'throttlefilters' can't be used together with "
				    "'iotune', on %s",
				    device_name(s, d)),
			     DOMAIN_REFUSES);
	for (const struct node *n = node_child(filters, "throttlefilter"); n;
	     n = node_again(n)) {
		struct fact group = ASK(n, "@group");

		if (fact_known(&group) && !has_group(d->domain, group.v))
			report_label(s,
				     report(s, group.at,
					    "throttle group '%s' of %s not found in "
					    "<throttlegroups>",
					    shown(s, group.v), device_name(s, d)),
				     DOMAIN_REFUSES);
		for (const struct node *b = node_child(filters, "throttlefilter");
		     b && b != n; b = node_again(b)) {
			struct fact before = ASK(b, "@group");

			if (fact_known(&group) && fact_known(&before) &&
			    str_eq(group.v, before.v))
				report_label(s,
					     report(s, group.at,
						    "throttle filter of group '%s' is "
						    "duplicated on %s",
						    shown(s, group.v), device_name(s, d)),
					     DOMAIN_REFUSES);
		}
	}
}

const struct rule rules_disk_domain_limit[] = {
	{ .id = "disk-iotune",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "limits of a disk that exclude each other, or are none",
	  .why = "A limit on all of the traffic and one on its reads or writes cannot both "
		 "count, and a group needs limits to share.",
	  .steps = "Keep the total, or the two parts.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate(); " VALIDATE_QEMU
				  ", qemuValidateDomainDeviceDefDiskBlkdeviotune()",
	  .since = "0.1.0",
	  CHECK(device, check_iotune) },
	{ .id = "disk-iotune-group",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "disks of one I/O group with different limits",
	  .why = "The disks of a group share one budget. libvirt refuses the domain unless all "
		 "of them say the same.",
	  .steps = "Make the limits equal, or the groups different.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskBlkdeviotune()",
	  .since = "0.1.0",
	  CHECK(device, check_iotune_group) },
	{ .id = "disk-throttle-filter",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a throttle filter of a group that there is not, or beside iotune",
	  .why = "Throttle filters name groups of <throttlegroups>, each once, and replace "
		 "iotune: libvirt 11.2 and later refuse anything else.",
	  .steps =
		  "Define the group, or remove the filter; move the limits of <iotune> into a "
		  "group.",
	  .source = "libvirt formatdomain, throttlefilters (since 11.2.0)",
	  .since = "0.1.0",
	  CHECK(device, check_throttle) },
};
RULES_END(disk_domain_limit);
