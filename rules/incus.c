/* What Incus refuses to start, save or snapshot, and says so only then.
 * lxc/incus, internal/server/instance/drivers/driver_qemu.go, internal/server/device.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "base/banned.h"

/* ---- incus-csm-secureboot, incus-image-secureboot ---- */

/* Secure Boot is on by default. Where a profile may turn it off, nothing is sure. */
static struct finding *report_secureboot(struct scan *s, const struct incus *i,
					 struct span at, const char *what)
{
	const struct fact *sb = &i->all.secureboot;
	struct finding *f;

	if (i->type == INCUS_CONTAINER || sb->state == FACT_UNKNOWN ||
	    (fact_known(sb) && !incus_true(sb)))
		return NULL;
	f = report(s, at, "%s, and security.secureboot is %s, expected false", what,
		   fact_known(sb) ? "true"
		   : i->complete  ? "not set, which means true"
				  : "not set here, which means true");
	if (fact_known(sb))
		report_related(s, f, sb->at, "Secure Boot");
	else if (!i->complete)
		report_lower(f);
	return f;
}

static void check_csm(struct scan *s, const struct incus *i)
{
	struct finding *f;

	if (!incus_true(&i->all.csm))
		return;
	f = report_secureboot(s, i, i->all.csm.at, "security.csm is on");
	if (f)
		report_label(s, f,
			     "the VM does not start: Secure boot cannot be enabled "
			     "while CSM is turned on");
}

static void check_image(struct scan *s, const struct incus *i)
{
	const struct fact *needs = &i->all.image_secureboot;
	struct finding *f;

	if (!fact_known(needs) || incus_true(needs) || !incus_not_true(&i->all.csm))
		return;
	f = report_secureboot(s, i, needs->at, "the image cannot boot with Secure Boot");
	if (f)
		report_label(s, f,
			     "the VM does not start: The image used by this "
			     "instance is incompatible with secureboot");
}

static bool fix_secureboot(struct plan *p, const struct finding *f, const struct incus *i)
{
	(void)f;
	plan_title(p, "security.secureboot: \"false\"");
	return plan_set(p, &i->own.secureboot, "false");
}

/* ---- incus-image-drives ---- */

static bool has_drive(const struct incus *i, const char *source)
{
	for (size_t k = 0; k < i->ndevices; k++) {
		if (fact_is(&i->devices[k].source, source) ||
		    i->devices[k].source.state == FACT_UNKNOWN)
			return true;
	}
	return false;
}

static void want_drive(struct scan *s, const struct incus *i, const struct fact *needs,
		       const char *source)
{
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !incus_true(needs) || has_drive(i, source))
		return;
	f = report(s, needs->at,
		   "the image wants a disk with source %s, and there is none%s", source,
		   i->complete ? "" : " here");
	report_label(s, f,
		     "the VM does not start: This virtual machine image requires an %s "
		     "disk be added",
		     source);
	if (!i->complete)
		report_lower(f);
}

static void check_drives(struct scan *s, const struct incus *i)
{
	want_drive(s, i, &i->all.image_agent, "agent:config");
	want_drive(s, i, &i->all.image_cloud_init, "cloud-init:config");
}

/* ---- incus-stateful-device ---- */

/* What keeps a device out of a VM whose state is to be saved; NULL: nothing. */
static const char *not_migratable(const struct incus_device *d, struct span *at)
{
	*at = d->type.at;
	if (fact_is(&d->type, "pci") || fact_is(&d->type, "usb"))
		return "a device of the host";
	if (fact_is(&d->type, "gpu") && fact_known(&d->gputype) &&
	    !fact_is(&d->gputype, "virtual"))
		return "a graphics card of the host";
	if (fact_is(&d->type, "gpu") && fact_absent(&d->gputype))
		return "a graphics card of the host";
	if (fact_is(&d->type, "nic") &&
	    (fact_is(&d->nictype, "physical") || fact_is(&d->nictype, "sriov")))
		return "a network card of the host";
	if (!fact_is(&d->type, "disk"))
		return NULL;
	*at = d->io_bus.at;
	if (fact_is(&d->io_bus, "nvme"))
		return "a disk on an NVMe bus";
	if (fact_is(&d->io_bus, "virtiofs"))
		return "a folder shared by virtiofs";
	*at = d->source.at;
	if (fact_absent(&d->pool) && fact_known(&d->source) &&
	    !fact_is(&d->source, "agent:config") &&
	    !fact_is(&d->source, "cloud-init:config"))
		return "a disk that is in no storage pool";
	return NULL;
}

static void check_stateful_device(struct scan *s, const struct incus *i)
{
	for (size_t k = 0; k < i->ndevices; k++) {
		const struct incus_device *d = &i->devices[k];
		const char *what;
		struct finding *f;
		struct span at;

		if (i->type == INCUS_CONTAINER || !incus_true(&i->all.stateful))
			return;
		what = not_migratable(d, &at);
		if (!what)
			continue;
		f = report(s, at, "migration.stateful is on, and device '%s' is %s",
			   shown(s, d->name), what);
		report_label(s, f, "Incus refuses it: its state cannot be saved");
		report_related(s, f, i->all.stateful.at, "migration.stateful");
	}
}

/* ---- incus-stateful-size ---- */

static const struct incus_device *root_disk(const struct incus *i)
{
	for (size_t k = 0; k < i->ndevices; k++) {
		if (fact_is(&i->devices[k].type, "disk") &&
		    fact_is(&i->devices[k].path, "/"))
			return &i->devices[k];
	}
	return NULL;
}

/* What Incus makes of no size.state: 100 MiB at first, 500 MiB later. */
enum { STATE_DEFAULT = 500 << 20 };

static void check_stateful_size(struct scan *s, const struct incus *i)
{
	const struct incus_device *root = root_disk(i);
	uint64_t memory, state = STATE_DEFAULT;
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !incus_true(&i->all.stateful) || !root ||
	    !fact_known(&i->all.memory) || !incus_size(i->all.memory.v, &memory))
		return;
	if (root->size_state.state == FACT_UNKNOWN ||
	    (fact_known(&root->size_state) && !incus_size(root->size_state.v, &state)))
		return;
	if (state >= memory)
		return;
	if (fact_known(&root->size_state))
		f = report(s, root->size_state.at,
			   "size.state is %s, and limits.memory %s, expected no less",
			   shown(s, root->size_state.v), shown(s, i->all.memory.v));
	else
		f = report(s, root->size_state.at,
			   "the root disk has no size.state, and limits.memory is %s",
			   shown(s, i->all.memory.v));
	report_label(s, f,
		     "stateful stop and snapshots are refused: the memory has no "
		     "room there");
	report_related(s, f, i->all.memory.at, "limits.memory");
}

static bool fix_stateful_size(struct plan *p, const struct finding *f,
			      const struct incus *i)
{
	const struct incus_device *root = root_disk(i);
	const char *value = arena_str(p->arena, i->all.memory.v);

	(void)f;
	if (!root || !i->devices_own)
		return plan_refuse(p, "the root disk shown here is put together by "
				      "Incus: set size.state where it comes from");
	plan_title(p, "size.state: %s, as limits.memory", value);
	return plan_set(p, &root->size_state, value);
}

/* ---- incus-container-key ---- */

static void check_container_key(struct scan *s, const struct incus *i)
{
	if (i->kind != INCUS_INSTANCE || !i->config || !node_child(i->node, "type") ||
	    i->type != INCUS_VM)
		return;
	for_each_node (n, i->config) {
		struct finding *f;

		if (!incus_is_container_key(n->key) || str_starts(n->key, "volatile."))
			continue;
		f = report(s, n->key_at, "%s is for containers, and this is a VM",
			   shown(s, n->key));
		report_label(s, f,
			     "Incus refuses the instance: unknown configuration "
			     "key");
	}
}

/* ---- incus-pool-4k ---- */

/* Their volumes for VMs are block devices of the host. */
static bool has_block_volumes(const struct fact *driver)
{
	static const char *const drivers[] = { "lvm",  "lvmcluster", "zfs",
					       "ceph", "linstor",    "truenas" };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (fact_is(driver, drivers[i]))
			return true;
	}
	return false;
}

/* 6.8.0, and 6.0.3 of the long-term series, refuse to unpack images on LVM instead. */
static bool refuses_lvm(const struct version *v)
{
	return version_cmp(v, 6, 0, 3) == 0 ||
	       (version_cmp(v, 6, 8, 0) >= 0 && version_cmp(v, 6, 9, 0) < 0);
}

static bool breaks_tables(const struct version *v)
{
	if (v->part[0] < 6 || (v->part[0] == 6 && v->part[1] == 0))
		return version_cmp(v, 6, 0, 4) < 0;
	return version_cmp(v, 6, 9, 0) < 0;
}

static void check_pool(struct scan *s, const struct incus_pool *p)
{
	bool lvm = fact_is(&p->driver, "lvm") || fact_is(&p->driver, "lvmcluster");
	struct finding *f;

	if (!p->version.known || p->sector_size != 4096 ||
	    !has_block_volumes(&p->driver) || !breaks_tables(&p->version))
		return;
	f = report(s, p->driver.at,
		   "pool '%s' (%s) on a disk with 4096-byte sectors, and Incus %u.%u.%u: "
		   "expected 6.0.4, 6.9 or newer",
		   fact_known(&p->name) ? shown(s, p->name.v) : "?",
		   shown(s, p->driver.v), p->version.part[0], p->version.part[1],
		   p->version.part[2]);
	report_label(s, f,
		     lvm && refuses_lvm(&p->version)
			     ? "VMs cannot be created on it"
			     : "sgdisk replaces the GPT of new VMs by an empty one");
}

const struct rule rules_incus[] = {
	{ .id = "incus-container-key",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a key for containers in the config of a VM",
	  .why = "Incus refuses it when the instance is created or changed; in a profile "
		 "it is allowed, and has no effect on VMs.",
	  .steps = "Remove the key, or move it to a profile for containers.",
	  .source = "lxc/incus, internal/instance/config.go, InstanceConfigKeysContainer",
	  .since = "0.1.0",
	  CHECK(incus, check_container_key) },
	{ .id = "incus-csm-secureboot",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "CSM with Secure Boot",
	  .why = "The VM does not start: Secure boot cannot be enabled while CSM is "
		 "turned on. Please set security.secureboot=false on the instance. "
		 "security.secureboot is true by default.",
	  .source = "lxc/incus, driver_qemu.go, validateStartup()",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_csm, fix_secureboot) },
	{ .id = "incus-image-drives",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an image that wants a drive which the VM does not have",
	  .why = "The image states that it cannot get the agent, or cloud-init's data, in "
		 "another way than from a drive. Incus does not start the VM without.",
	  .steps = "incus config device add NAME agent disk source=agent:config; incus "
		   "config device add NAME init disk source=cloud-init:config.",
	  .source = "lxc/incus, driver_qemu.go, validateStartup()",
	  .since = "0.1.0",
	  CHECK(incus, check_drives) },
	{ .id = "incus-image-secureboot",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "Secure Boot for an image that cannot boot with it",
	  .why = "image.requirements.secureboot is false, and Incus does not start the "
		 "VM: The image used by this instance is incompatible with secureboot. "
		 "Please set security.secureboot=false on the instance.",
	  .source = "lxc/incus, driver_qemu.go, validateStartup(); lxc/incus#2173",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_image, fix_secureboot) },
	{ .id = "incus-pool-4k",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a storage pool on 4096-byte sectors, with an Incus that breaks VMs",
	  .why = "Incus moves the backup GPT of a new VM's volume with the host's sgdisk. "
		 "Where the block device has sectors of 4096 bytes, it finds no GPT, and "
		 "writes an empty one over it: no VM boots. Incus 6.8.0 and 6.0.3 refuse "
		 "on LVM instead; 6.9.0 and 6.0.4 do it right.",
	  .steps = "Upgrade Incus, then delete the cached images (incus image delete), "
		   "so that they are unpacked again. What vmend can mend in VMs that "
		   "were made before is gpt-4k-emptied.",
	  .source = "lxc/incus#1375; commits 0118bf8e, 2e1ff7eb",
	  .since = "0.1.0",
	  CHECK(incus_pool, check_pool) },
	{ .id = "incus-stateful-device",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a device whose state cannot be saved, with migration.stateful",
	  .why = "Incus refuses to start the VM, or to attach the device: with "
		 "migration.stateful all devices must be able to move to another host.",
	  .steps = "Remove migration.stateful, or the device; use virtio-scsi for disks, "
		   "and volumes of a storage pool instead of files and folders.",
	  .source = "lxc/incus, internal/server/device: disk.go, pci.go, usb.go, "
		    "gpu_physical.go, nic_physical.go, nic_sriov.go",
	  .since = "0.1.0",
	  CHECK(incus, check_stateful_device) },
	{ .id = "incus-stateful-size",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "no room for the memory of a stateful VM",
	  .why = "Stateful stop and snapshots write the memory to the VM's state volume, "
		 "and are refused when size.state of the root disk is less than "
		 "limits.memory.",
	  .source = "lxc/incus, driver_qemu.go, checkStateStorage(); lxc/incus#619",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_stateful_size, fix_stateful_size) },
};
RULES_END(incus);
