/* -drive: where QEMU puts it, and what it no longer takes.
 * QEMU, blockdev.c, drive_new(); removed-features, 3.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- qemu-drive-place ---- */

enum { DRIVES_MAX = 64 };

struct slot {
	struct str bus_type;
	uint64_t bus, unit;
	const struct qemu_option *o;
	bool automatic;
};

struct places {
	enum machine_family family;
	struct slot v[DRIVES_MAX];
	size_t n;
};

struct short_form {
	const char *name, *bus_type;
	uint64_t index;
};

/* QEMU, softmmu/vl.c */
static const struct short_form short_forms[] = {
	{ "", "default", 0 },    { "hda", "default", 0 }, { "hdb", "default", 1 },
	{ "hdc", "default", 2 }, { "hdd", "default", 3 }, { "cdrom", "default", 2 },
	{ "fda", "floppy", 0 },  { "fdb", "floppy", 1 },
};

/* How many drives a bus takes; 0: there is one bus. */
static uint64_t per_bus(const struct places *p, struct str type)
{
	if (str_is(type, "ide"))
		return p->family == MACHINE_Q35 ? 1 : 2;
	return str_is(type, "scsi") ? 7 : 0;
}

/* How many buses there are; 0: not known. */
static uint64_t buses(const struct places *p, struct str type)
{
	if (!str_is(type, "ide"))
		return 0;
	return p->family == MACHINE_Q35 ? 6 : p->family == MACHINE_I440FX ? 2 : 0;
}

static struct str default_type(const struct places *p)
{
	switch (p->family) {
	case MACHINE_I440FX:
	case MACHINE_Q35:
	case MACHINE_ISAPC:
		return STR("ide");
	case MACHINE_VIRT:
	case MACHINE_S390_CCW:
		return STR("virtio");
	case MACHINE_PSERIES:
		return STR("scsi");
	case MACHINE_MICROVM:
	case MACHINE_XEN:
	case MACHINE_OTHER:
	case MACHINE_UNKNOWN:
		break;
	}
	return STR("");
}

static const struct slot *taken(const struct places *p, const struct slot *at)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_eq(p->v[i].bus_type, at->bus_type) && p->v[i].bus == at->bus &&
		    p->v[i].unit == at->unit)
			return &p->v[i];
	}
	return NULL;
}

static void first_free(const struct places *p, struct slot *at)
{
	uint64_t max = per_bus(p, at->bus_type);

	at->unit = 0;
	while (taken(p, at)) {
		at->unit++;
		if (max && at->unit == max) {
			at->unit = 0;
			at->bus++;
		}
	}
}

static bool number(const struct qemu_option *o, const char *key, bool *given,
		   uint64_t *out)
{
	const struct node *n = qemu_opt(o, key);

	*given = n != NULL;
	return !n || (n->kind == NODE_SCALAR && str_u64(n->text, out));
}

static void by_index(const struct places *p, struct slot *at, uint64_t index)
{
	uint64_t max = per_bus(p, at->bus_type);

	at->bus = max ? index / max : 0;
	at->unit = max ? index % max : index;
}

/* False: where it goes cannot be told. */
static bool place_drive(const struct places *p, const struct qemu_option *o,
			struct slot *at)
{
	const struct node *type = qemu_opt(o, "if");
	bool has_index, has_bus, has_unit;
	uint64_t index = 0;

	if (!o->opts || o->opts->syntax == SYNTAX_QEMU_JSON || arg_open(o) ||
	    (type && type->kind != NODE_SCALAR))
		return false;
	at->bus_type = type ? type->text : default_type(p);
	if (!number(o, "index", &has_index, &index) ||
	    !number(o, "bus", &has_bus, &at->bus) ||
	    !number(o, "unit", &has_unit, &at->unit) ||
	    (has_index && (has_bus || has_unit)))
		return false;
	if (has_index)
		by_index(p, at, index);
	else if (!has_unit) {
		at->automatic = true;
		first_free(p, at);
	}
	return true;
}

static bool place(const struct places *p, const struct qemu_option *o, struct slot *at)
{
	*at = (struct slot){ .o = o };
	if (str_is(o->name, "drive"))
		return place_drive(p, o, at);
	for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
		if (!str_is(o->name, short_forms[i].name))
			continue;
		at->bus_type = str_is(str_of(short_forms[i].bus_type), "default")
				       ? default_type(p)
				       : str_of(short_forms[i].bus_type);
		by_index(p, at, short_forms[i].index);
		return true;
	}
	return false;
}

static bool is_drive(const struct qemu_option *o)
{
	return str_is(o->name, "drive") ||
	       (o->value && str_among(o->name, "hda hdb hdc hdd cdrom fda fdb")) ||
	       (o->name.n == 0 && o->value);
}

static struct span span_of(const struct qemu_option *o)
{
	struct span at = o->word->at;

	if (o->value && o->n == 2) {
		at.len = span_end(o->value->at) - at.off;
		return at;
	}
	return at;
}

static void say_taken(struct scan *s, const struct slot *at, const struct slot *other)
{
	struct finding *f =
		report(s, span_of(at->o), "%s: if=%s, bus %llu, unit %llu is taken",
		       at->o->name.n ? scan_printf(s, "-%s", shown(s, at->o->name))
				     : "the image",
		       shown(s, at->bus_type), (unsigned long long)at->bus,
		       (unsigned long long)at->unit);

	report_label(s, f, "QEMU exits at start: a drive with bus=%llu, unit=%llu exists",
		     (unsigned long long)at->bus, (unsigned long long)at->unit);
	report_related(s, f, span_of(other->o), "%s",
		       other->automatic ? "this one is put there, as it says no index"
					: "the drive that has it");
}

static void say_beyond(struct scan *s, const struct places *p, const struct slot *at)
{
	uint64_t max = buses(p, at->bus_type) * per_bus(p, at->bus_type);
	struct finding *f = report(
		s, span_of(at->o),
		"-%s is to go to IDE bus %llu, unit %llu; the machine has %llu places",
		shown(s, at->o->name), (unsigned long long)at->bus,
		(unsigned long long)at->unit, (unsigned long long)max);

	report_label(s, f, "QEMU exits at start: machine type does not support it");
}

static void check_place(struct scan *s, const struct vm *vm)
{
	struct places p = { .family = args_machine(vm) };

	for_each_arg (o, vm) {
		const struct slot *other;
		struct slot at;

		if (!is_drive(o))
			continue;
		if (str_is(o->name, "drive") && arg_is(o, "if", "none"))
			continue;
		if (p.n == DRIVES_MAX || !place(&p, o, &at) || at.bus_type.n == 0)
			return;
		other = taken(&p, &at);
		if (other)
			say_taken(s, &at, other);
		else if (buses(&p, at.bus_type) && (at.bus >= buses(&p, at.bus_type) ||
						    at.unit >= per_bus(&p, at.bus_type)))
			say_beyond(s, &p, &at);
		p.v[p.n++] = at;
	}
}

/* ---- qemu-drive-bus ---- */

static bool lacks_bus(enum machine_family family, struct str type)
{
	switch (family) {
	case MACHINE_I440FX:
	case MACHINE_Q35:
	case MACHINE_ISAPC:
		return str_among(type, "scsi sd mtd");
	case MACHINE_MICROVM:
		return str_among(type, "scsi sd mtd ide floppy pflash");
	case MACHINE_VIRT:
		return str_among(type, "scsi sd mtd ide floppy");
	case MACHINE_PSERIES:
	case MACHINE_S390_CCW:
		return str_among(type, "sd mtd ide floppy pflash");
	case MACHINE_XEN:
	case MACHINE_OTHER:
	case MACHINE_UNKNOWN:
		break;
	}
	return false;
}

static void check_bus(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n =
			str_is(o->name, "drive") ? arg_known(o, "if") : NULL;
		struct finding *f;

		if (!n)
			continue;
		if (!str_among(n->text,
			       "none ide scsi floppy pflash virtio mtd sd xen")) {
			f = report(
				s, n->whole,
				"if=%s, expected one of: none, virtio, ide, scsi, floppy, "
				"pflash, sd, mtd",
				shown(s, n->text));
			report_label(s, f, "QEMU exits at start: unsupported bus type");
			continue;
		}
		if (!lacks_bus(args_machine(vm), n->text))
			continue;
		f = report(s, n->whole, "if=%s on machine '%s', which has none",
			   shown(s, n->text),
			   fact_known(&vm->machine) ? shown(s, vm->machine.v) : "pc");
		report_label(s, f,
			     "QEMU exits at start: machine type does not support if=%s",
			     shown(s, n->text));
	}
}

static bool fix_bus(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n =
			str_is(o->name, "drive") ? arg_known(o, "if") : NULL;

		if (!n || n->whole.off != f->at.off)
			continue;
		if (!str_is(n->text, "scsi"))
			break;
		plan_title(p, "if=virtio");
		return plan_replace(p, n->text_at, STR("virtio"));
	}
	return plan_refuse(p, "which device is meant cannot be seen from here");
}

/* ---- qemu-drive-comma ---- */

/* Behind file=NAME, a unit without '=' that is no switch: the rest of the name. */
static const struct node *rest_of_name(const struct qemu_option *o)
{
	const struct node *file = NULL;

	if (!str_is(o->name, "drive") || !o->opts || o->opts->syntax != SYNTAX_QEMU)
		return NULL;
	for_each_node (n, o->opts) {
		bool flag = n->kind == NODE_SCALAR && n->text_at.off == n->key_at.off;

		if (file && flag && n->key.n > 0 && memchr(n->key.p, '.', n->key.n) &&
		    !str_has(n->key, "cache.") && !str_has(n->key, "file."))
			return n;
		file = str_is(n->key, "file") ? n : NULL;
	}
	return NULL;
}

static void check_comma(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = rest_of_name(o);
		struct finding *f;

		if (!n)
			continue;
		f = report(s, n->whole, "'%s' behind a comma in file=, expected ',,'",
			   shown(s, n->key));
		report_label(
			s, f,
			"the comma ends the name: QEMU opens another file, and exits "
			"at '%s'",
			shown(s, n->key));
	}
}

static bool fix_comma(struct plan *p, const struct finding *f, const struct vm *vm)
{
	struct span at = f->at;

	(void)vm;
	at.len = 0;
	plan_title(p, "',,'");
	return plan_replace(p, at, STR(","));
}

/* ---- qemu-drive-option-removed ---- */

struct removed {
	const char *name, *instead;
};

static const struct removed removed[] = {
	{ "serial", "-device ...,serial=" },
	{ "addr", "-device ...,addr=" },
	{ "cyls", "-device ...,cyls=" },
	{ "heads", "-device ...,heads=" },
	{ "secs", "-device ...,secs=" },
	{ "trans", "-device ...,bios-chs-trans=" },
	{ "boot", NULL },
};

static const struct node *removed_in(const struct qemu_option *o,
				     const struct removed **why)
{
	for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
		const struct node *n = qemu_opt(o, removed[i].name);

		*why = &removed[i];
		if (n)
			return n;
	}
	return NULL;
}

static void check_removed(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct removed *why;
		const struct node *n =
			str_is(o->name, "drive") ? removed_in(o, &why) : NULL;
		struct finding *f;

		if (!n)
			continue;
		f = report(s, n->whole,
			   why->instead ? "'%s' in a -drive, expected %s"
					: "'%s' in a -drive, which has no such option%s",
			   why->name, why->instead ? why->instead : "");
		report_label(s, f,
			     "QEMU 3.0 and newer exit: the block format does not support "
			     "the option");
	}
}

static const struct qemu_option *device_with(const struct vm *vm, const struct node *id)
{
	for_each_arg (o, vm) {
		const struct node *n =
			id && str_is(o->name, "device") ? arg_known(o, "drive") : NULL;

		if (n && str_eq(n->text, id->text))
			return o;
	}
	return NULL;
}

static bool move_serial(struct plan *p, const struct vm *vm, const struct qemu_option *o,
			const struct node *n)
{
	const struct qemu_option *device = device_with(vm, arg_known(o, "id"));

	if (!device || !device->value || n->kind != NODE_SCALAR ||
	    device->opts->syntax != SYNTAX_QEMU || qemu_opt(device, "serial"))
		return plan_refuse(p,
				   "the drive has no -device of its own: if=none and a "
				   "-device are to be written");
	plan_title(p, "serial=%s at the -device", str_shown(p->arena, n->text));
	return plan_remove_node(p, n) &&
	       plan_word(
		       p, device->value, device->value->text.n, device->value->text.n,
		       str_of(arena_printf(p->arena, ",serial=%.*s", STR_ARG(n->text))));
}

static bool fix_removed(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct removed *why;
		const struct node *n =
			str_is(o->name, "drive") ? removed_in(o, &why) : NULL;

		if (!n || n->whole.off != f->at.off)
			continue;
		if (str_is(n->key, "serial"))
			return move_serial(p, vm, o, n);
		if (!str_is(n->key, "boot"))
			break;
		plan_title(p, "remove boot=");
		return plan_remove_node(p, n);
	}
	return plan_refuse(p, "the drive has no -device of its own");
}

const struct rule rules_args_drive[] = {
	{ .id = "qemu-drive-bus",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a drive on a bus that the machine does not have",
	  .why = "if= names a bus of the machine's own. PCs have IDE, floppies, flash and "
		 "virtio; SCSI, SD and MTD are on other boards. QEMU exits at start.",
	  .steps =
		  "-drive if=none,id=d0,... with -device virtio-scsi-pci -device "
		  "scsi-hd,drive=d0 is SCSI; SATA is if=ide on q35, or -device "
		  "ide-hd,drive=d0. if=virtio is another disk for the guest, which needs "
		  "its driver.",
	  .source = "QEMU, blockdev.c, drive_check_orphaned(); hw/i386/pc.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_bus, fix_bus) },
	{ .id = "qemu-drive-comma",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a comma in the name of a drive's file",
	  .why = "A comma parts the options of -drive, and in a name it has to be doubled. "
		 "QEMU takes the rest of the name for an option that does not exist.",
	  .source = "QEMU, qemu-options.hx, -drive file=; util/qemu-option.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_comma, fix_comma) },
	{ .id = "qemu-drive-option-removed",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an option of -drive that is one of the device now",
	  .why = "serial=, addr=, the geometry and boot= went from -drive with QEMU 3.0 or "
		 "before: QEMU exits at start.",
	  .source = "QEMU, docs/about/removed-features.rst, 3.0",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_removed, fix_removed) },
	{ .id = "qemu-drive-place",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two drives in one place, or one in a place that is not there",
	  .why = "-hda, -cdrom, an image without an option and index= name places on the "
		 "machine's bus, and a -drive that says nothing takes the first free one. "
		 "QEMU exits at start when a place is taken, or does not exist.",
	  .steps =
		  "Leave index= out, or give each drive its own: -cdrom has 2 and the image "
		  "without an option 0. pc has four places, q35 six; more disks are "
		  "if=virtio, or if=none with a -device.",
	  .source = "QEMU, blockdev.c, drive_new()",
	  .since = "0.1.0",
	  CHECK(vm, check_place) },
};
RULES_END(args_drive);
