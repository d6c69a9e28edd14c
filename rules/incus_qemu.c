/* What Incus hands on to QEMU: raw.qemu.conf and raw.qemu.qmp.*. Nothing of it is checked
 * when a config is saved; it fails, or does nothing, when the VM starts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "base/banned.h"

/* ---- incus-qemu-conf-section ---- */

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(s, words[i]))
			return true;
	}
	return false;
}

#define IS_ONE_OF(s, list) is_one_of((s), (list), sizeof(list) / sizeof((list)[0]))

/* Of a section 'device "qemu_gpu"': device, and qemu_gpu with its quotes. */
static struct str cut_word(struct str name, struct str *rest)
{
	const char *blank = name.n ? memchr(name.p, ' ', name.n) : NULL;
	struct str word = { name.p, blank ? (size_t)(blank - name.p) : name.n };

	*rest = str_trim((struct str){ name.p + word.n, name.n - word.n });
	return word;
}

/* Why no section of that name can be among those that Incus generates; NULL: one may. */
static const char *no_such_section(struct str name, bool windows)
{
	static const char *const plain[] = {
		"machine",    "global", "boot-opts", "memory",  "smp-opts", "numa",
		"drive",      "mon",    "rtc",       "sandbox", "accel",    "name",
		"overcommit", "action", "fw_cfg",    "smbios",  "vnc",      "spice"
	};
	static const char *const named[] = { "device", "chardev", "object",   "fsdev",
					     "tpmdev", "netdev",  "audiodev", "drive",
					     "mon",    "vnc" };
	struct str id, word = cut_word(name, &id);

	if (windows && str_is(name, "device \"qemu_iommu\""))
		return "for Windows it is named device \"intel-iommu\"";
	if (id.n == 0)
		return IS_ONE_OF(word, plain) ? NULL : "QEMU has no such kind of section";
	if (!IS_ONE_OF(word, named))
		return "QEMU has no such kind of section with a name";
	if (id.n < 2 || id.p[0] != '"' || id.p[id.n - 1] != '"')
		return "the name of a device stands in double quotes";
	/* All others follow from the instance's devices, or change with versions. */
	if (str_is(word, "device") && !str_starts(id, "\"qemu_") &&
	    !str_starts(id, "\"dev-") && !str_is(id, "\"intel-iommu\"") &&
	    !str_is(id, "\"vmgenid0\""))
		return "Incus names its devices qemu_..., or dev-...";
	return NULL;
}

static void check_section(struct scan *s, const struct incus *i)
{
	bool windows = fact_known(&i->all.image_os) &&
		       incus_is_windows(i->all.image_os.v) && incus_true(&i->all.iommu);

	if (i->type == INCUS_CONTAINER || !i->override)
		return;
	for (size_t k = 0; k < i->override->nsections; k++) {
		const struct incus_section *v = &i->override->sections[k];
		const char *why = no_such_section(v->name, windows);
		struct finding *f;

		if (v->nkeys > 0 || !why)
			continue;
		f = report(s, v->at,
			   "raw.qemu.conf removes section '%s', which Incus does not "
			   "generate",
			   shown(s, v->name));
		report_label(s, f, "it has no effect: %s", why);
		if (!i->version.known)
			report_lower(f);
	}
}

/* ---- incus-qemu-conf-syntax ---- */

static void check_syntax(struct scan *s, const struct incus *i)
{
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !i->override || !i->override->flaw)
		return;
	f = report(s, i->override->flaw_at, "raw.qemu.conf has %s", i->override->flaw);
	report_label(
		s, f,
		"Incus refuses to start the VM, or (older) joins it to the next key");
}

/* ---- incus-qmp-key ---- */

static const char *const documented[] = { "raw.qemu.early", "raw.qemu.pre-start",
					  "raw.qemu.post-start" };
static const char *const real[] = { "raw.qemu.qmp.early", "raw.qemu.qmp.pre-start",
				    "raw.qemu.qmp.post-start" };
enum { NQMP = sizeof(real) / sizeof(real[0]) };

static void check_key(struct scan *s, const struct incus *i)
{
	for (size_t k = 0; i->config && k < NQMP; k++) {
		const struct node *n = node_child(i->config, documented[k]);
		struct finding *f;

		if (!n || i->type == INCUS_CONTAINER)
			continue;
		f = report(s, n->key_at, "key %s, expected %s", documented[k], real[k]);
		report_label(s, f, "Incus refuses it: unknown configuration key");
		f->arg = k;
	}
}

static bool fix_key(struct plan *p, const struct finding *f, const struct incus *i)
{
	const struct node *n = node_child(i->config, documented[f->arg]);
	struct span at;

	if (!n)
		return false;
	if (node_child(i->config, real[f->arg]))
		return plan_refuse(p, "both are set: join them by hand");
	at = n->key_at;
	/* Quotes stay. */
	if (at.len == n->key.n + 2) {
		at.off++;
		at.len -= 2;
	}
	if (at.len != n->key.n)
		return plan_refuse(p, "the key is written in an unusual way");
	plan_title(p, "%s", real[f->arg]);
	return plan_replace(p, at, str_of(real[f->arg]));
}

/* ---- incus-qmp-not-json ---- */

static void check_json(struct scan *s, const struct incus *i)
{
	const struct fact *const values[NQMP] = { &i->own.qmp_early, &i->own.qmp_pre,
						  &i->own.qmp_post };

	for (size_t k = 0; k < NQMP; k++) {
		const char *why =
			fact_known(values[k]) ? incus_qmp_flaw(values[k]->v) : NULL;
		struct finding *f;

		if (!why || i->type == INCUS_CONTAINER)
			continue;
		f = report(s, values[k]->at, "%s %s, expected a list of QMP commands",
			   real[k], why);
		report_label(s, f,
			     "the VM does not start: [{\"execute\": ...}] is "
			     "what Incus reads");
	}
}

const struct rule rules_incus_qemu[] = {
	{ .id = "incus-qemu-conf-section",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "raw.qemu.conf removes a section that does not exist",
	  .why = "A header without keys removes the section of exactly that name, and "
		 "Incus says nothing when there is none: what was to be gone is still "
		 "there.",
	  .steps = "Compare with the file that Incus generates: qemu.conf in the "
		   "instance's folder below /run/incus. Names must be equal, quotes "
		   "included.",
	  .source = "lxc/incus, driver_qemu_templates.go, driver_qemu_config_override.go",
	  .since = "0.1.0",
	  CHECK(incus, check_section) },
	{ .id = "incus-qemu-conf-syntax",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "raw.qemu.conf has a line that Incus does not understand",
	  .why = "Incus reads it when the VM starts, not when the key is set: [section], "
		 "[section][index] and key = value are all there is. There are no "
		 "comments.",
	  .steps = "Correct the line, or remove it. A comment can be kept as a YAML "
		   "comment outside of the value, or in the description.",
	  .source = "lxc/incus, driver_qemu_config_override.go",
	  .since = "0.1.0",
	  CHECK(incus, check_syntax) },
	{ .id = "incus-qmp-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a key for QMP commands without its qmp",
	  .why = "The keys are raw.qemu.qmp.early, .pre-start and .post-start; the names "
		 "without qmp stood in the manual, and Incus refuses them as unknown.",
	  .source = "lxc/incus, internal/instance/config.go",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_key, fix_key) },
	{ .id = "incus-qmp-not-json",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "QMP commands that are no JSON list of objects",
	  .why = "Incus unmarshals the value as a list of objects when the VM starts, "
		 "and fails to start it when it is something else.",
	  .steps = "Write a list, even of one command: "
		   "[{\"execute\": \"...\", \"arguments\": {...}}].",
	  .source = "lxc/incus, driver_qemu.go; Incus, instance options, raw.qemu.qmp.*",
	  .since = "0.1.0",
	  CHECK(incus, check_json) },
};
RULES_END(incus_qemu);
