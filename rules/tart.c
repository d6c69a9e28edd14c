/* macOS and Linux VMs that Packer makes with Tart.
 * packer-plugin-tart, builder/tart/builder.go and its steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "analyze/config/lens.h"
#include "analyze/config/packer.h"
#include "base/banned.h"

static bool is_tart(const struct builder *b)
{
	return str_is(b->type, "tart-cli") && !b->foreign;
}

/* The node that holds a known fact; not NULL. */
static const struct node *node_of(const struct fact *f)
{
	const struct node *n = lens_find(f->lens, f->owner);

	BUG_ON(!n);
	return n;
}

/* Written as a number; only a number of nothing is right. */
static bool is_bare_number(const struct fact *f)
{
	return node_of(f)->type == SCALAR_NUMBER;
}

/* ---- tart-create-grace-time ---- */

enum { LEAST_SECONDS = 5 }; /* less has never helped anybody */

/* The VM is started behind its installation. False also when that is not known. */
static bool runs_after_install(const struct builder *b)
{
	return fact_known(&b->from_ipsw) &&
	       (fact_known(&b->boot_command) || fact_is_not(&b->communicator, "none"));
}

static void check_grace(struct scan *s, const struct builder *b)
{
	const struct fact *wait = &b->create_grace_time;
	struct finding *f;
	double seconds = 0;

	if (!is_tart(b) || !runs_after_install(b) || plugin_is_below(&b->plugin, 0, 5, 3))
		return;
	if (fact_absent(wait)) {
		f = report(s, b->from_ipsw.at,
			   "macOS is installed and started at once, expected "
			   "create_grace_time = \"30s\" between the two");
	} else if (fact_known(wait) && go_duration(wait->v, &seconds) &&
		   (!is_bare_number(wait) || seconds == 0) && seconds < LEAST_SECONDS) {
		f = report(s, wait->at,
			   "create_grace_time is '%s' behind an installation of macOS, "
			   "expected 30s",
			   shown(s, wait->v));
	} else {
		return;
	}
	report_label(s, f,
		     "the installer may hold nvram.bin still: Failed to lock "
		     "auxiliary storage");
}

static bool fix_grace(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	plan_title(p, "create_grace_time = \"30s\"");
	return plan_set(p, &b->create_grace_time, "30s");
}

/* ---- tart-grace-time-syntax ---- */

static void check_syntax(struct scan *s, const struct builder *b)
{
	const struct fact *wait = &b->create_grace_time;
	struct finding *f;
	double seconds;
	bool bare;

	if (!is_tart(b) || !fact_known(wait))
		return;
	bare = is_bare_number(wait);
	if (go_duration(wait->v, &seconds) && (!bare || seconds == 0))
		return;
	if (bare && str_is(wait->v, "0"))
		return;
	if (bare && b->syntax == PACKER_LEGACY) {
		f = report(s, wait->at,
			   "create_grace_time is the number %s, which is that many "
			   "nanoseconds; expected a string with a unit",
			   shown(s, wait->v));
		report_label(s, f, "the plugin does not wait at all");
		return;
	}
	f = report(s, wait->at,
		   "create_grace_time '%s' is no duration: a number with a unit (s, m, "
		   "h) was expected",
		   shown(s, wait->v));
	report_label(s, f, "the plugin refuses the template");
}

static bool fix_syntax(struct plan *p, const struct finding *f, const struct builder *b)
{
	struct str v = b->create_grace_time.v;
	uint64_t seconds;

	(void)f;
	if (!str_u64(v, &seconds) || seconds == 0 || seconds > 3600)
		return plan_refuse(p, "what it should be cannot be told: 30s is usual");
	plan_title(p, "create_grace_time = \"%llus\"", (unsigned long long)seconds);
	return plan_set(p, &b->create_grace_time,
			arena_printf(p->arena, "%llus", (unsigned long long)seconds));
}

/* ---- tart-grace-time-unused ---- */

static void check_unused(struct scan *s, const struct builder *b)
{
	const struct fact *wait = &b->create_grace_time;
	const char *why;
	double seconds;

	if (!is_tart(b) || !fact_known(wait) || fact_known(&b->from_ipsw) ||
	    (go_duration(wait->v, &seconds) && seconds == 0))
		return;
	if (!fact_absent(&b->from_ipsw))
		return;
	if (fact_known(&b->vm_base_name))
		why = "the VM is a copy of vm_base_name, and nothing is installed";
	else if (fact_known(&b->from_iso))
		why = "no macOS is installed: it only makes the build wait";
	else if (fact_absent(&b->vm_base_name) && fact_absent(&b->from_iso))
		why = "the VM is there already, and nothing is installed";
	else
		return;
	report_label(s,
		     report(s, node_of(wait)->whole,
			    "create_grace_time without from_ipsw has no use"),
		     "%s", why);
}

static bool fix_unused(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	plan_title(p, "remove create_grace_time");
	return plan_remove(p, &b->create_grace_time);
}

/* ---- tart-sources-exclusive ---- */

static void check_exclusive(struct scan *s, const struct builder *b)
{
	const struct fact *const from[] = { &b->from_ipsw, &b->from_iso,
					    &b->vm_base_name };
	const struct fact *first = NULL;
	struct finding *f = NULL;

	if (!is_tart(b))
		return;
	for (size_t i = 0; i < 3; i++) {
		if (!fact_known(from[i]))
			continue;
		if (!first) {
			first = from[i];
			continue;
		}
		if (!f)
			f = report(s, from[i]->at,
				   "%s and %s are both set, and a VM comes from one of "
				   "them",
				   first->lens->field, from[i]->lens->field);
	}
	if (!f)
		return;
	report_label(s, f, "the plugin refuses it: they are mutually exclusive");
	report_related(s, f, first->at, "%s", first->lens->field);
}

/* ---- tart-asif-needs-keep ---- */

static void check_asif(struct scan *s, const struct builder *b)
{
	const struct fact *recovery = &b->recovery_partition;
	struct finding *f;

	if (!is_tart(b) || !fact_is(&b->disk_format, "asif") ||
	    !fact_is_not(recovery, "keep"))
		return;
	f = report(s, b->disk_format.at, "disk_format is asif, and recovery_partition %s",
		   fact_absent(recovery) ? "is not set, which means delete; expected keep"
					 : scan_printf(s, "is '%s', expected keep",
						       shown(s, recovery->v)));
	report_label(s, f,
		     "the plugin finds no partitions within an ASIF file: it leaves "
		     "this one, or refuses the template");
	if (fact_known(recovery))
		report_related(s, f, recovery->at, "what becomes of the partition");
}

static bool fix_asif(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	plan_title(p, "recovery_partition = \"keep\"");
	return plan_set(p, &b->recovery_partition, "keep");
}

/* ---- tart-disk-format ---- */

static void check_format(struct scan *s, const struct builder *b)
{
	const struct fact *format = &b->disk_format;

	if (!is_tart(b) || !fact_known(format) || fact_is(format, "raw") ||
	    fact_is(format, "asif"))
		return;
	report_label(s,
		     report(s, format->at, "disk_format is '%s', expected raw or asif",
			    shown(s, format->v)),
		     "the plugin refuses it");
}

/* ---- tart-disk-size-unreachable ---- */

/* By the names that Apple gives, and those of the images that everybody starts from. */
static bool is_named_macos(struct str name)
{
	static const char *const words[] = { "macos",  "monterey", "ventura",
					     "sonoma", "sequoia",  "tahoe" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_has(name, words[i]))
			return true;
	}
	return false;
}

static void check_size(struct scan *s, const struct builder *b)
{
	uint64_t size;
	struct finding *f;

	if (!is_tart(b) || !fact_is(&b->recovery_partition, "keep") ||
	    !fact_known(&b->vm_base_name) || !is_named_macos(b->vm_base_name.v))
		return;
	if (!fact_known(&b->disk_size_gb) || !str_u64(b->disk_size_gb.v, &size) ||
	    size == 0)
		return;
	f = report(s, b->disk_size_gb.at,
		   "the disk becomes %llu GB, and the recovery partition stays behind "
		   "the guest's container; expected recovery_partition = \"relocate\"",
		   (unsigned long long)size);
	report_label(s, f, "macOS cannot use what the disk has grown by");
	report_related(s, f, b->recovery_partition.at, "the partition is kept");
	report_related(s, f, b->vm_base_name.at, "by its name an image with macOS");
}

static bool fix_size(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	if (fact_is(&b->disk_format, "asif"))
		return plan_refuse(p, "in an ASIF file it cannot be moved");
	plan_title(p, "recovery_partition = \"relocate\"");
	return plan_set(p, &b->recovery_partition, "relocate");
}

/* ---- tart-vm-name-missing ---- */

static void check_name(struct scan *s, const struct builder *b)
{
	if (is_tart(b) && fact_absent(&b->vm_name))
		report_label(s, report(s, b->type_at, "a Tart builder without vm_name"),
			     "the build stops before it begins: \"vm_name\" is required");
}

/* ---- tart-recovery-partition ---- */

static const char *const recoveries[] = { "delete", "keep", "relocate" };

enum { NRECOVERIES = sizeof(recoveries) / sizeof(recoveries[0]) };

static void check_recovery(struct scan *s, const struct builder *b)
{
	const struct fact *f = &b->recovery_partition;

	if (!is_tart(b) || !fact_known(f))
		return;
	for (size_t i = 0; i < NRECOVERIES; i++) {
		if (fact_is(f, recoveries[i]))
			return;
	}
	report_label(
		s,
		report(s, f->at,
		       "recovery_partition is '%s', expected delete, keep or "
		       "relocate",
		       shown(s, f->v)),
		"packer validate accepts it, and the build fails once the VM is made");
}

/* Equal but for case, or one character too many or too few at the end. */
static bool is_nearly(struct str s, const char *word)
{
	size_t n = strlen(word), same = 0;

	while (same < n && same < s.n && (s.p[same] | 0x20) == word[same])
		same++;
	return (same == n && s.n <= n + 1) || (same == s.n && same + 1 == n);
}

static bool fix_recovery(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	for (size_t i = 0; i < NRECOVERIES; i++) {
		if (!is_nearly(b->recovery_partition.v, recoveries[i]))
			continue;
		plan_title(p, "recovery_partition = \"%s\"", recoveries[i]);
		return plan_set(p, &b->recovery_partition, recoveries[i]);
	}
	return plan_refuse(p, "which of the three was meant cannot be told");
}

/* ---- tart-boot-command-ignored ---- */

static void check_boot(struct scan *s, const struct builder *b)
{
	struct finding *f;

	if (!is_tart(b) || !fact_is(&b->disable_vnc, "true") ||
	    !fact_known(&b->boot_command))
		return;
	f = report(s, b->boot_command.at, "boot_command is set, and disable_vnc is true");
	report_label(s, f, "nothing is typed: the keys go through VNC");
	report_related(s, f, b->disable_vnc.at, "VNC is off");
}

/* ---- tart-iso-relative ---- */

static void check_iso(struct scan *s, const struct builder *b)
{
	const struct node *list = node_child(b->node, "from_iso");

	if (!is_tart(b) || !list || list->kind != NODE_LIST)
		return;
	for_each_node (n, list) {
		if (n->kind != NODE_SCALAR || n->text.n == 0 || n->text.p[0] == '/' ||
		    str_has(n->text, "://") || str_has(n->text, "{{"))
			continue;
		report_label(s,
			     report(s, n->text_at,
				    "'%s' is no absolute path, which from_iso is "
				    "documented to be",
				    shown(s, n->text)),
			     "it is looked for in the folder that packer runs in");
	}
}

/* ---- tart-allow-insecure, tart-base-unpinned ---- */

/* A name with a registry: "ghcr.io/cirruslabs/macos-sonoma-base:latest". */
static bool is_remote(const struct fact *base)
{
	return fact_known(base) && str_has(base->v, "/");
}

static bool is_this_machine(struct str name)
{
	static const char *const hosts[] = { "localhost", "127.", "[::1]" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (str_starts(name, hosts[i]))
			return true;
	}
	return false;
}

static void check_insecure(struct scan *s, const struct builder *b)
{
	struct finding *f;

	if (!is_tart(b) || !fact_is(&b->allow_insecure, "true") ||
	    !is_remote(&b->vm_base_name) || is_this_machine(b->vm_base_name.v))
		return;
	f = report(s, b->allow_insecure.at,
		   "allow_insecure is true, and '%s' comes over a network",
		   shown(s, b->vm_base_name.v));
	report_label(s, f, "who is on the way can put another image in its place");
	report_related(s, f, b->vm_base_name.at, "the image");
}

static bool fix_insecure(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	plan_title(p, "remove allow_insecure");
	return plan_remove(p, &b->allow_insecure);
}

static void check_unpinned(struct scan *s, const struct builder *b)
{
	struct str name = b->vm_base_name.v;
	const char *colon = NULL;

	if (!is_tart(b) || !is_remote(&b->vm_base_name) || str_has(name, "@sha256:"))
		return;
	for (size_t i = name.n; i > 0 && name.p[i - 1] != '/'; i--) {
		if (name.p[i - 1] == ':')
			colon = &name.p[i - 1];
	}
	if (colon && !str_ends(name, ":latest"))
		return;
	report(s, b->vm_base_name.at,
	       "vm_base_name '%s' has %s: what it is changes with time, expected a tag "
	       "or a digest",
	       shown(s, name), colon ? "the tag latest" : "no tag, which means latest");
}

#define TART "packer-plugin-tart, "

const struct rule rules_tart[] = {
	{ .id = "tart-allow-insecure",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a base image that is pulled over plain HTTP",
	  .why = "With allow_insecure Tart talks to the registry without TLS: the image "
		 "that all builds start from can be replaced on its way.",
	  .steps = "Remove the option, or give the registry a certificate. Right for a "
		   "registry on this machine.",
	  .source = TART "docs/builders/tart.mdx, allow_insecure",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_insecure, fix_insecure) },
	{ .id = "tart-asif-needs-keep",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "an ASIF disk whose recovery partition shall be changed",
	  .why = "recovery_partition deletes or moves a partition in the disk's file, "
		 "which the plugin can do in raw images only; the default is delete. "
		 "Some versions refuse the template. Others find no partition table, "
		 "leave the partition, and fail when the guest's container shall grow: "
		 "error -69519.",
	  .source = TART "builder/tart/builder.go, recoverypartition/delete.go; "
			 "cirruslabs/packer-plugin-tart#207",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_asif, fix_asif) },
	{ .id = "tart-base-unpinned",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a base image without a tag that stays",
	  .why = "The image behind latest is another one every few weeks, so that the "
		 "same template makes different VMs.",
	  .steps = "Name a tag, or a digest: `tart pull` prints it.",
	  .source = TART "docs/builders/tart.mdx, vm_base_name",
	  .since = "0.1.0",
	  CHECK(builder, check_unpinned) },
	{ .id = "tart-boot-command-ignored",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "keys to type, and no VNC to type them through",
	  .why = "With disable_vnc the plugin passes over boot_command without a word.",
	  .steps = "Remove disable_vnc, or boot_command.",
	  .source = TART "builder/tart/step_run.go",
	  .since = "0.1.0",
	  CHECK(builder, check_boot) },
	{ .id = "tart-create-grace-time",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "macOS installed from an IPSW and started at once",
	  .why = "Apple's helper process keeps nvram.bin and disk.img open for a while "
		 "after the installation. When the VM is started meanwhile, it fails: "
		 "Failed to lock auxiliary storage, or shows a black screen.",
	  .steps = "create_grace_time = \"30s\", as the templates of Tart's makers have "
		   "it. When the error comes although the plugin waited, the VM is "
		   "running already: `tart list`, and `lsof` on its nvram.bin.",
	  .source = "cirruslabs/packer-plugin-tart#26, #116; cirruslabs/tart#865; "
		    "cirruslabs/macos-image-templates, vanilla-*.pkr.hcl",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_grace, fix_grace) },
	{ .id = "tart-disk-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a disk format that Tart does not have",
	  .why = "The plugin refuses it: disk_format must be either 'raw' or 'asif'.",
	  .steps = "raw works everywhere, asif needs macOS 26 on the host.",
	  .source = TART "builder/tart/builder.go",
	  .since = "0.1.0",
	  CHECK(builder, check_format) },
	{ .id = "tart-disk-size-unreachable",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a larger disk that macOS cannot grow into",
	  .why = "The recovery partition stands behind macOS' container. When it is "
		 "kept, the container cannot grow, however large the disk is.",
	  .steps = "recovery_partition = \"relocate\" moves it to the end (1.11 and "
		   "later), \"delete\" takes it away.",
	  .source = "cirruslabs/tart#17, #794; " TART "step_disk_file_prepare.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_size, fix_size) },
	{ .id = "tart-grace-time-syntax",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a create_grace_time that is no duration",
	  .why = "It is a duration of Go: a string with units, as \"30s\" or \"1m\". "
		 "Anything else is refused; only in legacy JSON a number is taken, for "
		 "nanoseconds.",
	  .source = TART "builder/tart/builder.go; Go, time.ParseDuration",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_syntax, fix_syntax) },
	{ .id = "tart-grace-time-unused",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "a create_grace_time where no macOS is installed",
	  .why = "It is the time between the installation from an IPSW and the first "
		 "start. Nothing else needs it.",
	  .source = TART "builder/tart/step_create_vm.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_unused, fix_unused) },
	{ .id = "tart-iso-relative",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "an ISO image without an absolute path",
	  .why = "Tart looks for it in the folder that packer was started in, which "
		 "need not be the template's.",
	  .steps = "\"${path.root}/...\" is relative to the template.",
	  .source = TART "docs/builders/tart.mdx, from_iso",
	  .since = "0.1.0",
	  CHECK(builder, check_iso) },
	{ .id = "tart-recovery-partition",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a value that recovery_partition does not have",
	  .why = "The build fails once the VM has been made: Unsupported "
		 "\"recovery_partition\" value.",
	  .source = TART "builder/tart/step_disk_file_prepare.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_recovery, fix_recovery) },
	{ .id = "tart-sources-exclusive",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a Tart VM that shall come from several places",
	  .why = "The plugin refuses it: from_ipsw, from_iso, and vm_base_name are "
		 "mutually exclusive.",
	  .steps = "Keep one of them.",
	  .source = TART "builder/tart/builder.go",
	  .since = "0.1.0",
	  CHECK(builder, check_exclusive) },
	{ .id = "tart-vm-name-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a Tart builder without the name of its VM",
	  .why = "packer validate accepts it, and the build stops at once: \"vm_name\" "
		 "is required.",
	  .steps = "vm_name = \"...\"",
	  .source = TART "builder/tart/builder.go",
	  .since = "0.1.0",
	  CHECK(builder, check_name) },
};
RULES_END(tart);
