/* What options of QEMU cannot be without: the host's side of a device, an id, a place on the
 * PCI bus, memory that can be shared. QEMU: hw/, net/, qom/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- qemu-missing-option ---- */

struct need {
	const char *option, *models,
		*key; /* models: of -device, or of another's first word */
};

static const struct need needs[] = {
	{ "device",
	  "virtio-blk-pci virtio-blk-device virtio-blk virtio-blk-ccw ide-hd scsi-hd usb-storage "
	  "nvme-ns virtio-blk-pci-non-transitional",
	  "drive" },
	{ "device", "virtio-9p-pci virtio-9p virtio-9p-device virtio-9p-ccw",
	  "mount_tag" },
	{ "device",
	  "vhost-user-fs-pci vhost-user-blk-pci vhost-user-fs-device vhost-user-vsock-pci "
	  "vhost-user-scsi-pci",
	  "chardev" },
	{ "device", "vhost-user-fs-pci vhost-user-fs-device vhost-user-fs-ccw", "tag" },
	{ "device", "pc-dimm nvdimm virtio-mem-pci virtio-pmem-pci ivshmem-plain",
	  "memdev" },
	{ "device", "vhost-vsock-pci vhost-vsock-device vhost-vsock-ccw", "guest-cid" },
	{ "netdev", NULL, "id" },
	{ "chardev", NULL, "id" },
	{ "object", NULL, "id" },
	{ "fsdev", NULL, "id" },
	{ "tpmdev", NULL, "id" },
	{ "audiodev", NULL, "id" },
};

static bool may_be_global(const struct vm *vm)
{
	return qemu_option(vm->qemu, "global") || qemu_option(vm->qemu, "set");
}

static bool lacks(const struct vm *vm, const struct qemu_option *o, const struct need *n)
{
	const struct node *model = device_model(o);

	if (!o->opts || !str_is(o->name, n->option) || !arg_absent(o, n->key) ||
	    o->opts->syntax == SYNTAX_INI)
		return false;
	if (!n->models)
		return o->opts->first != NULL;
	return model && str_among(model->text, n->models) && !may_be_global(vm);
}

static void check_missing(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *model = device_model(o);

		for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
			const struct need *n = &needs[i];
			struct finding *f;

			if (!lacks(vm, o, n))
				continue;
			f = report(s, o->opts->whole, "-%s%s%s without %s=", n->option,
				   model ? " " : "", model ? shown(s, model->text) : "",
				   n->key);
			report_label(s, f, "QEMU exits at start: %s is not set", n->key);
		}
	}
}

/* ---- qemu-pci-address ---- */

enum { PCI_SLOTS = 32, PCI_FUNCTIONS = 8 };

static bool hex(struct str s, unsigned *out)
{
	if (str_starts(s, "0x") || str_starts(s, "0X"))
		s = (struct str){ s.p + 2, s.n - 2 };
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
			return false;
		*out = *out * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
		if (*out > 0xffff)
			return false;
	}
	return s.n > 0;
}

struct pci_place {
	unsigned slot, function;
};

/* SLOT or SLOT.FUNCTION, hexadecimal. False: it is none. */
static bool place_of(struct str s, struct pci_place *p)
{
	const char *dot = memchr(s.p, '.', s.n);
	size_t n = dot ? (size_t)(dot - s.p) : s.n;

	p->function = 0;
	if (!hex((struct str){ s.p, n }, &p->slot))
		return false;
	return !dot || hex((struct str){ dot + 1, s.n - n - 1 }, &p->function);
}

/* The address of a PCI device; others have an addr= of their own: of USB, of a port. */
static const struct node *address_of(const struct qemu_option *o)
{
	const struct node *model = device_model(o);

	if (!model || o->opts->syntax == SYNTAX_QEMU_JSON ||
	    str_starts(model->text, "usb-") || str_ends(model->text, "-device") ||
	    str_starts(model->text, "spapr-") || str_ends(model->text, "-ccw"))
		return NULL;
	return arg_known(o, "addr");
}

static bool same_bus(const struct qemu_option *a, const struct qemu_option *b)
{
	const struct node *x = qemu_opt(a, "bus"), *y = qemu_opt(b, "bus");

	if (!x || !y)
		return x == y;
	return x->kind == NODE_SCALAR && y->kind == NODE_SCALAR &&
	       str_eq(x->text, y->text);
}

/* The address of one before it that is the same; NULL: there is none. */
static const struct node *same_place(const struct vm *vm,
				     const struct qemu_option *option,
				     const struct pci_place *p)
{
	for_each_arg (o, vm) {
		struct pci_place other;
		const struct node *n;

		if (o == option)
			break;
		n = address_of(o);
		if (n && same_bus(o, option) && place_of(n->text, &other) &&
		    other.slot == p->slot && other.function == p->function)
			return n;
	}
	return NULL;
}

static void check_address(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = address_of(o), *first;
		struct pci_place p;
		struct finding *f;

		if (!n || !place_of(n->text, &p))
			continue;
		if (p.slot >= PCI_SLOTS || p.function >= PCI_FUNCTIONS) {
			f = report(
				s, n->whole,
				"addr=%s, expected a slot up to 1f and a function up to 7",
				shown(s, n->text));
			report_label(s, f, "QEMU exits at start");
			continue;
		}
		first = same_place(vm, o, &p);
		if (!first)
			continue;
		f = report(s, n->whole, "slot %x, function %x of this bus is taken",
			   p.slot, p.function);
		report_label(s, f, "QEMU exits at start: the slot is not available");
		report_related(s, f, first->whole, "the device that has it");
	}
}

/* ---- qemu-vhost-user-memory ---- */

static bool shares_memory(const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *type =
			str_is(o->name, "object") ? arg_known(o, "qom-type") : NULL;

		if (str_is(o->name, "object") && (!type || arg_open(o)))
			return true;
		if (!type || !str_starts(type->text, "memory-backend"))
			continue;
		/* Of memfd and shm that is the default, in some versions. */
		if (!str_is(type->text, "memory-backend-file") &&
		    !str_is(type->text, "memory-backend-ram") &&
		    !arg_is(o, "share", "off"))
			return true;
		if (qemu_opt(o, "share") && !arg_is(o, "share", "off"))
			return true;
	}
	return false;
}

static void check_vhost_user(struct scan *s, const struct vm *vm)
{
	if (!args_whole(vm) || shares_memory(vm))
		return;
	for_each_arg (o, vm) {
		const struct node *model = device_model(o);
		struct finding *f;

		if (!model ||
		    !str_among(model->text, "vhost-user-fs-pci vhost-user-blk-pci "
					    "vhost-user-fs-device"))
			continue;
		f = report(s, model->text_at, "%s, and no memory with share=on",
			   shown(s, model->text));
		report_label(s, f,
			     "the other process cannot see the guest's memory, and the "
			     "device does not work");
		return;
	}
}

const struct rule rules_args_need[] = {
	{ .id = "qemu-missing-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an option of QEMU without a key that it needs",
	  .why = "A disk needs its drive=, a share its mount_tag= or tag=, a backend its id=: "
		 "QEMU exits at start.",
	  .steps =
		  "Add what is missing. An empty CD-ROM drive needs none: ide-cd, scsi-cd.",
	  .source =
		  "QEMU, hw/block/block.c, blkconf_blocksizes(); hw/9pfs/9p.c; net/net.c",
	  .since = "0.1.0",
	  CHECK(vm, check_missing) },
	{ .id = "qemu-pci-address",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a PCI address that two devices have, or that cannot be",
	  .why = "addr= is SLOT.FUNCTION in hexadecimal digits, up to 1f.7, and one device's "
		 "on its bus: QEMU exits at start.",
	  .steps =
		  "Leave addr= out, and QEMU finds a free slot; or give another one. 10 is "
		  "slot 16.",
	  .source = "QEMU, hw/pci/pci.c, do_pci_register_device(); "
		    "hw/core/qdev-properties-system.c, set_pci_devfn()",
	  .since = "0.1.0",
	  CHECK(vm, check_address) },
	{ .id = "qemu-vhost-user-memory",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a vhost-user device without memory that it can share",
	  .why = "virtiofsd and its like work on the guest's memory, which another process "
		 "sees only when it is made to be shared.",
	  .steps = "-object memory-backend-memfd,id=mem,size=4G,share=on -machine "
		   "memory-backend=mem, with the size of -m.",
	  .source = "QEMU, docs/interop/vhost-user.rst; hw/virtio/vhost-user.c",
	  .since = "0.1.0",
	  CHECK(vm, check_vhost_user) },
};
RULES_END(args_need);
