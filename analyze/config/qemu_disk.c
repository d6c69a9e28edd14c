/* Disks of a QEMU command line: -drive and -blockdev with the device in front of them, and
 * the short forms (-hda, -cdrom, ...).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/qemu_override.h"
#include "analyze/host.h"

#include "base/banned.h"

static const struct lens drive_lenses[] = {
	LENS(disk, device, "media"),
	LENS(disk, source, "file|file.filename"),
	LENS(disk, format, "format|driver"),
	LENS(disk, target, "id"),
	LENS(disk, bus, "if"),
	LENS(disk, cache, "cache"),
	LENS(disk, io, "aio"),
	LENS(disk, discard, "discard"),
	LENS(disk, readonly, "readonly|read-only"),
	LENS(disk, transient, "snapshot"),
	LENS(disk, locking, "file.locking"),
	LENS(disk, backing, "backing.file.filename|backing.file"),
	LENS(disk, backing_format, "backing.driver"),
	LENS(disk, backing_locking, "backing.file.locking"),
};

/* A node of the block graph: a format with its file in one, or a file alone. */
static const struct lens blockdev_lenses[] = {
	LENS(disk, source, "file.filename"), LENS(disk, format, "driver"),
	LENS(disk, target, "node-name"),     LENS(disk, io, "file.aio"),
	LENS(disk, discard, "discard"),      LENS(disk, readonly, "read-only"),
	LENS(disk, locking, "file.locking"),
};

/* The same in JSON, where what is below is an object. */
static const struct lens json_lenses[] = {
	LENS(disk, source, "file/filename"),
	LENS(disk, format, "driver"),
	LENS(disk, target, "node-name"),
	LENS(disk, io, "file/aio"),
	LENS(disk, discard, "discard"),
	LENS(disk, readonly, "read-only"),
	LENS(disk, locking, "file/locking"),
	LENS(disk, backing, "backing/file/filename"),
	LENS(disk, backing_format, "backing/driver"),
	LENS(disk, backing_locking, "backing/file/locking"),
};

/* The file below a format, as a node of its own. */
static const struct lens file_lenses[] = {
	LENS(disk, source, "filename"),
	LENS(disk, io, "aio"),
	LENS(disk, locking, "locking"),
};

static const struct lens device_lenses[] = {
	LENS(disk, shareable, "share-rw"),
	LENS(disk, logical_block_size, "logical_block_size"),
	LENS(disk, physical_block_size, "physical_block_size"),
	LENS(disk, boot_index, "bootindex"),
};

#define N(table)                   (sizeof(table) / sizeof((table)[0]))
#define READ(table, owner, object) lens_read((table), N(table), (owner), (object))

/* -hda and the like: the value is a file name, whatever is in it. */
struct short_form {
	const char *name, *device, *bus;
};

static const struct short_form short_forms[] = {
	{ "", "disk", NULL },
	{ "hda", "disk", NULL },
	{ "hdb", "disk", NULL },
	{ "hdc", "disk", NULL },
	{ "hdd", "disk", NULL },
	{ "cdrom", "cdrom", NULL },
	{ "fda", "floppy", "floppy" },
	{ "fdb", "floppy", "floppy" },
	{ "sd", "disk", "sd" },
	{ "mtdblock", "disk", "mtd" },
	{ "pflash", "pflash", "pflash" },
};

static const struct short_form *short_form(struct str name)
{
	for (size_t i = 0; i < N(short_forms); i++) {
		if (str_is(name, short_forms[i].name))
			return &short_forms[i];
	}
	return NULL;
}

/* ---- joining -drive and -device ---- */

static bool is_text(const struct node *n, struct str text)
{
	return n && n->kind == NODE_SCALAR && str_eq(n->text, text);
}

/* The -device in front of the drive or node of that name. */
static const struct qemu_option *device_of(const struct qemu_command *c, struct str id)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (str_is(o->name, "device") && is_text(qemu_opt(o, "drive"), id))
			return o;
	}
	return NULL;
}

/* A -blockdev that another one or a -drive uses is a part of that. */
static bool is_part(const struct qemu_command *c, const struct qemu_option *blockdev)
{
	static const char *const links[] = { "file", "backing", "data-file", "target" };
	const struct node *name = qemu_opt(blockdev, "node-name");

	for (size_t i = 0; name && i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (o == blockdev || !o->opts || !str_is(o->name, "blockdev"))
			continue;
		for (size_t k = 0; k < N(links); k++) {
			if (is_text(qemu_opt(o, links[k]), name->text))
				return true;
		}
	}
	return false;
}

static const struct qemu_option *blockdev_named(const struct qemu_command *c,
						const struct node *name)
{
	for (size_t i = 0; name && i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (str_is(o->name, "blockdev") &&
		    is_text(qemu_opt(o, "node-name"), name->text))
			return o;
	}
	return NULL;
}

/* ---- what the words imply ---- */

static void unknown(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_UNKNOWN, .at = at };
}

static void absent(struct fact *f, struct span at)
{
	*f = (struct fact){ .state = FACT_ABSENT, .at = at };
}

struct driver {
	const char *driver, *device, *bus;
};

static const struct driver drivers[] = {
	{ "ide-cd", "cdrom", "sata" },   { "scsi-cd", "cdrom", "scsi" },
	{ "ide-hd", "disk", "sata" },    { "scsi-hd", "disk", "scsi" },
	{ "floppy", "floppy", "fdc" },   { "nvme", "disk", "nvme" },
	{ "nvme-ns", "disk", "nvme" },   { "usb-storage", "disk", "usb" },
	{ "scsi-block", "lun", "scsi" }, { "sd-card", "disk", "sd" },
};

static void read_driver(struct disk *d, const struct qemu_option *device)
{
	const struct node *n = qemu_opt(device, "driver");

	if (!n || n->kind != NODE_SCALAR) {
		unknown(&d->bus, device->opts->open_at);
		return;
	}
	if (str_starts(n->text, "virtio-blk"))
		qemu_say(&d->bus, "virtio", n->text_at, device->opts);
	for (size_t i = 0; i < N(drivers); i++) {
		if (!str_is(n->text, drivers[i].driver))
			continue;
		qemu_say(&d->bus, drivers[i].bus, n->text_at, device->opts);
		if (!fact_is(&d->device, "cdrom"))
			qemu_say(&d->device, drivers[i].device, n->text_at, device->opts);
	}
}

static void read_device(struct disk *d, const struct qemu_option *o,
			const struct qemu_command *c)
{
	const struct qemu_option *device =
		fact_known(&d->target) ? device_of(c, d->target.v) : NULL;
	struct span at = d->node->open_at;

	if (device) {
		READ(device_lenses, device->opts, d);
		read_driver(d, device);
		qemu_switch(&d->shareable);
		return;
	}
	absent(&d->shareable, at);
	absent(&d->logical_block_size, at);
	absent(&d->physical_block_size, at);
	absent(&d->boot_index, at);
	/* The device may be among what is not seen; a -drive has one unless it says none. */
	if (c->open && (str_is(o->name, "blockdev") || fact_is(&d->bus, "none"))) {
		unknown(&d->shareable, at);
		unknown(&d->logical_block_size, at);
		unknown(&d->physical_block_size, at);
		if (fact_absent(&d->device))
			unknown(&d->device, at);
	}
}

/* file=json:{...}: what is in it is not read, and it says more than the name. */
static void hide_json_name(struct disk *d)
{
	struct fact *const facts[] = { &d->source,        &d->format,
				       &d->locking,       &d->io,
				       &d->backing,       &d->readonly,
				       &d->discard,       &d->backing_locking,
				       &d->backing_format };

	if (!fact_known(&d->source) || !str_starts(d->source.v, "json:"))
		return;
	for (size_t i = 0; i < N(facts); i++) {
		facts[i]->state = FACT_UNKNOWN;
		facts[i]->at = d->source.at;
	}
}

/* Where the image is kept, as its name says: QEMU's protocols, block/. */
static void read_type(struct disk *d)
{
	struct str s = d->source.v;
	const char *colon, *slash;

	d->type = (struct fact){ .state = d->source.state, .at = d->source.at };
	if (!fact_known(&d->source))
		return;
	colon = memchr(s.p, ':', s.n);
	slash = memchr(s.p, '/', s.n);
	d->type.v = STR("file");
	if (str_starts(s, "/dev/"))
		d->type.v = STR("block");
	else if (str_starts(s, "fat:"))
		d->type.v = STR("dir");
	else if (colon && (!slash || colon < slash) && !str_starts(s, "file:"))
		d->type.v = STR("network");
}

static void find_mount(struct disk *d, const struct host *host)
{
	if (fact_is(&d->type, "file"))
		d->mount = host_mount_of(host, d->source.v);
	if (fact_known(&d->backing))
		d->backing_mount = host_mount_of(host, d->backing.v);
}

/* cache= is short for three others, which may be given as well. */
static void read_cache(struct disk *d, const struct node *opts)
{
	const struct node *direct = NULL;

	for_each_node (n, opts) {
		if (str_is(n->key, "cache.direct"))
			direct = n;
		else if (str_is(n->key, "cache"))
			direct = NULL;
	}
	if (!direct)
		return;
	if (direct->kind != NODE_SCALAR)
		unknown(&d->cache, direct->text_at);
	else if (str_is(direct->text, "on"))
		qemu_say(&d->cache, "none", direct->text_at, opts);
	else if (!fact_is(&d->cache, "unsafe"))
		qemu_say(&d->cache, "writeback", direct->text_at, opts);
}

/* ---- -set and -global ---- */

static void apply_set(struct disk *d, const struct qemu_command *c)
{
	struct qemu_override s;

	for (size_t i = 0; i < c->noptions; i++) {
		if (qemu_override_of(&s, &c->options[i]) &&
		    (s.any || (str_is(s.group, "drive") && fact_known(&d->target) &&
			       str_eq(s.id, d->target.v))))
			qemu_override_facts(drive_lenses, N(drive_lenses), d, &s);
	}
}

/* The device in front of it; NULL: QEMU makes one of its own for if=virtio. */
static void apply_global(struct disk *d, const struct qemu_command *c,
			 const struct qemu_option *device)
{
	const struct node *driver = device ? qemu_opt(device, "driver") : NULL;
	const struct node *id = device ? qemu_opt(device, "id") : NULL;
	struct str name = driver ? driver->text : STR("");
	struct qemu_override s;

	if (!device && fact_is(&d->bus, "virtio"))
		name = STR("virtio-blk-pci");
	for (size_t i = 0; i < c->noptions; i++) {
		if (qemu_override_of(&s, &c->options[i]) &&
		    (s.any || (s.driver.n && str_eq(s.driver, name)) ||
		     (str_is(s.group, "device") && is_text(id, s.id))))
			qemu_override_facts(device_lenses, N(device_lenses), d, &s);
	}
}

/* ---- one disk ---- */

static void read_drive(struct disk *d, const struct qemu_option *o)
{
	READ(drive_lenses, o->opts, d);
	d->node = o->opts;
	read_cache(d, o->opts);
	if (fact_is(&d->bus, "floppy"))
		qemu_say(&d->device, "floppy", d->bus.at, o->opts);
	else if (fact_is(&d->bus, "pflash"))
		qemu_say(&d->device, "pflash", d->bus.at, o->opts);
}

static void read_blockdev(struct disk *d, const struct qemu_option *o,
			  const struct qemu_command *c)
{
	const struct node *file = qemu_opt(o, "file");
	const struct qemu_option *below =
		blockdev_named(c, file && file->kind == NODE_SCALAR ? file : NULL);
	const struct node *driver = qemu_opt(o, "driver");
	struct span at = o->opts->open_at;

	if (o->opts->syntax == SYNTAX_QEMU_JSON)
		READ(json_lenses, o->opts, d);
	else
		READ(blockdev_lenses, o->opts, d);
	d->node = o->opts;
	if (below)
		READ(file_lenses, below->opts, d);
	else if (is_text(driver, STR("file")) || is_text(driver, STR("host_device")))
		READ(file_lenses, o->opts, d);
	else if (file && file->kind != NODE_MAP)
		unknown(&d->locking, at);
	/* cache.direct=, cache.no-flush=: of each node, and never "unsafe" by a short name. */
	unknown(&d->cache, at);
	absent(&d->device, at);
	absent(&d->bus, at);
	absent(&d->transient, at);
}

static bool read_short(struct disk *d, const struct qemu_option *o)
{
	const struct short_form *form = short_form(o->name);
	struct fact none;

	if (!form || !o->value)
		return false;
	absent(&none, o->value->at);
	d->format = d->target = d->bus = d->cache = d->io = d->discard = none;
	d->readonly = d->transient = d->locking = none;
	d->backing = d->backing_locking = d->backing_format = none;
	d->node = o->value_node ? o->value_node : o->node;
	d->source = (struct fact){
		.state = word_unknown(o->value, 0, o->value->text.n) ? FACT_UNKNOWN
								     : FACT_KNOWN,
		.v = o->value->text,
		.at = o->value->nparts ? word_span(o->value, 0, o->value->text.n)
				       : o->value->at,
		.owner = d->node,
	};
	qemu_say(&d->device, form->device, o->word->at, d->node);
	if (form->bus)
		qemu_say(&d->bus, form->bus, o->word->at, d->node);
	return d->node != NULL;
}

static bool is_disk(const struct qemu_command *c, const struct qemu_option *o)
{
	if (str_is(o->name, "drive"))
		return o->opts != NULL;
	if (str_is(o->name, "blockdev"))
		return o->opts && !is_part(c, o);
	return short_form(o->name) && o->value && (o->value_node || o->node);
}

size_t qemu_count_disks(const struct qemu_command *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->noptions; i++)
		n += is_disk(c, &c->options[i]);
	return n;
}

static void read_disk(struct disk *d, const struct qemu_option *o,
		      const struct qemu_command *c)
{
	if (str_is(o->name, "drive"))
		read_drive(d, o);
	else if (str_is(o->name, "blockdev"))
		read_blockdev(d, o, c);
	else
		read_short(d, o);
	hide_json_name(d);
	apply_set(d, c);
	qemu_switch(&d->readonly);
	qemu_switch(&d->transient);
	read_device(d, o, c);
	apply_global(d, c, fact_known(&d->target) ? device_of(c, d->target.v) : NULL);
	if (qemu_option(c, "snapshot") && fact_absent(&d->transient))
		qemu_say(&d->transient, "yes", qemu_option(c, "snapshot")->word->at,
			 d->node);
}

void qemu_read_disks(struct vm *vm, struct disk *disks, const struct qemu_command *c,
		     const struct host *host)
{
	for (size_t i = 0; i < c->noptions; i++) {
		struct disk *d = &disks[vm->ndisks];

		if (!is_disk(c, &c->options[i]))
			continue;
		read_disk(d, &c->options[i], c);
		d->vm = vm;
		read_type(d);
		find_mount(d, host);
		vm->ndisks++;
	}
	vm->disks = disks;
}
