/* Properties that are set beside the device: -set, -global, libvirt's <qemu:override>.
 * QEMU: softmmu/vl.c, qemu_set_option(); qemu-options.hx, -global, -set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_override.h"
#include "analyze/config/lens.h"

#include "base/banned.h"

/* ---- the words ---- */

static struct str cut(struct str s, size_t from, size_t to)
{
	return (struct str){ s.p + from, to - from };
}

static size_t find(struct str s, size_t from, char c)
{
	while (from < s.n && s.p[from] != c)
		from++;
	return from;
}

/* group.id.property=value, driver.property=value. False: it is none. */
static bool read_short(struct qemu_override *o, const struct word *w, bool global)
{
	size_t equals = find(w->text, 0, '='), first, second;
	struct str name = cut(w->text, 0, equals);

	o->any = w->nparts == 0 || word_unknown(w, 0, equals);
	if (o->any) {
		o->value = (struct fact){ .state = FACT_UNKNOWN, .at = w->at };
		return true;
	}
	first = find(name, 0, '.');
	second = find(name, first + 1, '.');
	if (equals == w->text.n || first == name.n || (!global && second >= name.n))
		return false;
	*(global ? &o->driver : &o->group) = cut(name, 0, first);
	if (!global)
		o->id = cut(name, first + 1, second);
	o->property = cut(name, (global ? first : second) + 1, name.n);
	o->value = (struct fact){
		.state = word_unknown(w, equals + 1, w->text.n) ? FACT_UNKNOWN
								: FACT_KNOWN,
		.v = cut(w->text, equals + 1, w->text.n),
		.at = word_span(w, equals + 1, w->text.n),
	};
	return true;
}

static bool is_text(const struct node *n)
{
	return n && n->kind == NODE_SCALAR;
}

/* driver=,property=,value= of -global, in a word or in a section of a file. */
static bool read_long(struct qemu_override *o, const struct qemu_option *option)
{
	const struct node *driver = qemu_opt(option, "driver");
	const struct node *property = qemu_opt(option, "property");
	const struct node *value = qemu_opt(option, "value");

	if (!driver || !property || !value)
		return false;
	o->any = !is_text(driver) || !is_text(property);
	o->driver = driver->text;
	o->property = property->text;
	o->value = (struct fact){ .state = is_text(value) ? FACT_KNOWN : FACT_UNKNOWN,
				  .v = value->text,
				  .at = value->text_at };
	return true;
}

bool qemu_override_of(struct qemu_override *o, const struct qemu_option *option)
{
	bool global = str_is(option->name, "global");

	*o = (struct qemu_override){ 0 };
	if (!global && !str_is(option->name, "set"))
		return false;
	if (option->opts && read_long(o, option))
		return true;
	return option->value && read_short(o, option->value, global);
}

static bool is_named_by(const struct lens *l, struct str property)
{
	struct lens_path path;

	for (size_t i = 0; lens_path(l, i, &path); i++) {
		if (path.n == 1 && str_eq(path.steps[0], property))
			return true;
	}
	return false;
}

void qemu_override_facts(const struct lens *table, size_t n, void *object,
			 const struct qemu_override *o)
{
	for (size_t i = 0; i < n; i++) {
		struct fact *f = (void *)((char *)object + table[i].offset);

		/* What the device itself says counts more than what its kind has. */
		if (o->any || (is_named_by(&table[i], o->property) &&
			       (!o->driver.n || f->state == FACT_ABSENT)))
			*f = o->value;
	}
}

/* ---- a VM that the words are added to ---- */

#define DISK(name, member)                                                               \
	{                                                                                \
		name, offsetof(struct disk, member)                                      \
	}
#define IOMMU(name, member)                                                              \
	{                                                                                \
		name, offsetof(struct iommu, member)                                     \
	}

struct property {
	const char *name;
	size_t offset; /* of the fact that it decides */
};

static const struct property of_disks[] = {
	DISK("share-rw", shareable),
	DISK("logical_block_size", logical_block_size),
	DISK("physical_block_size", physical_block_size),
};

static const struct property of_drives[] = {
	DISK("cache", cache),          DISK("cache.direct", cache),
	DISK("cache.no-flush", cache), DISK("aio", io),
	DISK("discard", discard),      DISK("readonly", readonly),
	DISK("read-only", readonly),   DISK("snapshot", transient),
	DISK("format", format),        DISK("driver", format),
	DISK("file", source),          DISK("media", device),
};

static const struct property of_iommus[] = {
	IOMMU("intremap", intremap),
	IOMMU("caching-mode", caching_mode),
	IOMMU("eim", eim),
	IOMMU("device-iotlb", iotlb),
	IOMMU("aw-bits", aw_bits),
	IOMMU("x-aw-bits", aw_bits),
	IOMMU("dma-translation", dma_translation),
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void doubt(const struct property *table, size_t n, void *object,
		  const struct qemu_override *o)
{
	for (size_t i = 0; i < n; i++) {
		struct fact *f = (void *)((char *)object + table[i].offset);

		if (!o->any && !str_is(o->property, table[i].name))
			continue;
		if (!o->any && o->driver.n && f->state != FACT_ABSENT)
			continue;
		f->state = FACT_UNKNOWN;
		f->at = o->value.at;
		f->v = o->value.v;
		f->lens = NULL;
	}
}

/* vda is 0, vdaa is 26. */
static bool index_of(struct str target, uint64_t *index)
{
	*index = 0;
	if (target.n < 3 || target.n > 8)
		return false;
	for (size_t i = 2; i < target.n; i++) {
		if (target.p[i] < 'a' || target.p[i] > 'z')
			return false;
		*index = *index * 26 + (uint64_t)(target.p[i] - 'a') + 1;
	}
	--*index;
	return true;
}

/* libvirt's names for devices, by what they are. */
static bool is_of_bus(const struct disk *d, struct str id)
{
	static const char *const names[][2] = {
		{ "virtio-disk", "virtio" },
		{ "scsi", "scsi" },
		{ "sata", "sata" },
		{ "ide", "ide" },
		{ "fdc", "fdc" },
		{ "usb-disk", "usb" },
	};

	for (size_t i = 0; i < N(names); i++) {
		if (str_starts(id, names[i][0]))
			return !fact_known(&d->bus) || fact_is(&d->bus, names[i][1]);
	}
	return true;
}

/* May the device of that name be this disk? Only a virtio disk's name follows from what
 * everybody writes; one that its owner chose begins with ua-. */
static bool may_be(const struct disk *d, struct str id)
{
	const struct node *alias = node_child(d->node, "alias");
	const struct node *name = alias ? node_attr(alias, "name") : NULL;
	uint64_t index, number;

	if (d->vm->flavour != FLAVOUR_LIBVIRT)
		return true;
	if (name && str_starts(name->text, "ua-"))
		return str_eq(name->text, id);
	if (str_starts(id, "ua-") || !is_of_bus(d, id))
		return false;
	if (!fact_is(&d->bus, "virtio") || !fact_known(&d->target) ||
	    !index_of(d->target.v, &index) || !str_starts(id, "virtio-disk"))
		return true;
	return !str_u64(cut(id, 11, id.n), &number) || number == index;
}

/* May it be a device of that kind? */
static bool may_be_driver(const struct disk *d, struct str driver)
{
	static const char *const kinds[][2] = {
		{ "virtio-blk", "virtio" }, { "scsi-", "scsi" }, { "scsi-", "usb" },
		{ "ide-", "ide" },          { "ide-", "sata" },  { "usb-", "usb" },
		{ "floppy", "fdc" },        { "nvme", "nvme" },
	};
	bool known = false;

	for (size_t i = 0; i < N(kinds); i++) {
		if (!str_starts(driver, kinds[i][0]))
			continue;
		known = true;
		if (!fact_known(&d->bus) || fact_is(&d->bus, kinds[i][1]))
			return true;
	}
	return !known;
}

static void doubt_disk(struct disk *d, const struct qemu_override *o)
{
	struct str id = o->id;

	if (o->any) {
		doubt(of_drives, N(of_drives), d, o);
		doubt(of_disks, N(of_disks), d, o);
	} else if (str_is(o->group, "drive")) {
		if (str_starts(id, "drive-"))
			id = cut(id, 6, id.n);
		if (may_be(d, id))
			doubt(of_drives, N(of_drives), d, o);
	} else if (o->driver.n ? may_be_driver(d, o->driver) : may_be(d, id)) {
		doubt(of_disks, N(of_disks), d, o);
	}
}

enum { OVERRIDES_MAX = 256 }; /* of one VM that are looked at one by one */

bool qemu_override_vm(struct vm *vm, size_t count, const struct qemu_override *o)
{
	struct qemu_override all = { .any = true, .value = o->value };

	if (count > OVERRIDES_MAX)
		return false;
	o = count < OVERRIDES_MAX ? o : &all;
	for (size_t i = 0; i < vm->ndisks; i++)
		doubt_disk(&vm->disks[i], o);
	if (!o->any &&
	    (o->driver.n ? !str_has(o->driver, "iommu") : str_is(o->group, "drive")))
		return true;
	for (size_t i = 0; i < vm->niommus; i++)
		doubt(of_iommus, N(of_iommus), &vm->iommus[i], o);
	return true;
}
