/* UTM's config.plist as a VM: with QEMU (version 4 and before), or with Apple's framework.
 * https://github.com/utmapp/UTM, Configuration/UTMQemuConfiguration*.swift,
 * UTMAppleConfiguration*.swift, Legacy/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/utm.h"
#include "analyze/config/lens.h"
#include "analyze/config/plist.h"
#include "analyze/config/qemu_args.h"
#include "analyze/unit.h"

#include "base/banned.h"

/* ---- how each kind spells the model ---- */

static const struct lens qemu_vm_lenses[] = {
	LENS(vm, name, "Information/Name"),    LENS(vm, uuid, "Information/UUID"),
	LENS(vm, arch, "System/Architecture"), LENS(vm, machine, "System/Target"),
	LENS(vm, type, "QEMU/Hypervisor"),     LENS(vm, firmware, "QEMU/UEFIBoot"),
};

static const struct lens qemu_disk_lenses[] = {
	LENS(disk, device, "ImageType"),
	LENS(disk, bus, "Interface"),
	LENS(disk, source, "ImageName"),
	LENS(disk, readonly, "ReadOnly"),
};

static const struct lens legacy_vm_lenses[] = {
	LENS(vm, uuid, "System/SystemUUID"),   LENS(vm, arch, "System/Architecture"),
	LENS(vm, machine, "System/Target"),    LENS(vm, type, "System/UseHypervisor"),
	LENS(vm, firmware, "System/BootUefi"),
};

static const struct lens legacy_disk_lenses[] = {
	LENS(disk, device, "ImageType"),
	LENS(disk, bus, "InterfaceType"),
	LENS(disk, source, "ImagePath"),
	LENS(disk, readonly, "Removable"),
};

static const struct lens apple_vm_lenses[] = {
	LENS(vm, name, "Information/Name"),
	LENS(vm, uuid, "Information/UUID"),
	LENS(vm, arch, "System/Architecture"),
	LENS(vm, firmware, "System/Boot/UEFIBoot"),
};

static const struct lens apple_disk_lenses[] = {
	LENS(disk, bus, "Nvme"),
	LENS(disk, source, "ImageName"),
	LENS(disk, readonly, "ReadOnly"),
};

/* The model's word for UTM's; theirs NULL: for one that is not there. */
struct word_pair {
	const char *theirs, *ours;
};

static const struct word_pair qemu_devices[] = { { "Disk", "disk" },
						 { "CD", "cdrom" },
						 { NULL, NULL } };
static const struct word_pair legacy_devices[] = { { "cd", "cdrom" },
						   { "disk", "disk" },
						   { NULL, "disk" } };
static const struct word_pair apple_devices[] = { { NULL, "disk" } };
static const struct word_pair qemu_buses[] = { { "IDE", "ide" },   { "SCSI", "scsi" },
					       { "USB", "usb" },   { "VirtIO", "virtio" },
					       { "NVMe", "nvme" }, { "Floppy", "fdc" },
					       { "SD", "sd" },     { NULL, NULL } };
static const struct word_pair legacy_buses[] = {
	{ "ide", "ide" },   { "scsi", "scsi" },  { "usb", "usb" }, { "virtio", "virtio" },
	{ "nvme", "nvme" }, { "floppy", "fdc" }, { "sd", "sd" },   { NULL, NULL }
};
static const struct word_pair apple_buses[] = { { "true", "nvme" },
						{ "false", "virtio" },
						{ NULL, "virtio" } };
/* Without a hypervisor that serves its architecture it is QEMU all the same. */
static const struct word_pair qemu_types[] = { { "true", "hvf" },
					       { "false", "qemu" },
					       { NULL, "qemu" } };
static const struct word_pair apple_types[] = { { NULL, "vz" } };
static const struct word_pair firmwares[] = { { "true", "efi" },
					      { "false", "bios" },
					      { NULL, NULL } };
/* Virtualization.framework has no BIOS: else it is a kernel, or macOS' own. */
static const struct word_pair apple_firmwares[] = { { "true", "efi" }, { NULL, NULL } };

#define TABLE(t) (t), sizeof(t) / sizeof((t)[0])

struct dialect {
	const struct lens *vm;
	size_t nvm;
	const struct lens *disk;
	size_t ndisk;
	const struct word_pair *types, *firmwares, *devices,
		*buses;             /* up to theirs NULL */
	const char *drives, *image; /* a list of the root; in an item of it a name */
	const char *args_in, *args; /* a list of a member of the root; NULL: none */
	const char *folder;         /* of the bundle, where images are */
};

static const struct dialect dialects[] = {
	[UTM_LEGACY] = { TABLE(legacy_vm_lenses), TABLE(legacy_disk_lenses), qemu_types,
			 firmwares, legacy_devices, legacy_buses, "Drives", "ImagePath",
			 "System", "AddArgs", "Images" },
	[UTM_QEMU] = { TABLE(qemu_vm_lenses), TABLE(qemu_disk_lenses), qemu_types,
		       firmwares, qemu_devices, qemu_buses, "Drive", "ImageName", "QEMU",
		       "AdditionalArguments", "Data" },
	[UTM_APPLE] = { TABLE(apple_vm_lenses), TABLE(apple_disk_lenses), apple_types,
			apple_firmwares, apple_devices, apple_buses, "Drive", "ImageName",
			NULL, NULL, "Data" },
};

/* ---- facts ---- */

static void unknown(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_UNKNOWN, .at = at };
}

static void absent(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_ABSENT, .at = at };
}

static const struct node *child_of(const struct node *n, const char *key,
				   enum node_kind kind)
{
	const struct node *c = n ? node_child(n, key) : NULL;

	return c && c->kind == kind ? c : NULL;
}

/* <true/> has no text, and is shown itself. */
static struct span place_of(const struct fact *f, const struct node *owner)
{
	const struct node *n = f->lens ? lens_find(f->lens, f->owner) : NULL;

	if (!f->lens)
		return owner->open_at;
	return n && n->type == SCALAR_BOOL ? n->open_at : f->at;
}

/* What has no word in the model is unknown. No lens is left: UTM's word is another. */
static void translate(struct fact *f, const struct word_pair *words,
		      const struct node *owner)
{
	struct span at = place_of(f, owner);
	bool known = f->state == FACT_KNOWN;

	for (; known && words->theirs; words++) {
		if (str_is(f->v, words->theirs)) {
			qemu_say(f, words->ours, at, owner);
			return;
		}
	}
	while (words->theirs)
		words++;
	if (words->ours && f->state == FACT_ABSENT)
		qemu_say(f, words->ours, at, owner);
	else
		unknown(f, at);
}

/* ---- drives ---- */

/* Firmware, a kernel, ... are files for QEMU, and no drives. */
static bool is_drive(const struct node *n, enum utm_kind kind)
{
	const struct node *type = child_of(n, "ImageType", NODE_SCALAR);

	if (n->kind != NODE_MAP)
		return false;
	switch (kind) {
	case UTM_APPLE:
		return true;
	case UTM_QEMU:
		return type && (str_is(type->text, "Disk") || str_is(type->text, "CD"));
	case UTM_LEGACY:
		return !type || str_is(type->text, "disk") || str_is(type->text, "cd");
	}
	BUG("kind %u", kind);
}

static void read_type(struct disk *d, const struct dialect *in, const struct node *n)
{
	const struct node *cdrom = child_of(n, "Cdrom", NODE_SCALAR);

	translate(&d->device, in->devices, n);
	translate(&d->bus, in->buses, n);
	if (fact_is(&d->bus, "fdc"))
		qemu_say(&d->device, "floppy", d->device.at, n);
	else if (cdrom && str_is(cdrom->text, "true") && !node_child(n, "ImageType"))
		qemu_say(&d->device, "cdrom", cdrom->text_at, n);
	qemu_say(&d->type, "file", n->open_at, n);
}

static void read_drive(struct disk *d, const struct node *n, const struct vm *vm,
		       const struct dialect *in)
{
	struct span at = n->open_at;

	d->vm = vm;
	d->node = n;
	lens_read(in->disk, in->ndisk, n, d);
	read_type(d, in, n);
	/* A name within the bundle; without one it is what the user inserts. */
	if (fact_absent(&d->source)) {
		unknown(&d->source, at);
		if (fact_absent(&d->readonly))
			qemu_say(&d->readonly, "true", at, n);
	}
	qemu_switch(&d->readonly);
	absent(&d->format, at); /* UTM never says: QEMU finds out */
	unknown(&d->cache, at);
	unknown(&d->io, at);
	unknown(&d->discard, at);
	unknown(&d->locking, at); /* UTM's version and preferences decide */
	unknown(&d->backing, at);
	unknown(&d->backing_locking, at);
	absent(&d->shareable, at);
	absent(&d->transient, at);
	absent(&d->target, at);
	absent(&d->logical_block_size, at);
	absent(&d->physical_block_size, at);
	absent(&d->size, at);
	absent(&d->iothread, at);
	absent(&d->controller, at);
}

static bool read_drives(struct vm *vm, const struct utm *utm, struct arena *a)
{
	const struct dialect *in = &dialects[utm->kind];
	const struct node *list = child_of(utm->root, in->drives, NODE_LIST);
	struct disk *disks;
	size_t n = 0;

	if (!list)
		return true;
	for_each_node (c, list)
		n += is_drive(c, utm->kind);
	disks = n ? arena_try_array(a, n, struct disk) : NULL;
	if (!disks)
		return n == 0;
	vm->disks = disks;
	for_each_node (c, list) {
		if (is_drive(c, utm->kind))
			read_drive(&disks[vm->ndisks++], c, vm, in);
	}
	return true;
}

/* ---- the VM ---- */

static bool read_args(struct vm *vm, const struct utm *utm, struct unit *u)
{
	const struct dialect *in = &dialects[utm->kind];
	struct qemu_args args = qemu_args_in(u->text, &u->arena);
	const struct node *list = NULL;

	if (in->args)
		list = child_of(child_of(utm->root, in->args_in, NODE_MAP), in->args,
				NODE_LIST);
	if (!list)
		return true;
	for_each_node (c, list) {
		if (c->kind == NODE_SCALAR)
			qemu_args_add(&args, c, c->whole, SPLIT_UTM);
	}
	return qemu_args_vm(&args, vm, u->host);
}

static struct fact *file_of(struct vm *vm, struct str type)
{
	if (str_is(type, "LinuxKernel") || str_is(type, "kernel"))
		return &vm->kernel;
	return str_is(type, "LinuxInitrd") || str_is(type, "initrd") ? &vm->initrd : NULL;
}

/* Firmware and kernels are drives as well, with an image. */
static void read_start(struct vm *vm, const struct utm *utm)
{
	const struct dialect *in = &dialects[utm->kind];
	const struct node *list = child_of(utm->root, in->drives, NODE_LIST);
	struct span at = utm->root->open_at;

	absent(&vm->loader, at);
	absent(&vm->loader_type, at);
	absent(&vm->kernel, at);
	absent(&vm->initrd, at);
	unknown(&vm->nvram, at);
	unknown(&vm->nvram_template, at);
	unknown(&vm->secure_boot, at);
	for (const struct node *c = list ? list->first : NULL; c; c = c->next) {
		const struct node *type = child_of(c, "ImageType", NODE_SCALAR);
		const struct node *name = child_of(c, in->image, NODE_SCALAR);
		bool rom = type &&
			   (str_is(type->text, "BIOS") || str_is(type->text, "bios"));
		struct fact *to;

		if (!type || !name)
			continue;
		to = rom ? &vm->loader : file_of(vm, type->text);
		if (to)
			*to = (struct fact){ .state = FACT_KNOWN,
					     .v = name->text,
					     .at = name->text_at };
		if (rom)
			qemu_say(&vm->loader_type, "rom", type->text_at, c);
	}
}

static bool read_vm(struct unit *u, const struct node *root, enum utm_kind kind)
{
	const struct dialect *in = &dialects[kind];
	struct utm *utm = arena_try_new(&u->arena, struct utm);
	struct vm *vm = arena_try_new(&u->arena, struct vm);
	struct span at = root->open_at;
	const struct lens *lens;

	if (!utm || !vm)
		return false;
	*utm = (struct utm){ .kind = kind,
			     .root = root,
			     .vm = vm,
			     .version = host_version(u->host, "utm") };
	vm->flavour = FLAVOUR_UTM;
	vm->node = root;
	vm->folder = in->folder;
	lens_read(in->vm, in->nvm, root, vm);
	translate(&vm->type, in->types, root);
	lens = vm->firmware.lens;
	translate(&vm->firmware, in->firmwares, root);
	vm->firmware.lens = lens; /* set with UTM's words, true and false */
	if (kind == UTM_LEGACY)
		unknown(&vm->name, at); /* the bundle's */
	if (kind == UTM_APPLE)
		absent(&vm->machine, at);
	read_start(vm, utm);
	unknown(&vm->emulator, at);
	unknown(&vm->acpi, at);
	unknown(&vm->ioapic, at);
	unknown(&vm->irqchip, at);
	vm->utm = utm;
	u->vms = vm;
	u->nvms = 1;
	return read_drives(vm, utm, &u->arena) && read_args(vm, utm, u);
}

/* ---- the format ---- */

static bool has_all(struct view head, const char *const *names)
{
	while (*names && plist_root_has(head, *names))
		names++;
	return !*names;
}

static bool probe_utm(struct view head, const struct source *s)
{
	static const char *const now[] = { "Backend", "ConfigurationVersion", NULL };
	static const char *const legacy[] = { "ConfigurationVersion", "Drives", "System",
					      NULL };
	static const char *const apple[] = { "isAppleVirtualization", "diskImages",
					     NULL };

	if (plist_is_binary(head) ? s->size > head.n : !plist_is_xml(head))
		return false;
	return has_all(head, now) || has_all(head, legacy) || has_all(head, apple);
}

/* Why nothing is read of it; NULL: it is of that kind. */
static const char *kind_of(const struct node *root, enum utm_kind *kind, struct arena *a)
{
	const struct node *backend = child_of(root, "Backend", NODE_SCALAR);
	const struct node *version = child_of(root, "ConfigurationVersion", NODE_SCALAR);
	struct str v = version ? version->text : STR("0");

	if (node_child(root, "isAppleVirtualization"))
		return "it is of UTM 3 with Apple's framework; UTM 4 saves it anew";
	if (!backend || str_is(backend->text, "Unknown"))
		*kind = UTM_LEGACY;
	else if (str_is(backend->text, "QEMU"))
		*kind = UTM_QEMU;
	else if (str_is(backend->text, "Apple"))
		*kind = UTM_APPLE;
	else
		return arena_printf(a, "its Backend is '%s', expected QEMU or Apple",
				    str_shown(a, backend->text));
	if (*kind == UTM_LEGACY ? str_is(v, "0") || str_is(v, "1") || str_is(v, "2")
				: str_is(v, "4"))
		return NULL;
	return arena_printf(a, "its ConfigurationVersion is '%s', expected %s",
			    str_shown(a, v),
			    *kind == UTM_LEGACY ? "2 where it has no Backend" : "4");
}

static int read_utm(struct unit *u, struct err *e)
{
	enum utm_kind kind;
	struct node *root;

	if (plist_is_binary(u->head))
		u->src.read_only = PLIST_BINARY;
	if (unit_read_text(u, e) != 0 ||
	    plist_read(&u->src, u->text, &u->arena, &root, &u->syntax, e) != 0)
		return -1;
	u->doc = root;
	if (!root || root->kind != NODE_MAP)
		return 0;
	u->skip_reason = kind_of(root, &kind, &u->arena);
	if (!u->skip_reason && !read_vm(u, root, kind))
		return err_set(e, ERR_LIMIT, "has more words than memory is allowed for");
	return 0;
}

const struct format format_utm = {
	.name = "utm",
	.title = "UTM configuration",
	.kind = FORMAT_TEXT,
	.probe = probe_utm,
	.read = read_utm,
};
