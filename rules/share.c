/* Folders of the host in a libvirt domain (<filesystem>), and the memory that is shared for them
 * and for other processes beside QEMU.
 * libvirt, src/conf/domain_conf.c (virDomainFSDefParseXML), src/qemu/qemu_validate.c
 * (qemuValidateDomainDeviceDefFS, qemuValidateDomainDefVhostUserRequireSharedMemory).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define PARSE         "libvirt, src/conf/domain_conf.c, virDomainFSDefParseXML()"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefFS()"

/* ---- filesystem-incomplete ---- */

#define SOURCE(types, name)                                                                     \
	{                                                                                       \
		CLASH(ON(filesystem), "source@" name,                                           \
		      "missing source information for the filesystem '{target@dir}', expected " \
		      "<source " name "=''/>",                                                  \
		      { "@type", types }, { "source@" name, "" },                               \
		      { "source@socket", "" }),                                                 \
			.common = true                                                          \
	}

static const struct clash incomplete_clashes[] = {
	SOURCE("mount|bind|", "dir"),
	SOURCE("file", "file"),
	SOURCE("block", "dev"),
	SOURCE("template", "name"),
	{ CLASH(ON(filesystem), "source@usage",
		"missing 'usage' attribute for RAM filesystem", { "@type", "ram" },
		{ "source@usage", "" }),
	  .common = true },
	{ CLASH(ON(filesystem), "target@dir",
		"missing target information for a filesystem, expected <target dir=''/>",
		{ "target@dir", "" }),
	  .common = true },
};
CLASHES_ONLY(incomplete, ON(filesystem))

/* ---- filesystem-option ---- */

#define VIRTIOFS                                                                         \
	{                                                                                \
		"driver@type", "virtiofs"                                                \
	}
#define BY_LIBVIRT                                                                       \
	{                                                                                \
		"source@socket", ""                                                      \
	}

static const struct clash option_clashes[] = {
	{ CLASH(ON(filesystem), "boot?",
		"boot order is only supported for virtiofs, and '{target@dir}' is not",
		{ "boot?", "!" }, { "driver@type", "!virtiofs" }),
	  .common = true },
	{ CLASH(ON(filesystem), "boot?",
		"boot order of '{target@dir}', and vhost-user-fs-ccw, which s390x machines "
		"have, does not support bootindex",
		{ "boot?", "!" }, { "driver@type", "virtiofs" },
		{ "%arch", "s390x|s390" }),
	  .label =
		  "QEMU exits at start, and newer versions of libvirt refuse the domain" },
	{ CLASH(ON(filesystem), "@type",
		"'{@type}' of '{target@dir}': QEMU's driver only supports mount filesystem "
		"type",
		{ "@type", "!mount|" }),
	  .no_fix = true },
	{ CLASH(ON(filesystem), "@fmode",
		"fmode and dmode must be used with accessmode=mapped, and '{target@dir}' is "
		"'{@accessmode:passthrough}'",
		{ "@fmode", "!" }, { "@accessmode", "!mapped" }) },
	{ CLASH(ON(filesystem), "@dmode",
		"fmode and dmode must be used with accessmode=mapped, and '{target@dir}' is "
		"'{@accessmode:passthrough}'",
		{ "@dmode", "!" }, { "@accessmode", "!mapped" }) },
	{ CLASH(ON(filesystem), "@accessmode",
		"the handle driver only supports passthrough accessmode",
		{ "driver@type", "handle" }, { "@accessmode", "!passthrough|" }),
	  .set = "passthrough" },
	{ CLASH(ON(filesystem), "driver@type",
		"Filesystem driver type '{driver@type}' not supported by QEMU",
		{ "driver@type", "loop|nbd|ploop" }),
	  .no_fix = true },
	/* libvirt 11.0 and later take it, with virtiofsd 1.13. */
	{ CLASH(ON(filesystem), "readonly?",
		"virtiofs does not yet support read-only mode, which '{target@dir}' has",
		VIRTIOFS, BY_LIBVIRT, { "readonly?", "!" }),
	  .label = "libvirt before 11.0 refuses the domain", .no_fix = true,
	  .lower = true, .until = 11 },
	{ CLASH(ON(filesystem), "readonly?",
		"read-only mode, which '{target@dir}' has, cannot be set for a virtiofsd that "
		"is started elsewhere",
		VIRTIOFS, { "source@socket", "!" }, { "readonly?", "!" }),
	  .label = "libvirt 9.0 lets it pass, and the guest may write", .no_fix = true,
	  .lower = true },
	{ CLASH(ON(filesystem), "@accessmode",
		"virtiofs only supports passthrough accessmode, and '{target@dir}' has "
		"'{@accessmode}'",
		VIRTIOFS, BY_LIBVIRT, { "@accessmode", "!passthrough|" }),
	  .set = "passthrough" },
	{ CLASH(ON(filesystem), "driver@wrpolicy",
		"virtiofs does not support wrpolicy, which '{target@dir}' has", VIRTIOFS,
		BY_LIBVIRT, { "driver@wrpolicy", "!" }) },
	{ CLASH(ON(filesystem), "@model",
		"virtiofs does not support model, which '{target@dir}' has", VIRTIOFS,
		{ "@model", "!" }) },
	{ CLASH(ON(filesystem), "driver@format",
		"virtiofs does not support format, which '{target@dir}' has", VIRTIOFS,
		{ "driver@format", "!" }) },
	{ CLASH(ON(filesystem), "@multidevs",
		"virtiofs does not support multidevs, which '{target@dir}' has", VIRTIOFS,
		{ "@multidevs", "!default|" }) },
};
CLASHES(option, ON(filesystem))

/* ---- filesystem-tag-twice ---- */

static void check_tag(struct scan *s, const struct device *d)
{
	struct fact tag, other, driver, theirs;
	struct finding *f;

	if (d->kind != DEVICE_filesystem || !d->domain->qemu)
		return;
	tag = ASK(d->node, "target@dir");
	driver = ASK(d->node, "driver@type");
	for_each_device(before, d->domain, filesystem)
	{
		if (before == d || !fact_known(&tag))
			return;
		other = ASK(before->node, "target@dir");
		theirs = ASK(before->node, "driver@type");
		if (!fact_known(&other) || !str_eq(other.v, tag.v))
			continue;
		f = report(s, tag.at, "filesystem target '%s' specified twice",
			   shown(s, tag.v));
		report_related(s, f, other.at, "the other one");
		if (fact_is(&driver, "virtiofs") && fact_is(&theirs, "virtiofs")) {
			report_label(s, f, DOMAIN_REFUSES);
		} else {
			report_label(s, f, "the guest mounts the first one by this name");
			report_lower(f);
		}
		return;
	}
}

/* ---- filesystem-host-secret ---- */

/* Folders with what the host's security rests on. */
static bool is_secret(struct str dir)
{
	static const char *const dirs[] = {
		"/",     "/etc", "/root", "/boot",    "/dev",
		"/proc", "/sys", "/run",  "/var/run", "/var/lib/libvirt",
	};

	while (dir.n > 1 && dir.p[dir.n - 1] == '/')
		dir.n--;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (str_is(dir, dirs[i]))
			return true;
	}
	return str_ends(dir, "/.ssh") || str_ends(dir, "/.gnupg");
}

static void check_secret(struct scan *s, const struct device *d)
{
	struct fact dir, readonly;
	struct finding *f;

	if (d->kind != DEVICE_filesystem || !d->domain->qemu)
		return;
	dir = ASK(d->node, "source@dir");
	readonly = ASK(d->node, "readonly?");
	if (!fact_known(&dir) || !is_secret(dir.v))
		return;
	f = report(s, dir.at, "the guest %s '%s' of the host",
		   fact_absent(&readonly) ? "reads and writes" : "reads",
		   shown(s, dir.v));
	report_label(s, f, "who is root in the guest has the host's %s",
		     fact_absent(&readonly) ? "settings and keys" : "keys");
}

/* ---- shared-memory-missing ---- */

/* virDomainNumaGetNodeMemoryAccessMode(): each cell's, or the domain's. */
static bool has_shared_memory(const struct domain *d)
{
	struct fact access = ASK(d->node, "memoryBacking/access@mode");
	const struct node *cpu = node_child(d->node, "cpu");
	const struct node *numa = cpu ? node_child(cpu, "numa") : NULL;
	bool shared = !fact_absent(&access) && !fact_is(&access, "private");

	if (access.state == FACT_UNKNOWN)
		return true;
	if (!numa || !node_child(numa, "cell"))
		return shared;
	for (const struct node *c = node_child(numa, "cell"); c; c = node_again(c)) {
		struct fact cell = ASK(c, "@memAccess");

		if (fact_is(&cell, "private") || (fact_absent(&cell) && !shared))
			return false;
	}
	return true;
}

/* Who needs it, in libvirt's words; NULL: not this one. Interfaces only warn in its log. */
static const char *needs_memory(const struct device *d)
{
	struct fact type = ASK(d->node, "@type"), driver = ASK(d->node, "driver@type");
	struct fact name = ASK(d->node, "driver@name"), backend;

	switch (d->kind) {
	case DEVICE_disk:
		return fact_is(&type, "vhostuser") ? "vhostuser" : NULL;
	case DEVICE_filesystem:
		return fact_is(&driver, "virtiofs") ? "virtiofs" : NULL;
	case DEVICE_interface:
		backend = ASK(d->node, "backend@type");
		if (fact_is(&type, "vhostuser") && fact_is(&backend, "passt"))
			return "interface type=\"vhostuser\" backend type=\"passt\"";
		return fact_is(&type, "vhostuser") ? "vhostuser" : NULL;
	case DEVICE_video:
		return fact_is(&name, "vhostuser") ? "vhostuser" : NULL;
	default:
		return NULL;
	}
}

static void check_memory(struct scan *s, const struct device *d)
{
	const char *what;
	struct finding *f;
	struct fact backend;

	if (!d->domain->qemu)
		return;
	what = needs_memory(d);
	if (!what || has_shared_memory(d->domain))
		return;
	f = report(s, d->node->open_at,
		   "'%s' requires shared memory, and the memory of this domain is not",
		   what);
	backend = ASK(d->node, "backend@type");
	if (d->kind == DEVICE_disk || d->kind == DEVICE_filesystem ||
	    fact_is(&backend, "passt")) {
		report_label(s, f, DOMAIN_REFUSES);
		return;
	}
	report_label(s, f, "it starts, and the other process sees no byte of the guest");
	report_lower(f);
}

static bool fix_memory(struct plan *p, const struct finding *f, const struct device *d)
{
	const struct node *owner = d->domain->node;
	struct fact access = ASK(owner, "memoryBacking/access@mode");
	struct fact source = ASK(owner, "memoryBacking/source@type");
	struct fact huge = ASK(owner, "memoryBacking/hugepages?");
	const struct node *cpu = node_child(owner, "cpu");

	(void)f;
	if (cpu && node_child(cpu, "numa"))
		return plan_refuse(p,
				   "its NUMA cells decide: memAccess='shared' on each");
	plan_title(p, "shared memory, in a memfd");
	if (!plan_set(p, &access, "shared"))
		return false;
	return !fact_absent(&source) || !fact_absent(&huge) ||
	       plan_set(p, &source, "memfd");
}

const struct rule rules_share[] = {
	{ .id = "filesystem-host-secret",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a folder of the host that no guest should have",
	  .why = "/, /etc, /root and the like hold the host's passwords, keys and sockets. A "
		 "guest that has them is no longer apart from its host.",
	  .steps =
		  "Share the one folder that the guest needs, and <readonly/> if it only "
		  "reads.",
	  .source = "libvirt formatdomain, Filesystems; QEMU, docs/system/security.rst",
	  .since = "0.1.0",
	  CHECK(device, check_secret) },
	{ .id = "filesystem-incomplete",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a shared folder without its source or its name",
	  .why = "libvirt refuses a filesystem that does not say what is shared, and under "
		 "which name the guest finds it.",
	  .steps = "<source dir='/srv/share'/> and <target dir='share'/>.",
	  .source = PARSE "; src/conf/domain_validate.c, virDomainFSDefValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_incomplete) },
	{ .id = "filesystem-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a setting of a shared folder that its driver does not have",
	  .why = "9p and virtiofs share folders in different ways: modes of files and access "
		 "are 9p's, the queue and its process virtiofs's. libvirt refuses what is the "
		 "other one's.",
	  .steps =
		  "Remove it. Read-only virtiofs works with libvirt 11.0, and before that by "
		  "a read-only bind mount on the host.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_option, fix_option) },
	{ .id = "filesystem-tag-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two shared folders with one name",
	  .why = "The guest mounts a folder by its tag. With virtiofs libvirt refuses two of "
		 "them, with 9p the second one is never reached.",
	  .steps = "Give one of them another <target dir=''/>.",
	  .source = "libvirt, src/conf/domain_validate.c, virDomainDefFSValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_tag) },
	{ .id = "shared-memory-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a device in another process, and memory that is QEMU's alone",
	  .why = "virtiofsd and vhost-user backends read the guest's memory themselves. It has "
		 "to be shared with them; libvirt refuses the domain, or nothing arrives.",
	  .steps = "<memoryBacking><source type='memfd'/><access mode='shared'/>"
		   "</memoryBacking>, or memAccess='shared' on each NUMA cell.",
	  .source = "libvirt, src/qemu/qemu_validate.c, "
		    "qemuValidateDomainDefVhostUserRequireSharedMemory()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_memory, fix_memory) },
};
RULES_END(share);
