/* Disks of Incus's VMs: device/disk.go, driver_qemu.go, addDriveConfig().
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"
#include "analyze/config/lens.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

static const struct lens disk_lenses[] = {
	LENS(disk, source, "source"),
	LENS(disk, bus, "io.bus"),
	LENS(disk, cache, "io.cache"),
	LENS(disk, readonly, "readonly"),
};

static struct fact stated(struct str value, struct span at, const struct node *owner)
{
	return (struct fact){ .state = FACT_KNOWN, .v = value, .at = at, .owner = owner };
}

/* Fields that Incus has no word for: never set, and seen where the object begins. */
static void none(struct fact *f, const struct node *owner)
{
	*f = (struct fact){ .at = owner->open_at, .owner = owner };
}

static void clear_disk(struct disk *d, const struct node *n)
{
	none(&d->device, n);
	none(&d->type, n);
	none(&d->format, n);
	none(&d->io, n);
	none(&d->discard, n);
	none(&d->shareable, n);
	none(&d->transient, n);
	none(&d->logical_block_size, n);
	none(&d->physical_block_size, n);
}

/* Root disks and block volumes; a folder that is shared has a path within the guest. */
static bool is_drive(const struct incus_device *d)
{
	return fact_is(&d->type, "disk") && !fact_is(&d->source, "agent:config") &&
	       !fact_is(&d->source, "cloud-init:config") &&
	       (fact_is(&d->path, "/") ||
		(fact_absent(&d->path) && !fact_absent(&d->source)));
}

/* A file of the host is what its name says: device/disk.go. The locks on it are off. */
static void read_file(struct disk *d, const struct incus_device *from)
{
	struct span at = d->source.at;

	if (!fact_absent(&from->pool) || !fact_known(&d->source) ||
	    !str_starts(d->source.v, "/"))
		return;
	d->type = stated(STR("file"), at, from->node);
	d->device = stated(STR("disk"), at, from->node);
	d->locking = stated(STR("off"), at, from->node);
	if (!str_ends(d->source.v, ".iso"))
		return;
	d->device.v = STR("cdrom");
	d->readonly = stated(STR("yes"), at, from->node);
}

bool incus_read_disks(struct vm *vm, const struct incus *i, struct arena *a)
{
	struct disk *v = arena_try_array(a, i->ndevices, struct disk);

	if (!v)
		return false;
	for (size_t k = 0; k < i->ndevices && i->devices_own; k++) {
		const struct incus_device *from = &i->devices[k];
		struct disk *d = &v[vm->ndisks];

		if (!is_drive(from))
			continue;
		vm->ndisks++;
		clear_disk(d, from->node);
		lens_read(disk_lenses, sizeof(disk_lenses) / sizeof(disk_lenses[0]),
			  from->node, d);
		qemu_switch(&d->readonly);
		read_file(d, from);
		d->vm = vm;
		d->node = from->node;
		d->target = stated(from->name, from->node->key_at, from->node);
	}
	vm->disks = v;
	return true;
}
