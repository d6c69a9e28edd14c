/* Consoles of a libvirt domain: the first one is the first serial port by another name.
 * libvirt, src/conf/domain_conf.c (virDomainDefAddConsoleCompat).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* ---- console-serial ---- */

static void check_serial(struct scan *s, const struct device *d)
{
	const struct device *first;
	struct finding *f;
	struct fact type;

	if (d->kind != DEVICE_console || !d->domain->qemu)
		return;
	first = &d->domain->devices[d->domain->first[DEVICE_console]];
	type = ASK(d->node, "target@type");
	if (first == d || (!fact_absent(&type) && !fact_is(&type, "serial")))
		return;
	f = report(
		s, fact_known(&type) ? type.at : d->node->open_at,
		"only the first console can be a serial port, and this is another one");
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, first->node->open_at, "the first console");
}

const struct rule rules_console[] = {
	{ .id = "console-serial",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a second console that is a serial port",
	  .why = "libvirt refuses the domain: the first console is the first serial port by "
		 "another name, and there is one such. A console without <target> is a "
		 "serial one.",
	  .steps =
		  "<target type='virtio'/> makes the second one a virtio console; a second "
		  "serial port is a <serial>.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainDefAddConsoleCompat)",
	  .since = "0.1.0",
	  CHECK(device, check_serial) },
};
RULES_END(console);
