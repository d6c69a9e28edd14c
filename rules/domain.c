/* What a libvirt domain is: name, system, what there may be only one of, what happens when it
 * ends.
 * libvirt formatdomain, "General metadata" and "Events configuration"; libvirt,
 * src/conf/domain_conf.c (virDomainDefParseXML).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/domain_table.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum { APPID_MAX = 128 };

static struct finding *refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
	return f;
}

/* ---- domain-identity ---- */

static void check_identity(struct scan *s, const struct domain *d)
{
	struct fact name = ASK(d->node, "name"), title = ASK(d->node, "title"),
		    type = ASK(d->node, "os/type"), loader = ASK(d->node, "bootloader");
	const struct node *os = node_child(d->node, "os");

	if (node_is_open(d->node))
		return;
	/* <name/> is for a program to fill in. */
	if (!node_child(d->node, "name"))
		refused(s, report(s, d->node->open_at, "the domain has no <name>"));
	else if (d->qemu && fact_known(&name) && str_has(name.v, "/"))
		refused(s, report(s, name.at, "name %s cannot contain '/'",
				  shown(s, name.v)));
	if (fact_known(&title) && str_has(title.v, "\n"))
		refused(s, report(s, title.at, "domain title can't contain newlines"));
	if (fact_absent(&type) && fact_absent(&loader) && (!os || !node_is_open(os)))
		refused(s, report(s, os ? os->open_at : d->node->open_at,
				  "an os <type> must be specified"));
	else if (d->qemu && fact_known(&type) && fact_is_not(&type, "hvm"))
		refused(s, report(s, type.at,
				  "QEMU does not support os type '%s', expected hvm",
				  shown(s, type.v)));
}

/* ---- domain-element-twice ---- */

static const struct node *child_at(const struct node *n, const char *path)
{
	struct str rest = str_of(path);

	while (n && rest.n) {
		const char *slash = memchr(rest.p, '/', rest.n);
		size_t len = slash ? (size_t)(slash - rest.p) : rest.n;
		const struct node *found = NULL;

		for_each_node (c, n) {
			if (!found && c->kind == NODE_ELEMENT && c->ns.n == 0 &&
			    str_eq(c->key, (struct str){ rest.p, len }))
				found = c;
		}
		n = found;
		rest = (struct str){ rest.p + len + (slash ? 1 : 0),
				     rest.n - len - (slash ? 1 : 0) };
	}
	return n;
}

static void check_element(struct scan *s, const struct domain *d)
{
	static const char *const once[] = { "genid",
					    "numatune",
					    "resource",
					    "cputune/emulatorpin",
					    "cputune/emulatorsched",
					    "os/acpi/table" };
	struct version v = target_version(s, "libvirt");

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		const struct node *n = child_at(d->node, once[i]),
				  *again = n ? node_again(n) : NULL;
		bool table = n && str_is(n->key, "table");
		struct finding *f;

		if (!again || (table && v.known && version_cmp(&v, 11, 2, 0) >= 0))
			continue;
		f = report(s, again->open_at, "only one %s element is supported",
			   shown(s, again->key));
		/* Newer versions give QEMU each of them. */
		if (table && !v.known)
			report_lower(f);
		report_related(s, refused(s, f), n->open_at, "the first one");
	}
}

/* Of several with one name, or of one group: keywrap/cipher, perf/event, blkiotune/device. */
static void check_named(struct scan *s, const struct domain *d)
{
	static const struct {
		const char *path, *name, *what;
	} lists[] = {
		{ "keywrap/cipher", "@name",
		  "a domain definition can have no more than one cipher node with name" },
		{ "perf/event", "@name", "perf event was already specified:" },
		{ "blkiotune/device", "path", "duplicate blkio device path" },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct node *first = child_at(d->node, lists[i].path);

		if (domain_too_many(first))
			continue;
		for (const struct node *n = first; n; n = node_again(n)) {
			struct fact name = ASK(n, lists[i].name);

			for (const struct node *m = first; m != n; m = node_again(m)) {
				struct fact other = ASK(m, lists[i].name);
				struct finding *f;

				if (!fact_known(&name) || !fact_known(&other) ||
				    !str_eq(name.v, other.v))
					continue;
				f = report(s, name.at, "%s '%s'", lists[i].what,
					   shown(s, name.v));
				report_related(s, refused(s, f), m->open_at, "here");
				break;
			}
		}
	}
}

static void check_twice(struct scan *s, const struct domain *d)
{
	check_element(s, d);
	check_named(s, d);
}

/* ---- domain-lifecycle ---- */

static void check_lifecycle(struct scan *s, const struct domain *d)
{
	static const struct {
		const char *path;
		bool crash;
	} events[] = { { "on_poweroff", false },
		       { "on_reboot", false },
		       { "on_crash", true } };
	struct fact off = ASK(d->node, "on_poweroff"), reboot = ASK(d->node, "on_reboot");

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct fact is = ASK(d->node, events[i].path);

		if (!events[i].crash && fact_known(&is) && str_starts(is.v, "coredump-"))
			refused(s,
				report(s, is.at,
				       "lifecycle event '%s' doesn't support '%s' action",
				       events[i].path + 3, shown(s, is.v)));
		else if (d->qemu && fact_is(&is, "rename-restart"))
			refused(s,
				report(s, is.at,
				       "qemu driver doesn't support the 'rename-restart' "
				       "action for '%s'",
				       events[i].path));
		else if (d->qemu && !events[i].crash && fact_is(&is, "preserve"))
			refused(s, report(s, is.at,
					  "qemu driver doesn't support the 'preserve' "
					  "action for '%s'",
					  events[i].path));
	}
	if (d->qemu && fact_is(&off, "restart") && fact_is(&reboot, "destroy"))
		refused(s,
			report(s, reboot.at,
			       "qemu driver doesn't support 'on_reboot' set to 'destroy' "
			       "and 'on_poweroff' set to 'restart'"));
}

/* ---- domain-idmap ---- */

static void check_idmap(struct scan *s, const struct domain *d)
{
	const struct node *map = node_child(d->node, "idmap"), *uid, *gid;
	static const char *const kinds[] = { "uid", "gid" };

	if (!map)
		return;
	uid = node_child(map, "uid");
	gid = node_child(map, "gid");
	if (!uid != !gid) {
		refused(s, report(s, map->open_at, "uid and gid should be mapped both"));
		return;
	}
	/* libvirt sorts them first. */
	for (size_t i = 0; uid && i < 2; i++) {
		bool root = false;

		for (const struct node *n = node_child(map, kinds[i]); n;
		     n = node_again(n)) {
			struct fact start = ASK(n, "@start");
			uint64_t v;

			if (!fact_number(&start, &v) || v == 0)
				root = true;
		}
		if (!root)
			refused(s,
				report(s, node_child(map, kinds[i])->open_at,
				       "you must map the root user of container: no %s "
				       "starts at 0",
				       kinds[i]));
	}
}

/* ---- domain-appid ---- */

static void check_appid(struct scan *s, const struct domain *d)
{
	struct fact id = ASK(d->node, "resource/fibrechannel@appid");

	if (!fact_known(&id))
		return;
	if (id.v.n < 1 || id.v.n > APPID_MAX)
		refused(s, report(s, id.at,
				  "Fibre Channel 'appid' string length is %zu, must be "
				  "between [1, 128]",
				  id.v.n));
	for (size_t i = 0; i < id.v.n; i++) {
		if ((unsigned char)id.v.p[i] >= ' ' && (unsigned char)id.v.p[i] < 0x7f)
			continue;
		refused(s, report(s, id.at,
				  "Fibre Channel 'appid' is not a printable string"));
		break;
	}
}

/* ---- domain-launch-security ---- */

static void check_launch(struct scan *s, const struct domain *d)
{
	const struct node *sec = node_child(d->node, "launchSecurity"), *policy;
	struct fact type;

	if (!sec)
		return;
	type = ASK(sec, "@type");
	policy = node_child(sec, "policy");
	if (fact_is(&type, "sev") && !node_is_open(sec) && (!policy || !policy->text.n))
		refused(s, report(s, sec->open_at,
				  "failed to get launch security policy: there is no "
				  "<policy>"));
	else if ((fact_is(&type, "sev") || fact_is(&type, "sev-snp") ||
		  fact_is(&type, "tdx")) &&
		 d->qemu && fact_known(&d->vm->arch) && !domain_arch_is(d, "x86_64"))
		refused(s, report(s, type.at,
				  "%s launch security is not supported for architecture "
				  "'%s'",
				  shown(s, type.v), shown(s, d->vm->arch.v)));
	else if (fact_is(&type, "s390-pv") && d->qemu && fact_known(&d->vm->arch) &&
		 !domain_arch_is(d, "s390x"))
		refused(s, report(s, type.at,
				  "S390 PV launch security is not supported for "
				  "architecture '%s'",
				  shown(s, d->vm->arch.v)));
}

const struct rule rules_domain[] = {
	{ .id = "domain-appid",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a Fibre Channel application id that cannot be",
	  .why = "libvirt refuses the domain: it has 1 to 128 printable characters.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefResourceValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_appid) },
	{ .id = "domain-element-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "something twice that there is only one of",
	  .why = "libvirt refuses the domain.",
	  .steps = "Leave the one that is meant.",
	  .source = "libvirt, src/conf/domain_conf.c, numa_conf.c "
		    "(virDomainNumatuneParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_twice) },
	{ .id = "domain-identity",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a domain without a name or a type, or with an impossible one",
	  .why = "libvirt refuses the domain: it has a name, without / for QEMU, and an os "
		 "<type>, which is hvm for QEMU.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainDefParseIDs, "
		    "virDomainDefParseCaps), domain_postparse.c "
		    "(virDomainDefPostParseCheckFeatures)",
	  .since = "0.1.0",
	  CHECK(domain, check_identity) },
	{ .id = "domain-idmap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a map of users that leaves out root or the groups",
	  .why = "libvirt refuses the domain: users and groups are both mapped, and root "
		 "of the container is one of them.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefIdMapValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_idmap) },
	{ .id = "domain-launch-security",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a confidential guest without a policy, or of another architecture",
	  .why = "libvirt refuses the domain.",
	  .steps = "<policy>0x0003</policy> is SEV without debugging and without sharing "
		   "of keys.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainSEVDefParseXML), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_launch) },
	{ .id = "domain-lifecycle",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "what is to happen at an end, and cannot",
	  .why = "libvirt refuses the domain: core dumps are for crashes, and QEMU's driver "
		 "neither renames nor preserves a domain that ended by itself.",
	  .steps = "destroy or restart; for a crash preserve and the coredumps as well.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateLifecycleAction), "
		    "src/conf/domain_conf.c (virDomainDefLifecycleActionAllowed)",
	  .since = "0.1.0",
	  CHECK(domain, check_lifecycle) },
};
RULES_END(domain);
