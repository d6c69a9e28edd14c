/* -device: what QEMU wants of each, and does not find. QEMU: qdev-monitor.c, hw/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* -global DRIVER.KEY=, or a -set: it may be said elsewhere. */
static bool may_be_set(const struct vm *vm, const char *key)
{
	for_each_arg (o, vm) {
		if (str_is(o->name, "set"))
			return true;
		if (!str_is(o->name, "global") || !o->opts)
			continue;
		for_each_node (n, o->opts) {
			if (n->kind != NODE_SCALAR || str_ends(n->key, key) ||
			    str_is(n->key, "property"))
				return true;
		}
	}
	return false;
}

/* ---- qemu-nvme-serial ---- */

static bool lacks_serial(const struct vm *vm, const struct qemu_option *o)
{
	const struct node *model = device_model(o);

	return model && str_is(model->text, "nvme") && arg_absent(o, "serial") &&
	       o->opts->syntax == SYNTAX_QEMU && !may_be_set(vm, "serial");
}

static void check_serial(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct finding *f;

		if (!lacks_serial(vm, o))
			continue;
		f = report(s, o->opts->whole, "an NVMe controller without serial=");
		report_label(s, f, "QEMU exits at start: serial property not set");
	}
}

static bool append(struct plan *p, const struct qemu_option *o, const char *text)
{
	return o->value &&
	       plan_word(p, o->value, o->value->text.n, o->value->text.n, str_of(text));
}

static bool fix_serial(struct plan *p, const struct finding *f, const struct vm *vm)
{
	unsigned n = 0;

	for_each_arg (o, vm) {
		const struct node *model = device_model(o);
		const char *text;

		if (!model || !str_is(model->text, "nvme"))
			continue;
		text = arena_printf(p->arena, ",serial=nvme%u", n++);
		if (!lacks_serial(vm, o) || o->opts->whole.off != f->at.off)
			continue;
		plan_title(p, "%s", text + 1);
		return append(p, o, text);
	}
	return false;
}

/* ---- qemu-iommu-platform ---- */

/* These have a transitional form, which they are on a bus that is not PCI Express. */
static bool is_transitional(struct str model)
{
	return str_among(model, "virtio-blk-pci virtio-net-pci virtio-scsi-pci "
				"virtio-serial-pci virtio-rng-pci virtio-balloon-pci "
				"virtio-9p-pci vhost-scsi-pci vhost-user-blk-pci "
				"vhost-user-scsi-pci virtio-blk virtio-net virtio-scsi "
				"virtio-serial virtio-rng virtio-balloon") ||
	       str_ends(model, "-pci-transitional");
}

static bool is_root_bus(const struct qemu_option *o)
{
	const struct node *bus = qemu_opt(o, "bus");

	return !bus || arg_is(o, "bus", "pcie.0") || arg_is(o, "bus", "pci.0");
}

static const struct node *platform_of(const struct vm *vm, const struct qemu_option *o)
{
	const struct node *model = device_model(o);

	if (!model || !is_transitional(model->text) || !arg_is_on(o, "iommu_platform") ||
	    arg_open(o) || !is_root_bus(o) || may_be_set(vm, "disable-legacy"))
		return NULL;
	if (qemu_opt(o, "disable-legacy") && !arg_is(o, "disable-legacy", "off") &&
	    !arg_is(o, "disable-legacy", "auto"))
		return NULL;
	return qemu_opt(o, "iommu_platform");
}

static void check_platform(struct scan *s, const struct vm *vm)
{
	if (vm->base && vm->base->flavour == FLAVOUR_INCUS)
		return;
	for_each_arg (o, vm) {
		const struct node *n = platform_of(vm, o);
		struct finding *f;

		if (!n)
			continue;
		f = report(s, n->whole,
			   "iommu_platform=on on a device that is a legacy one as well, "
			   "expected disable-legacy=on");
		report_label(s, f,
			     "QEMU exits at start: supported by neither legacy nor "
			     "transitional device");
	}
}

static bool fix_platform(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = platform_of(vm, o), *legacy;
		const struct node *model = device_model(o);

		if (!n || !model || n->whole.off != f->at.off)
			continue;
		if (str_ends(model->text, "-transitional"))
			return plan_refuse(p, "the model says that it is a legacy one");
		legacy = qemu_opt(o, "disable-legacy");
		plan_title(p, "disable-legacy=on");
		return legacy ? plan_replace(p, legacy->text_at, STR("on"))
			      : append(p, o, ",disable-legacy=on");
	}
	return false;
}

/* ---- qemu-device-bus ---- */

/* Devices that go to a bus, and what has such. Names end with '*' where more may follow. */
struct bus {
	const char *name, *devices, *providers, *add;
};

static const struct bus bus_kinds[] = {
	{ "SCSI", "scsi-hd scsi-cd scsi-block scsi-generic",
	  "virtio-scsi* vhost-scsi* vhost-user-scsi* lsi lsi53c* megasas* mptsas* pvscsi am53c974 "
	  "dc390 spapr-vscsi esp usb-bot usb-uas sysbus-esp usb-storage",
	  "-device virtio-scsi-pci" },
	{ "USB",
	  "usb-tablet usb-mouse usb-kbd usb-storage usb-bot usb-uas usb-host usb-net "
	  "usb-audio usb-serial usb-hub usb-redir usb-ccid usb-mtp usb-braille "
	  "usb-wacom-tablet u2f-emulated u2f-passthru",
	  "*xhci* *ehci* *uhci* *ohci* *usb-host-controller*", "-device qemu-xhci" },
	{ "virtio-serial", "virtserialport virtconsole",
	  "virtio-serial* virtio-console* vhost-user-serial*",
	  "-device virtio-serial-pci" },
	{ "HDA", "hda-duplex hda-micro hda-output", "*intel-hda*",
	  "-device ich9-intel-hda" },
	{ "nvme", "nvme-ns", "nvme nvme-subsys", "-device nvme,serial=nvme0" },
};

static bool matches(struct str model, struct str pattern)
{
	char part[64];
	bool front = pattern.n && pattern.p[0] == '*';
	bool back = pattern.n && pattern.p[pattern.n - 1] == '*';
	size_t n = pattern.n - front - back;

	if (n >= sizeof(part))
		return false;
	memcpy(part, pattern.p + front, n);
	part[n] = '\0';
	if (front)
		return str_has(model, part);
	return back ? str_starts(model, part) : str_is(model, part);
}

static bool is_like(struct str model, const char *patterns)
{
	struct str rest = str_of(patterns);

	while (rest.n) {
		if (matches(model, str_word(&rest)))
			return true;
	}
	return false;
}

/* Of a device in front of it: they are made in the order of the options. */
static bool is_provided(const struct vm *vm, const struct bus *b,
			const struct qemu_option *device)
{
	for_each_arg (o, vm) {
		const struct node *model = device_model(o);

		if (o < device && str_is(o->name, "device") &&
		    (!model || is_like(model->text, b->providers)))
			return true;
		if (!str_is(str_of(b->name), "USB"))
			continue;
		if (str_among(o->name, "usb usbdevice") ||
		    (is_machine_arg(o) && qemu_opt(o, "usb")))
			return true;
	}
	return false;
}

static bool has_no_such_bus(const struct vm *vm)
{
	enum machine_family family = args_machine(vm);

	return family == MACHINE_I440FX || family == MACHINE_Q35 ||
	       family == MACHINE_VIRT || family == MACHINE_MICROVM;
}

static void check_buses(struct scan *s, const struct vm *vm)
{
	bool said[sizeof(bus_kinds) / sizeof(bus_kinds[0])] = { false };

	if (!args_whole(vm) || !has_no_such_bus(vm))
		return;
	for_each_arg (o, vm) {
		const struct node *model = device_model(o);

		for (size_t i = 0; model && i < sizeof(said); i++) {
			const struct bus *b = &bus_kinds[i];
			struct finding *f;

			if (said[i] || !str_among(model->text, b->devices) ||
			    qemu_opt(o, "bus") || is_provided(vm, b, o))
				continue;
			said[i] = true;
			f = report(s, model->text_at,
				   "%s, and no %s controller before it, expected %s",
				   shown(s, model->text), b->name, b->add);
			report_label(s, f,
				     "QEMU exits at start: no bus found for device '%s'",
				     shown(s, model->text));
		}
	}
}

static bool fix_buses(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *model = device_model(o);

		if (!model || model->text_at.off != f->at.off)
			continue;
		for (size_t i = 0; i < sizeof(bus_kinds) / sizeof(bus_kinds[0]); i++) {
			const struct bus *b = &bus_kinds[i];

			if (!str_among(model->text, b->devices))
				continue;
			if (is_provided(vm, b, vm->qemu->options + vm->qemu->noptions))
				return plan_refuse(p, "it has one behind it, which is to "
						      "be moved");
			plan_title(p, "%s", b->add);
			return plan_add_option(p, vm->qemu, o, false, "-device",
					       b->add + strlen("-device "));
		}
	}
	return false;
}

/* ---- qemu-share-incomplete ---- */

static void check_share(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		static const char *const keys[] = { "security_model", "path",
						    "mount_tag" };

		if (!o->opts || !str_among(o->name, "fsdev virtfs") ||
		    !arg_is(o, "fsdriver", "local"))
			continue;
		for (size_t i = 0; i < 3; i++) {
			struct finding *f;

			if (!arg_absent(o, keys[i]) ||
			    (i == 2 && !str_is(o->name, "virtfs")))
				continue;
			f = report(s, o->opts->whole, "a share without %s=", keys[i]);
			report_label(s, f, "QEMU exits at start: it has no default");
		}
	}
}

static bool fix_share(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		if (!o->opts || o->opts->whole.off != f->at.off ||
		    !str_among(o->name, "fsdev virtfs"))
			continue;
		if (!arg_absent(o, "security_model"))
			break;
		plan_title(p, "security_model=mapped-xattr");
		return append(p, o, ",security_model=mapped-xattr");
	}
	return plan_refuse(p, "what it is called cannot be seen from here");
}

/* ---- qemu-stdio-twice ---- */

enum { STDIO_MAX = 8 };

static bool takes_stdio(const struct qemu_option *o)
{
	if (str_among(o->name, "serial parallel monitor qmp qmp-pretty debugcon"))
		return str_among(arg_text(o), "stdio mon:stdio");
	return str_is(o->name, "chardev") && arg_is(o, "backend", "stdio");
}

/* -nographic has a serial port and a monitor there, unless both are said. It makes the one
 * that is missing, and that is in the way of what takes it alone. */
static bool nographic_takes(const struct vm *vm)
{
	bool serial = qemu_option(vm->qemu, "serial") != NULL;
	bool monitor = qemu_option(vm->qemu, "monitor") || qemu_option(vm->qemu, "mon") ||
		       qemu_option(vm->qemu, "qmp") ||
		       qemu_option(vm->qemu, "qmp-pretty");
	bool shared = false;

	for_each_arg (o, vm) {
		const struct node *model = device_model(o);

		shared = shared ||
			 (str_is(o->name, "serial") && str_starts(arg_text(o), "mon:"));
		serial = serial || (model && str_is(model->text, "isa-serial"));
	}
	return qemu_option(vm->qemu, "nographic") && !shared && (!serial || !monitor) &&
	       !qemu_option(vm->qemu, "nodefaults");
}

static void check_stdio(struct scan *s, const struct vm *vm)
{
	const struct qemu_option *first = NULL;
	struct finding *f;

	if (!args_whole(vm))
		return;
	if (nographic_takes(vm))
		first = qemu_option(vm->qemu, "nographic");
	for_each_arg (o, vm) {
		if (!takes_stdio(o))
			continue;
		if (!first) {
			first = o;
			continue;
		}
		f = report(s, o->word->at,
			   "-%s takes the terminal, which -%s has already",
			   shown(s, o->name), shown(s, first->name));
		report_label(
			s, f,
			"QEMU exits at start: cannot use stdio by multiple character "
			"devices");
		report_related(s, f, first->word->at, "the other one");
	}
}

/* ---- qemu-daemonize ---- */

static void check_daemonize(struct scan *s, const struct vm *vm)
{
	const struct qemu_option *d =
		vm->qemu ? qemu_option(vm->qemu, "daemonize") : NULL;

	if (!d)
		return;
	for_each_arg (o, vm) {
		struct finding *f;

		if (!str_is(o->name, "nographic") && !takes_stdio(o))
			continue;
		f = report(s, o->word->at, "-%s with -daemonize, which has no terminal",
			   shown(s, o->name));
		report_label(s, f, "QEMU exits at start");
		report_related(s, f, d->word->at, "-daemonize");
	}
}

const struct rule rules_args_dev[] = {
	{ .id = "qemu-daemonize",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a terminal for a QEMU in the background",
	  .why = "-daemonize leaves the terminal, and -nographic, -serial stdio and -monitor "
		 "stdio are on it: QEMU exits at start.",
	  .steps = "-display none instead of -nographic, and a file or socket: -serial "
		   "file:PATH, -monitor unix:PATH,server=on,wait=off.",
	  .source = "QEMU, softmmu/vl.c, os-posix.c; chardev/char-stdio.c",
	  .since = "0.1.0",
	  CHECK(vm, check_daemonize) },
	{ .id = "qemu-device-bus",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a device without the controller that it hangs on",
	  .why = "SCSI disks, USB devices, virtio ports and sound codecs hang on a "
		 "controller that the machine does not have by itself: QEMU exits at "
		 "start.",
	  .steps =
		  "Add the controller before the device: -device virtio-scsi-pci, -device "
		  "qemu-xhci (or -usb), -device virtio-serial-pci, -device ich9-intel-hda. "
		  "A guest may lack the driver of one and have that of another.",
	  .source = "QEMU, softmmu/qdev-monitor.c, qdev_device_add_from_qdict()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_buses, fix_buses) },
	{ .id = "qemu-iommu-platform",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a legacy virtio device that is to go through the IOMMU",
	  .why = "Only modern virtio devices can do so. On the root bus those of PCs are "
		 "transitional, that is legacy as well: QEMU exits at start.",
	  .source = "QEMU, hw/virtio/virtio-pci.c, virtio_pci_device_plugged()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_platform, fix_platform) },
	{ .id = "qemu-nvme-serial",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an NVMe controller without a serial number",
	  .why = "It has no default: QEMU exits at start.",
	  .source = "QEMU, hw/nvme/ctrl.c, nvme_check_params()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_serial, fix_serial) },
	{ .id = "qemu-share-incomplete",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a shared folder that does not say how",
	  .why = "-fsdev local and -virtfs local want path=, security_model= and, -virtfs, "
		 "mount_tag=: QEMU exits at start.",
	  .steps =
		  "mapped-xattr keeps the guest's owners and modes in attributes, and needs "
		  "no rights; passthrough and none give the guest's files the host's "
		  "owners.",
	  .source = "QEMU, hw/9pfs/9p-local.c, local_parse_opts()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_share, fix_share) },
	{ .id = "qemu-stdio-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two parts of QEMU on one terminal",
	  .why = "The terminal can be one serial port's or one monitor's, and -nographic "
		 "takes it as well: QEMU exits at start.",
	  .steps = "-serial mon:stdio has both, and Ctrl-a c switches. With -nographic "
		   "leave -serial stdio and -monitor stdio out.",
	  .source =
		  "QEMU, chardev/char-stdio.c; softmmu/vl.c, qemu_create_default_devices()",
	  .since = "0.1.0",
	  CHECK(vm, check_stdio) },
};
RULES_END(args_dev);
