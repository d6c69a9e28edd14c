/* Config keys of Incus and LXD: those that there are, and what they may be; and disks.
 * lxc/incus, internal/instance/config.go; internal/server/device/disk.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/near.h"
#include "rules/rules.h"

#include "base/banned.h"

enum type {
	TEXT,
	BOOL,
	BOOL_OR,
	BOOL_OR_SIZE,
	INT,
	PRIORITY,
	SIZE,
	SIZE_OR_PERCENT,
	CPUS,
	CPU_TIME,
	ONE_OF
};
enum of { ANY, VM, CONTAINER };

struct key {
	const char *name;
	enum type type;
	const char *values;
	enum of of;
	const char *dflt;
};

static const struct key keys[] = {
#define INCUS_KEY(name, type, values, of, dflt)                                          \
	{ (name), (type), (values), (of), (dflt) },
#include "rules/incus_keys.def"
#undef INCUS_KEY
};

static const struct key *key_of(struct str name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (str_is(name, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

/* ---- incus-unknown-key ---- */

enum {
	MISTAKES = 2,
	KEYS_MAX = 1024, /* of a config or a device, that are looked at */
	DISKS_MAX = 512, /* that are compared with each other */
};

static const struct node nothing; /* has no members */

/* What may follow is decided elsewhere. */
static bool is_free(struct str name)
{
	static const char *const prefixes[] = {
		"user.",
		"environment.",
		"image.",
		"volatile.",
		"limits.kernel.",
		"linux.sysctl.",
		"smbios11.",
		"systemd.credential",
		"cloud-init.ssh-keys.",
		"security.bpffs",
		"security.delegate_",
		"security.selinux.",
		"raw.",
		"oci.",
		"placement.",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (str_starts(name, prefixes[i]))
			return true;
	}
	return false;
}

/* Of a key of the config: what it is a typing mistake of; empty: nothing. */
static struct str typed_key(const struct node *n)
{
	struct nearest best = near_to(n->key);

	if (n->key.n < 5 || n->from || key_of(n->key) || is_free(n->key))
		return STR("");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		near_look(&best, keys[i].name);
	return near_word(&best, MISTAKES);
}

struct device_keys {
	const char *type, *keys;
};

static const struct device_keys devices[] = {
#define INCUS_DEVICE(type, keys) { (type), (keys) },
#include "rules/incus_devices.def"
#undef INCUS_DEVICE
};

/* The same of a key of a device. */
static struct str typed_in(const struct incus_device *d, const struct node *n)
{
	struct nearest best = near_to(n->key);

	if (n->key.n < 4 || n->from || str_starts(n->key, "user.") ||
	    str_starts(n->key, "initial."))
		return STR("");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (!fact_is(&d->type, devices[i].type))
			continue;
		if (str_among(n->key, devices[i].keys))
			return STR("");
		near_look(&best, devices[i].keys);
	}
	return near_word(&best, n->key.n < 8 ? 1 : MISTAKES);
}

static void check_devices(struct scan *s, const struct incus_device *d)
{
	size_t left = KEYS_MAX;

	for_each_node (n, d->node) {
		struct str meant = left ? typed_in(d, n) : STR("");
		struct finding *f;

		left -= left > 0;

		if (meant.n == 0)
			continue;
		f = report(s, n->key_at, "a %s has no key '%s', expected '%.*s'",
			   shown(s, d->type.v), shown(s, n->key), STR_ARG(meant));
		report_label(s, f, "Incus refuses it: invalid device option");
	}
}

static void check_unknown(struct scan *s, const struct incus *i)
{
	size_t left = KEYS_MAX;

	for_each_node (n, i->config ? i->config : &nothing) {
		struct str meant = left ? typed_key(n) : STR("");
		struct finding *f;

		left -= left > 0;

		if (meant.n == 0)
			continue;
		f = report(s, n->key_at, "there is no key '%s', expected '%.*s'",
			   shown(s, n->key), STR_ARG(meant));
		report_label(s, f, "Incus refuses it: unknown configuration key");
	}
	for (size_t k = 0; i->devices_own && k < i->ndevices && k < DISKS_MAX; k++)
		check_devices(s, &i->devices[k]);
}

static bool rename_key(struct plan *p, const struct node *n, struct str name)
{
	if (n->key_at.len != n->key.n)
		return plan_refuse(p, "its name is between quotes");
	plan_title(p, "%.*s", STR_ARG(name));
	return plan_replace(p, n->key_at, name);
}

static bool fix_unknown(struct plan *p, const struct finding *f, const struct incus *i)
{
	for_each_node (n, i->config ? i->config : &nothing) {
		if (n->key_at.off == f->at.off)
			return rename_key(p, n, typed_key(n));
	}
	for (size_t k = 0; k < i->ndevices; k++) {
		for_each_node (n, i->devices[k].node) {
			if (n->key_at.off == f->at.off)
				return rename_key(p, n, typed_in(&i->devices[k], n));
		}
	}
	return false;
}

/* ---- incus-value ---- */

static bool is_int(struct str s)
{
	uint64_t v;

	if (s.n > 1 && s.p[0] == '-')
		s = (struct str){ s.p + 1, s.n - 1 };
	return str_u64(s, &v);
}

static bool is_size(struct str s)
{
	uint64_t bytes;

	return incus_size(s, &bytes);
}

/* "4", "0-3", "0,2,4-7": not whether there are such CPUs. Incus 7 has "sockets=2,cores=2". */
static bool is_cpus(struct str s)
{
	bool digit = false;

	if (memchr(s.p, '=', s.n))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		bool separator = s.p[i] == '-' || s.p[i] == ',';

		if (separator ? !digit : s.p[i] < '0' || s.p[i] > '9')
			return false;
		digit = !separator;
	}
	return digit;
}

/* "50%", "25ms/100ms" */
static bool is_cpu_time(struct str s)
{
	const char *slash = memchr(s.p, '/', s.n);
	struct str part = s;

	if (!slash)
		return s.p[s.n - 1] == '%' && is_int((struct str){ s.p, s.n - 1 });
	part.n = (size_t)(slash - s.p);
	s = (struct str){ slash + 1, s.n - part.n - 1 };
	part.n -= str_ends(part, "ms") ? 2 : 0;
	s.n -= str_ends(s, "ms") ? 2 : 0;
	return is_int(part) && is_int(s);
}

/* What is expected instead; NULL: it is right. */
static const char *flaw_of(struct scan *s, const struct key *k, struct str v)
{
	uint64_t n;

	switch (k->type) {
	case TEXT:
		return NULL;
	case BOOL:
		return incus_is_bool(v) ? NULL : "true or false";
	case BOOL_OR:
		return incus_is_bool(v) || str_among(v, k->values)
			       ? NULL
			       : scan_printf(s, "true, false or %s", k->values);
	case BOOL_OR_SIZE:
		return incus_is_bool(v) || is_size(v)
			       ? NULL
			       : "true, false or a size such as 512MiB";
	case CPUS:
		return is_cpus(v) || (k->values && str_among(v, k->values))
			       ? NULL
			       : "a number such as 4, or a set such as 0-3,6";
	case CPU_TIME:
		return is_cpu_time(v)
			       ? NULL
			       : "a part such as 50%, or a time such as 25ms/100ms";
	case INT:
		return is_int(v) ? NULL : "a whole number";
	case PRIORITY:
		return str_u64(v, &n) && n <= 10 ? NULL : "a number from 0 to 10";
	case SIZE:
		return is_size(v) ? NULL : "a size such as 512MiB";
	case SIZE_OR_PERCENT:
		if (v.n > 1 && v.p[v.n - 1] == '%')
			return str_u64((struct str){ v.p, v.n - 1 }, &n) && n > 0
				       ? NULL
				       : "a part such as 50%";
		return is_size(v) ? NULL : "a size such as 4GiB, or a part such as 50%";
	case ONE_OF:
		return str_among(v, k->values)
			       ? NULL
			       : scan_printf(s, "one of: %s", near_list(s, k->values));
	}
	return NULL;
}

static void check_values(struct scan *s, const struct incus *i)
{
	if (!i->config)
		return;
	for_each_node (n, i->config) {
		const struct key *k = key_of(n->key);
		const char *expected;
		struct finding *f;

		/* What a template fills in is another thing by then. */
		if (!k || n->kind != NODE_SCALAR || n->text.n == 0 || n->from ||
		    memchr(n->text.p, '{', n->text.n) ||
		    memchr(n->text.p, '$', n->text.n))
			continue;
		expected = flaw_of(s, k, n->text);
		if (!expected)
			continue;
		f = report(s, n->text_at, "%s is '%s', expected %s", k->name,
			   shown(s, n->text), expected);
		report_label(s, f, "Incus refuses the value");
	}
}

/* "4G", "512M", "8 GB": a letter, as other programs take it, is powers of 1024 here. */
static bool fix_values(struct plan *p, const struct finding *f, const struct incus *i)
{
	for_each_node (n, i->config) {
		const struct key *k = key_of(n->key);
		struct str v = n->text;
		const char *text;
		uint64_t bytes;

		if (!k || n->text_at.off != f->at.off)
			continue;
		if ((k->type != SIZE && k->type != SIZE_OR_PERCENT) || v.n < 2 ||
		    !memchr("kKmMgGtT", v.p[v.n - 1], 8) ||
		    !str_u64((struct str){ v.p, v.n - 1 }, &bytes) ||
		    n->text_at.len != v.n)
			break;
		text = arena_printf(p->arena, "%.*s%ciB", (int)(v.n - 1), v.p,
				    (char)(v.p[v.n - 1] & ~0x20));
		plan_title(p, "%s", text);
		return plan_replace(p, n->text_at, str_of(text));
	}
	return plan_refuse(p, "what was meant can only be guessed");
}

/* ---- incus-vm-key ---- */

static void check_vm_key(struct scan *s, const struct incus *i)
{
	const struct node *type = node_child(i->node, "type");

	if (i->kind != INCUS_INSTANCE || !i->config || !type ||
	    i->type != INCUS_CONTAINER)
		return;
	for_each_node (n, i->config) {
		const struct key *k = key_of(n->key);
		struct finding *f;

		if (!k || k->of != VM)
			continue;
		f = report(s, n->key_at, "%s is for VMs, and this is a container",
			   k->name);
		report_label(s, f,
			     "Incus refuses the instance: unknown configuration key");
		report_related(s, f, type->whole, "what it is");
	}
}

/* ---- incus-disk-device ---- */

static const struct incus_device *same_path(const struct incus *i, size_t at)
{
	const struct incus_device *d = &i->devices[at];

	for (size_t k = 0; k < at; k++) {
		if (fact_is(&i->devices[k].type, "disk") &&
		    fact_known(&i->devices[k].path) &&
		    str_eq(i->devices[k].path.v, d->path.v))
			return &i->devices[k];
	}
	return NULL;
}

static bool is_special(struct str source)
{
	return str_among(source,
			 "agent:config cloud-init:config none tmpfs: tmpfs-overlay:") ||
	       str_starts(source, "ceph:") || str_starts(source, "cephfs:") ||
	       str_starts(source, "tmpfs");
}

/* What is in the way; *at: where. NULL: nothing. */
static const char *disk_flaw(const struct incus_device *d, struct span *at)
{
	bool root = fact_is(&d->path, "/");

	*at = d->source.at;
	if (root && fact_known(&d->source))
		return "is the root disk, and has a source, expected none";
	if (root && fact_absent(&d->pool)) {
		*at = d->path.at;
		return "is the root disk, and has no pool";
	}
	if (!root && fact_absent(&d->pool) && fact_known(&d->source) &&
	    d->source.v.n > 0 && d->source.v.p[0] != '/' && !is_special(d->source.v) &&
	    !memchr(d->source.v.p, '$', d->source.v.n) &&
	    !memchr(d->source.v.p, '{', d->source.v.n))
		return "has no pool, and its source is no absolute path";
	*at = d->size_state.at;
	if (fact_known(&d->path) && !root && fact_known(&d->size_state))
		return "has size.state, which is for the root disk only";
	*at = d->size.at;
	if (fact_known(&d->path) && !root && fact_known(&d->size) &&
	    fact_known(&d->source) && !is_special(d->source.v))
		return "has a size, which is for the root disk only";
	*at = d->io_bus.at;
	if (fact_known(&d->io_bus) &&
	    !str_among(d->io_bus.v, "nvme virtio-blk virtio-scsi usb auto 9p virtiofs"))
		return "has an io.bus that is none of: nvme, virtio-blk, virtio-scsi, usb, auto, "
		       "9p, virtiofs";
	*at = d->io_cache.at;
	if (fact_known(&d->io_cache) &&
	    !str_among(d->io_cache.v, "none metadata writeback unsafe"))
		return "has an io.cache that is none of: none, metadata, writeback, unsafe";
	return NULL;
}

static void check_disk(struct scan *s, const struct incus *i)
{
	for (size_t k = 0; k < i->ndevices && k < DISKS_MAX; k++) {
		const struct incus_device *d = &i->devices[k], *first;
		const char *flaw;
		struct finding *f;
		struct span at;

		if (!fact_is(&d->type, "disk"))
			continue;
		flaw = disk_flaw(d, &at);
		if (flaw) {
			f = report(s, at, "disk '%s' %s", shown(s, d->name), flaw);
			report_label(s, f, "Incus refuses the device");
		}
		first = fact_known(&d->path) && d->path.v.n ? same_path(i, k) : NULL;
		if (!first)
			continue;
		f = report(s, d->path.at, "two disks with the path '%s'",
			   shown(s, d->path.v));
		report_label(
			s, f,
			"Incus refuses them: more than one disk device uses the same "
			"path");
		report_related(s, f, first->path.at, "the first one");
	}
}

const struct rule rules_incus_keys[] = {
	{ .id = "incus-disk-device",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a disk that Incus refuses",
	  .why = "The root disk is a volume of a pool and has no source, other sources are "
		 "volumes or absolute paths, sizes belong to the root disk, and a path is "
		 "one disk's. Incus checks that when the instance or profile is written.",
	  .steps =
		  "root: {path: /, pool: POOL, type: disk}. A folder or file of the host "
		  "has an absolute source and a path; a volume has pool: and its name as "
		  "source.",
	  .source = "lxc/incus, internal/server/device/disk.go, validateConfig()",
	  .since = "0.1.0",
	  CHECK(incus, check_disk) },
	{ .id = "incus-unknown-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a key of a config or a device that Incus does not have",
	  .why = "Incus refuses the instance or the profile: unknown configuration key. "
		 "Keys of one's own begin with user.",
	  .source = "lxc/incus, internal/instance/config.go, ConfigKeyChecker()",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_unknown, fix_unknown) },
	{ .id = "incus-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a value that Incus does not take",
	  .why = "Incus refuses the instance or the profile when it is written. Sizes have "
		 "units: MB and GB are powers of 1000, MiB and GiB of 1024, and a letter "
		 "alone is none.",
	  .steps = "`incus config set` says the same; the manual has each key's type.",
	  .source = "lxc/incus, internal/instance/config.go; shared/units",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_values, fix_values) },
	{ .id = "incus-vm-key",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a key for VMs in the config of a container",
	  .why = "Incus refuses it when the instance is created or changed; in a profile it "
		 "is allowed, and has no effect on containers.",
	  .steps = "Remove the key, or move it to a profile for VMs.",
	  .source = "lxc/incus, internal/instance/config.go, InstanceConfigKeysVM",
	  .since = "0.1.0",
	  CHECK(incus, check_vm_key) },
};
RULES_END(incus_keys);
