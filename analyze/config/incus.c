/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"
#include "analyze/config/lens.h"
#include "analyze/config/qemu_args.h"
#include "analyze/config/yaml.h"
#include "base/banned.h"

/* ---- what stands where ---- */

#define KEY(member, path) LENS(incus_keys, member, path)

/* of "config/" or "expanded_config/" */
#define KEYS(in)                                                                         \
	{                                                                                \
		KEY(iommu, in "security.iommu"),                                         \
			KEY(secureboot, in "security.secureboot"),                       \
			KEY(csm, in "security.csm"), KEY(sev, in "security.sev"),        \
			KEY(stateful, in "migration.stateful"),                          \
			KEY(memory, in "limits.memory"),                                 \
			KEY(nesting, in "security.nesting"),                             \
			KEY(image_os, in "image.os"),                                    \
			KEY(image_description, in "image.description"),                  \
			KEY(image_release, in "image.release"),                          \
			KEY(image_variant, in "image.variant"),                          \
			KEY(image_secureboot, in "image.requirements.secureboot"),       \
			KEY(image_agent, in "image.requirements.cdrom_agent"),           \
			KEY(image_cloud_init, in "image.requirements.cdrom_cloud_init"), \
			KEY(raw_conf, in "raw.qemu.conf"), KEY(raw_qemu, in "raw.qemu"), \
			KEY(qmp_early, in "raw.qemu.qmp.early"),                         \
			KEY(qmp_pre, in "raw.qemu.qmp.pre-start"),                       \
			KEY(qmp_post, in "raw.qemu.qmp.post-start"),                     \
			KEY(doc_early, in "raw.qemu.early"),                             \
			KEY(doc_pre, in "raw.qemu.pre-start"),                           \
			KEY(doc_post, in "raw.qemu.post-start"),                         \
	}

static const struct lens own_keys[] = KEYS("config/");
static const struct lens expanded_keys[] = KEYS("expanded_config/");
enum { NKEYS = sizeof(own_keys) / sizeof(own_keys[0]) };

static const struct lens device_lenses[] = {
	LENS(incus_device, type, "type"),
	LENS(incus_device, path, "path"),
	LENS(incus_device, source, "source"),
	LENS(incus_device, pool, "pool"),
	LENS(incus_device, size, "size"),
	LENS(incus_device, size_state, "size.state"),
	LENS(incus_device, io_bus, "io.bus"),
	LENS(incus_device, io_cache, "io.cache"),
	LENS(incus_device, gputype, "gputype"),
	LENS(incus_device, nictype, "nictype"),
	LENS(incus_device, network, "network"),
};

static const struct lens pool_lenses[] = {
	LENS(incus_pool, name, "name"),
	LENS(incus_pool, driver, "driver"),
	LENS(incus_pool, source, "config/source"),
};

static const struct lens vm_lenses[] = {
	LENS(vm, name, "name"),
	LENS(vm, uuid, "config/volatile.uuid"),
	LENS(vm, arch, "architecture"),
	LENS(vm, firmware, "config/security.csm"),
	LENS(vm, secure_boot, "config/security.secureboot"),
};

#define READ(table, owner, object)                                                       \
	lens_read((table), sizeof(table) / sizeof((table)[0]), (owner), (object))

/* An empty value is none to Incus. */
static void drop_empty(struct fact *f)
{
	if (f->state == FACT_KNOWN && f->v.n == 0)
		f->state = FACT_ABSENT;
}

static void read_keys(const struct lens *table, const struct node *owner,
		      struct incus_keys *keys)
{
	lens_read(table, NKEYS, owner, keys);
	for (size_t i = 0; i < NKEYS; i++)
		drop_empty((void *)((char *)keys + table[i].offset));
}

/* ---- shapes ---- */

static const struct node *child_of(const struct node *n, const char *key,
				   enum node_kind kind)
{
	const struct node *c = n ? node_child(n, key) : NULL;

	return c && c->kind == kind ? c : NULL;
}

static bool is_scalar(const struct node *n, const char *value)
{
	return n && n->kind == NODE_SCALAR && str_is(n->text, value);
}

/* "config: {}", or only "config:". */
static bool is_empty(const struct node *n)
{
	return n && ((n->kind == NODE_MAP && !n->first) ||
		     (n->kind == NODE_SCALAR && n->type == SCALAR_NULL));
}

/* Has this map what only instances and profiles have? */
static bool has_config(const struct node *n)
{
	const struct node *config = child_of(n, "config", NODE_MAP);
	const struct node *devices = child_of(n, "devices", NODE_MAP);
	const struct node *type = node_child(n, "type");

	if (type && type->kind == NODE_SCALAR && !is_scalar(type, "virtual-machine") &&
	    !is_scalar(type, "container"))
		return false; /* a network, a volume */
	if (is_empty(node_child(n, "config")) && !devices)
		return true;
	if (config) {
		for_each_node (c, config) {
			if (str_starts(c->key, "features.") ||
			    str_starts(c->key, "restricted."))
				return false; /* a project */
		}
		for_each_node (c, config) {
			if (incus_is_instance_key(c->key))
				return true;
		}
	}
	if (child_of(n, "expanded_config", NODE_MAP))
		return true;
	if (!devices)
		return false;
	for_each_node (c, devices) {
		const struct node *device =
			c->kind == NODE_MAP ? node_child(c, "type") : NULL;

		if (device && incus_is_device_type(device->text))
			return true;
	}
	return false;
}

static bool is_instance(const struct node *n)
{
	static const char *const keys[] = {
		"architecture", "ephemeral",       "profiles",         "stateful",
		"status",       "expanded_config", "expanded_devices", "instance_type",
		"last_used_at", "created_at",
	};
	const struct node *type = node_child(n, "type");

	if (is_scalar(type, "virtual-machine") || is_scalar(type, "container"))
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (node_child(n, keys[i]))
			return true;
	}
	return false;
}

/* ---- the instances and profiles of a file, counted and then read ---- */

struct found {
	const struct node **v; /* NULL: to count them */
	size_t n;
};

static void add(struct found *f, const struct node *n)
{
	if (!n || n->kind != NODE_MAP || !has_config(n))
		return;
	if (f->v)
		f->v[f->n] = n;
	f->n++;
}

static void add_items(struct found *f, const struct node *list)
{
	if (!list)
		return;
	for_each_node (c, list)
		add(f, c);
}

/* The instance and its snapshots in a backup's index.yaml, or in backup.yaml. Profiles that
 * are told besides are in expanded_config already. */
static bool add_backup(struct found *f, const struct node *n)
{
	const struct node *instance = child_of(n, "container", NODE_MAP);

	if (!instance)
		instance = child_of(n, "instance", NODE_MAP);
	if (!instance)
		return false;
	add(f, instance);
	add_items(f, child_of(n, "snapshots", NODE_LIST));
	return true;
}

static void add_document(struct found *f, const struct node *doc)
{
	if (doc->kind == NODE_LIST) {
		add_items(f, doc);
		return;
	}
	if (doc->kind != NODE_MAP || add_backup(f, doc))
		return;
	if (node_child(doc, "config") && node_child(doc, "backend") &&
	    add_backup(f, node_child(doc, "config")))
		return;
	add(f, doc);
	/* In an instance these are names. */
	add_items(f, child_of(doc, "profiles", NODE_LIST));
	add_items(f, child_of(doc, "instances", NODE_LIST));
}

static void add_pools(struct found *f, const struct node *doc)
{
	const struct node *pools =
		doc->kind == NODE_MAP ? child_of(doc, "storage_pools", NODE_LIST) : NULL;

	if (!pools)
		return;
	for_each_node (c, pools) {
		if (c->kind != NODE_MAP)
			continue;
		if (f->v)
			f->v[f->n] = c;
		f->n++;
	}
}

static struct found find_all(const struct node *root, struct arena *a,
			     void (*look)(struct found *, const struct node *))
{
	struct found f = { 0 };

	for (unsigned pass = 0; pass < 2; pass++) {
		f.n = 0;
		if (root->kind != NODE_STREAM) {
			look(&f, root);
		} else {
			for_each_node (doc, root)
				look(&f, doc);
		}
		if (pass == 0)
			f.v = arena_try_array(a, f.n + 1, const struct node *);
		if (!f.v)
			break;
	}
	return f;
}

/* ---- what an instance is ---- */

/* The first key of a config that says so. */
static const struct node *key_that(const struct node *config, bool (*says)(struct str))
{
	if (!config)
		return NULL;
	for_each_node (c, config) {
		if (says(c->key))
			return c;
	}
	return NULL;
}

static const struct node *vm_device(const struct incus *i)
{
	for (size_t k = 0; k < i->ndevices; k++) {
		const struct fact *source = &i->devices[k].source;

		if (fact_is(source, "agent:config") ||
		    fact_is(source, "cloud-init:config"))
			return i->devices[k].node;
	}
	return NULL;
}

/* What it is, and what says so. */
static enum incus_type type_of(const struct incus *i, const struct node **why)
{
	const struct node *type = node_child(i->node, "type");
	const struct node *expanded = child_of(i->node, "expanded_config", NODE_MAP);
	const struct node *vm, *container;

	*why = type;
	if (i->kind == INCUS_PROFILE)
		return INCUS_EITHER;
	if (is_scalar(type, "virtual-machine"))
		return INCUS_VM;
	if (is_scalar(type, "container"))
		return INCUS_CONTAINER;
	vm = key_that(i->config, incus_is_vm_key);
	if (!vm)
		vm = key_that(expanded, incus_is_vm_key);
	if (!vm)
		vm = vm_device(i);
	container = key_that(i->config, incus_is_container_key);
	*why = vm ? vm : container;
	if (vm && container)
		return INCUS_EITHER;
	return vm ? INCUS_VM : container ? INCUS_CONTAINER : INCUS_EITHER;
}

/* With `profiles: []` there is nothing else; without the key Incus takes the default one. */
static bool is_complete(const struct node *n)
{
	const struct node *profiles = node_child(n, "profiles");

	if (child_of(n, "expanded_config", NODE_MAP) &&
	    child_of(n, "expanded_devices", NODE_MAP))
		return true;
	return profiles && profiles->kind == NODE_LIST && !profiles->first;
}

static bool read_devices(struct incus *i, struct arena *a)
{
	const struct node *list = child_of(i->node, "expanded_devices", NODE_MAP);
	struct incus_device *v;
	size_t n = 0;

	i->devices_own = !list;
	if (!list)
		list = child_of(i->node, "devices", NODE_MAP);
	if (!list)
		return true;
	for_each_node (c, list)
		n += c->kind == NODE_MAP;
	v = arena_try_array(a, n, struct incus_device);
	if (!v)
		return false;
	n = 0;
	for_each_node (c, list) {
		if (c->kind != NODE_MAP)
			continue;
		READ(device_lenses, c, &v[n]);
		for (size_t k = 0; k < sizeof(device_lenses) / sizeof(device_lenses[0]);
		     k++)
			drop_empty((void *)((char *)&v[n] + device_lenses[k].offset));
		v[n].node = c;
		v[n++].name = c->key;
	}
	i->devices = v;
	i->ndevices = n;
	return true;
}

static bool read_incus(struct incus *i, const struct node *n, const struct unit *u,
		       struct arena *a)
{
	const struct node *conf;

	i->node = n;
	i->kind = is_instance(n) ? INCUS_INSTANCE : INCUS_PROFILE;
	i->config = child_of(n, "config", NODE_MAP);
	i->complete = i->kind == INCUS_INSTANCE && is_complete(n);
	i->version = host_version(u->host, "incus");
	read_keys(own_keys, n, &i->own);
	i->all = i->own;
	if (child_of(n, "expanded_config", NODE_MAP))
		read_keys(expanded_keys, n, &i->all);
	if (!read_devices(i, a))
		return false;
	conf = i->config ? node_child(i->config, "raw.qemu.conf") : NULL;
	if (fact_known(&i->own.raw_conf) && conf && !conf->from) {
		i->override = incus_override(conf, u->text, a);
		return i->override != NULL;
	}
	return true;
}

/* ---- the common model ---- */

static struct fact stated(struct str value, struct span at, const struct node *owner)
{
	return (struct fact){ .state = FACT_KNOWN, .v = value, .at = at, .owner = owner };
}

/* Fields that Incus has no word for: never set, and seen where the object begins. */
static void none(struct fact *f, const struct node *owner)
{
	*f = (struct fact){ .at = owner->open_at, .owner = owner };
}

static bool read_vm(struct vm *vm, struct incus *i, struct arena *a)
{
	const struct node *why;
	struct str *raw = arena_try_array(a, 2, struct str);

	vm->flavour = FLAVOUR_INCUS;
	vm->node = i->node;
	none(&vm->machine, i->node);
	none(&vm->emulator, i->node);
	none(&vm->acpi, i->node);
	none(&vm->ioapic, i->node);
	READ(vm_lenses, i->node, vm);
	/* A profile may set them, too. */
	if (!i->complete && fact_absent(&vm->firmware))
		vm->firmware.state = FACT_UNKNOWN;
	if (!i->complete && fact_absent(&vm->secure_boot))
		vm->secure_boot.state = FACT_UNKNOWN;
	i->arch = vm->arch;
	i->type = type_of(i, &why);
	vm->type.owner = i->node;
	vm->type.at = i->node->open_at;
	if (i->type == INCUS_EITHER)
		vm->type.state = FACT_UNKNOWN;
	else if (why)
		vm->type = stated(i->type == INCUS_VM ? STR("kvm") : STR("lxc"),
				  why->whole, i->node);
	if (!raw)
		return false;
	if (fact_known(&i->all.raw_qemu))
		raw[vm->nraw++] = i->all.raw_qemu.v;
	if (fact_known(&i->all.raw_conf))
		raw[vm->nraw++] = i->all.raw_conf.v;
	vm->raw = raw;
	return incus_read_disks(vm, i, a);
}

/* ---- raw.qemu, raw.qemu.conf ---- */

/* raw.qemu.conf says nothing of the machine's type, or says it in a section that is read. */
static bool keeps_machine(const struct incus *i)
{
	if (fact_absent(&i->all.raw_conf))
		return true;
	return i->override && fact_known(&i->own.raw_conf) &&
	       !incus_override_says(i->override, "machine", "type");
}

/* What Incus says of the rest of the command line. raw.qemu.conf may say otherwise. */
static void say_machine(struct vm *vm, const struct incus *i)
{
	const char *type = fact_is(&vm->arch, "x86_64")    ? "q35"
			   : fact_is(&vm->arch, "aarch64") ? "virt"
							   : NULL;

	vm->ioapic.state = FACT_UNKNOWN;
	vm->machine.state = FACT_UNKNOWN;
	if (type && keeps_machine(i))
		vm->machine = stated(str_of(type), vm->arch.at, i->node);
	/* Only a VM looks at the key at all. */
	if (vm->type.state == FACT_UNKNOWN)
		vm->type = stated(STR("kvm"), vm->node->open_at, i->node);
}

static bool read_args(struct vm *vm, const struct incus *i, const struct unit *u,
		      struct arena *a)
{
	const struct node *value = i->config ? node_child(i->config, "raw.qemu") : NULL;
	struct qemu_args args = qemu_args_in(u->text, a);
	struct vm *base = arena_try_new(a, struct vm);

	if (!base)
		return false;
	if (i->override && i->override->root->first)
		args.sections = i->override->root;
	if (i->own.raw_qemu.state == FACT_ABSENT)
		value = NULL;
	if ((!value && !args.sections) || i->type == INCUS_CONTAINER)
		return true;
	*base = *vm;
	say_machine(base, i);
	if (value)
		qemu_args_add(&args, value, (struct span){ 0 }, SPLIT_SHELL);
	if (!qemu_args_vm(&args, base, u->host))
		return false;
	vm->args = base->args;
	return true;
}

/* ---- the format ---- */

static bool read_model(struct unit *u)
{
	struct arena *a = &u->arena;
	struct found all = find_all(u->doc, a, add_document);
	struct found pools = find_all(u->doc, a, add_pools);
	struct vm *vms = arena_try_array(a, all.n, struct vm);
	struct incus *incus = arena_try_array(a, all.n, struct incus);
	struct incus_pool *p = arena_try_array(a, pools.n, struct incus_pool);

	if (!all.v || !pools.v || !vms || !incus || !p)
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (!read_incus(&incus[i], all.v[i], u, a) ||
		    !read_vm(&vms[i], &incus[i], a) ||
		    !read_args(&vms[i], &incus[i], u, a))
			return false;
	}
	for (size_t i = 0; i < pools.n; i++) {
		READ(pool_lenses, pools.v[i], &p[i]);
		p[i].node = pools.v[i];
		p[i].version = host_version(u->host, "incus");
		p[i].sector_size = u->host->sector_size;
	}
	u->vms = vms;
	u->incus = incus;
	u->nvms = all.n;
	u->pools = p;
	u->npools = pools.n;
	return true;
}

static bool is_template(struct str text)
{
	return str_has(text, "{%") || str_has(text, "{{") || str_has(text, "<%");
}

static bool probe_incus(struct view head, const struct source *s)
{
	(void)s;
	return incus_probe(head);
}

static int read_incus_file(struct unit *u, struct err *e)
{
	struct node *root;

	if (u->src.size > YAML_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "has %llu bytes, YAML of up to %d is read",
			       (unsigned long long)u->src.size, YAML_SIZE_MAX);
	if (unit_read_text(u, e) != 0 ||
	    yaml_read(&u->src, u->text, &u->arena, &root, &u->syntax, e) != 0)
		return -1;
	if (u->syntax && is_template(str_view(u->text))) {
		u->syntax = NULL;
		u->skip_reason =
			"a template: it is YAML only when its parts are filled in";
		return 0;
	}
	u->doc = root;
	if (root && !read_model(u))
		return err_set(e, ERR_LIMIT,
			       "has more devices than memory is allowed for");
	return 0;
}

const struct format format_incus = {
	.name = "incus",
	.title = "Incus or LXD configuration",
	.kind = FORMAT_TEXT,
	.probe = probe_incus,
	.read = read_incus_file,
};
