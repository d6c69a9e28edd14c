/* What options of QEMU call each other: a -device names a -drive, a -netdev, a -chardev ...
 * QEMU: hw/core/qdev-properties-system.c, qom/object_interfaces.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* A member of some option that has the id of another one. */
struct link {
	const char *option, *key;
	const char *to; /* the options that have such ids, blanks between them */
	bool alone;     /* only one may use it */
};

static const struct link links[] = {
	{ "device", "drive", "drive blockdev", true },
	{ "device", "netdev", "netdev", true },
	{ "device", "chardev", "chardev", true },
	{ "device", "fsdev", "fsdev", false },
	{ "device", "tpmdev", "tpmdev", false },
	{ "device", "audiodev", "audiodev", false },
	{ "device", "iothread", "object", false },
	{ "device", "memdev", "object", false },
	{ "device", "rng", "object", false },
	{ "numa", "memdev", "object", false },
	{ "machine", "memory-backend", "object", false },
	{ "M", "memory-backend", "object", false },
	{ "machine", "pflash0", "drive blockdev", false },
	{ "machine", "pflash1", "drive blockdev", false },
	{ "M", "pflash0", "drive blockdev", false },
	{ "M", "pflash1", "drive blockdev", false },
	{ "machine", "pcspk-audiodev", "audiodev", false },
	{ "mon", "chardev", "chardev", false },
	{ "tpmdev", "chardev", "chardev", true },
};

enum { NLINKS = sizeof(links) / sizeof(links[0]) };

static const struct node *id_of(const struct qemu_option *o)
{
	return arg_known(o, str_is(o->name, "blockdev") ? "node-name" : "id");
}

/* What the link of that option leads to; NULL: it has none, or it is not known. */
static const struct node *target_of(const struct qemu_option *o, const struct link *l)
{
	return o->opts && str_is(o->name, l->option) ? arg_known(o, l->key) : NULL;
}

/* ---- qemu-undefined-id ---- */

/* Names that QEMU gives by itself: drives of the short forms and of -drive without an id,
 * nodes within a graph, channels of -serial and -monitor. */
static bool may_be_made(const struct vm *vm, const char *kinds, struct str id)
{
	for_each_arg (o, vm) {
		if (str_is(o->name, "readconfig"))
			return true;
		if (!o->opts || !str_among(o->name, kinds))
			continue;
		if (arg_open(o) || o->opts->syntax == SYNTAX_QEMU_JSON)
			return true;
		for_each_node (n, o->opts) {
			if ((str_is(n->key, "id") || str_ends(n->key, "node-name")) &&
			    (n->kind != NODE_SCALAR || str_eq(n->text, id)))
				return true;
		}
	}
	if (str_among(STR("drive"), kinds))
		return str_has(id, "-hd") || str_has(id, "-cd") ||
		       str_has(id, "virtio") || str_has(id, "floppy") ||
		       str_starts(id, "pflash") || str_starts(id, "scsi") ||
		       str_starts(id, "ide") || str_starts(id, "none") ||
		       str_starts(id, "sd") || str_starts(id, "mtd");
	return str_starts(id, "serial") || str_starts(id, "compat_monitor") ||
	       str_starts(id, "parallel") || str_starts(id, "/") || str_is(id, "gdb");
}

static const char *near_id(struct scan *s, const struct vm *vm, const char *kinds,
			   struct str id)
{
	struct suggestion best = { .word = scan_printf(s, "%.*s", STR_ARG(id)) };

	for_each_arg (o, vm) {
		const struct node *n = str_among(o->name, kinds) ? id_of(o) : NULL;

		if (n)
			suggest(&best, scan_printf(s, "%.*s", STR_ARG(n->text)));
	}
	return best.best;
}

static void check_link(struct scan *s, const struct vm *vm, const struct qemu_option *o,
		       const struct link *l)
{
	const struct node *n = target_of(o, l);
	const char *meant;
	struct finding *f;

	if (!n || may_be_made(vm, l->to, n->text))
		return;
	meant = near_id(s, vm, l->to, n->text);
	f = report(s, n->whole, "%s=%s: no -%s has this id%s%s%s", l->key,
		   shown(s, n->text),
		   str_is(str_of(l->to), "drive blockdev") ? "drive" : l->to,
		   meant ? ", expected '" : "", meant ? shown(s, str_of(meant)) : "",
		   meant ? "'" : "");
	report_label(s, f, "QEMU exits at start: it can't find '%s'", shown(s, n->text));
}

static void check_undefined(struct scan *s, const struct vm *vm)
{
	if (!args_whole(vm))
		return;
	for_each_arg (o, vm) {
		for (size_t k = 0; k < NLINKS; k++)
			check_link(s, vm, o, &links[k]);
	}
}

/* ---- qemu-id-twice ---- */

/* Another one before it with its id; NULL: there is none. */
static const struct qemu_option *same_id(const struct vm *vm,
					 const struct qemu_option *option)
{
	const struct node *id = id_of(option), *other;

	for_each_arg (o, vm) {
		if (o == option)
			break;
		other = str_eq(o->name, option->name) ? id_of(o) : NULL;
		if (other && str_eq(other->text, id->text))
			return o;
	}
	return NULL;
}

static bool has_id(const struct qemu_option *o)
{
	return o->opts && o->opts->syntax != SYNTAX_INI &&
	       str_among(o->name,
			 "drive blockdev device netdev chardev object fsdev tpmdev "
			 "audiodev") &&
	       id_of(o);
}

static void check_id_twice(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct qemu_option *first;
		struct finding *f;

		if (!has_id(o))
			continue;
		first = same_id(vm, o);
		if (!first)
			continue;
		f = report(s, id_of(o)->whole, "a second -%s with id '%s'",
			   shown(s, o->name), shown(s, id_of(o)->text));
		report_label(s, f, "QEMU exits at start: Duplicate ID");
		report_related(s, f, id_of(first)->whole, "the first one");
	}
}

/* ---- qemu-used-twice ---- */

static bool may_be_shared(const struct vm *vm, struct str id)
{
	for_each_arg (o, vm) {
		const struct node *n = str_is(o->name, "chardev") ? id_of(o) : NULL;

		if (n && str_eq(n->text, id) &&
		    (qemu_opt(o, "mux") || arg_open(o) ||
		     o->opts->syntax == SYNTAX_QEMU_JSON))
			return true;
	}
	return false;
}

static const struct node *used_before(const struct vm *vm,
				      const struct qemu_option *option,
				      const struct link *l, struct str id)
{
	for_each_arg (o, vm) {
		const struct node *n;

		if (o == option)
			break;
		n = target_of(o, l);
		if (n && str_eq(n->text, id))
			return n;
	}
	return NULL;
}

static void check_use(struct scan *s, const struct vm *vm, const struct qemu_option *o,
		      const struct link *l)
{
	const struct node *n = target_of(o, l), *first;
	struct finding *f;

	if (!l->alone || !n)
		return;
	first = used_before(vm, o, l, n->text);
	if (!first || (str_is(str_of(l->to), "chardev") && may_be_shared(vm, n->text)))
		return;
	f = report(s, n->whole, "%s=%s is used by another option already", l->key,
		   shown(s, n->text));
	report_label(s, f, "QEMU exits at start: '%s' is in use", shown(s, n->text));
	report_related(s, f, first->whole, "the first use");
}

static const struct qemu_option *drive_with(const struct vm *vm, struct str name)
{
	for_each_arg (o, vm) {
		const struct node *id = str_is(o->name, "drive") ? id_of(o) : NULL;

		if (id && str_eq(id->text, name))
			return o;
	}
	return NULL;
}

/* Where -drive has no if=, the machine decides: microvm and most boards attach nothing. virt of
 * RISC-V takes virtio as Arm's does, which QEMU 8.1 did not yet. */
static bool attaches(const struct vm *vm, bool *lately)
{
	*lately = fact_is(&vm->arch, "riscv64") || fact_is(&vm->arch, "riscv32");
	switch (args_machine(vm)) {
	case MACHINE_I440FX:
	case MACHINE_Q35:
	case MACHINE_ISAPC:
	case MACHINE_VIRT:
	case MACHINE_PSERIES:
	case MACHINE_S390_CCW:
		return true;
	case MACHINE_MICROVM:
	case MACHINE_XEN:
	case MACHINE_OTHER:
	case MACHINE_UNKNOWN:
		break;
	}
	return false;
}

/* -drive file=x,id=d without if=none is attached by QEMU itself. */
static void check_attached(struct scan *s, const struct vm *vm,
			   const struct qemu_option *device)
{
	const struct node *n = device_model(device) ? arg_known(device, "drive") : NULL;
	const struct qemu_option *d = n ? drive_with(vm, n->text) : NULL;
	const struct node *bus = d ? arg_known(d, "if") : NULL;
	struct finding *f;
	bool lately;

	if (!d || (bus ? str_is(bus->text, "none") : !arg_absent(d, "if")))
		return;
	if (!attaches(vm, &lately) && !bus)
		return;
	f = report(s, n->whole, "drive '%s' is attached already: %s, expected if=none",
		   shown(s, n->text),
		   bus ? scan_printf(s, "its -drive has if=%s", shown(s, bus->text))
		       : "its -drive has no if=");
	if (lately && !bus)
		report_lower(f);
	report_label(s, f, "%s at start: the drive is in use",
		     lately && !bus ? "newer versions of QEMU exit" : "QEMU exits");
	report_related(s, f, d->opts->whole, "the drive");
}

static void check_used_twice(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		for (size_t k = 0; k < NLINKS; k++)
			check_use(s, vm, o, &links[k]);
		check_attached(s, vm, o);
	}
}

static const struct qemu_option *drive_named(const struct vm *vm, struct span at)
{
	for_each_arg (o, vm) {
		const struct node *n = device_model(o) ? arg_known(o, "drive") : NULL;

		if (n && n->whole.off == at.off && n->whole.src == at.src)
			return drive_with(vm, n->text);
	}
	return NULL;
}

static bool fix_used_twice(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *d = drive_named(vm, f->at);
	const struct node *bus = d ? qemu_opt(d, "if") : NULL;

	if (!d || arg_is(d, "if", "none") || !d->value)
		return plan_refuse(p, "which of them is meant cannot be seen from here");
	plan_title(p, "if=none");
	if (bus)
		return plan_replace(p, bus->text_at, STR("none"));
	return plan_word(p, d->value, d->value->text.n, d->value->text.n,
			 STR(",if=none"));
}

/* ---- qemu-unused-backend ---- */

static bool is_backend(const struct qemu_option *o)
{
	if (str_is(o->name, "drive"))
		return arg_is(o, "if", "none");
	return str_is(o->name, "netdev") || str_is(o->name, "fsdev");
}

/* Anywhere in a text: of -append, -qmp, of an option that nobody reads. */
static bool text_has(const struct qemu_option *o, struct str id)
{
	struct str text = o->value ? o->value->text : STR("");

	for (size_t i = 0; i + id.n <= text.n; i++) {
		if (memcmp(text.p + i, id.p, id.n) == 0)
			return true;
	}
	return false;
}

/* Some option has the id as a value, or may have it: drive=, pflash0=, netdev= of a filter. */
static bool is_named(const struct vm *vm, const struct qemu_option *backend,
		     struct str id)
{
	for_each_arg (o, vm) {
		if (o == backend)
			continue;
		if (!o->opts) {
			if (text_has(o, id))
				return true;
			continue;
		}
		for_each_node (n, o->opts) {
			if (n->kind != NODE_SCALAR ||
			    (str_eq(n->text, id) && !str_is(n->key, "id")))
				return true;
		}
	}
	return false;
}

/* An option names what there is not, and what is nearest to it is this: one mistake, and said. */
static bool is_misspelt(struct scan *s, const struct vm *vm, struct str id)
{
	for_each_arg (o, vm) {
		for (size_t k = 0; k < NLINKS; k++) {
			const struct node *n = target_of(o, &links[k]);
			const char *meant;

			if (!n || may_be_made(vm, links[k].to, n->text))
				continue;
			meant = near_id(s, vm, links[k].to, n->text);
			if (meant && str_is(id, meant))
				return true;
		}
	}
	return false;
}

/* Who starts it stopped, or has a control channel, may plug the device later. */
static bool is_plugged_later(const struct vm *vm)
{
	return qemu_option(vm->qemu, "S") || qemu_option(vm->qemu, "preconfig") ||
	       qemu_option(vm->qemu, "incoming") || qemu_option(vm->qemu, "set") ||
	       qemu_option(vm->qemu, "qtest");
}

static void check_unused(struct scan *s, const struct vm *vm)
{
	if (!args_whole(vm) || is_plugged_later(vm))
		return;
	for_each_arg (o, vm) {
		const struct node *id = is_backend(o) ? id_of(o) : NULL;
		struct finding *f;

		if (!id || arg_open(o) || is_named(vm, o, id->text) ||
		    is_misspelt(s, vm, id->text))
			continue;
		f = report(s, id->whole, "-%s '%s' is not used by any -device",
			   shown(s, o->name), shown(s, id->text));
		report_label(s, f, "%s",
			     str_is(o->name, "drive") ? "the VM starts without this disk"
			     : str_is(o->name, "netdev")
				     ? "the VM starts without this network card"
				     : "the VM starts without this share");
	}
}

const struct rule rules_args_refs[] = {
	{ .id = "qemu-id-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two options of QEMU with one id",
	  .why = "Ids of drives, devices, networks, channels and objects are unique: QEMU "
		 "exits at start.",
	  .steps = "Give the second one another id, and the -device that is to use it as "
		   "well. A copied line is one too many otherwise.",
	  .source = "QEMU, util/qemu-option.c, qemu_opts_create(); qom/object.c",
	  .since = "0.1.0",
	  CHECK(vm, check_id_twice) },
	{ .id = "qemu-undefined-id",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an option of QEMU names an id that no other one has",
	  .why = "A -device with drive=, netdev=, chardev= ... takes what the option of that "
		 "id makes. There is none: QEMU exits at start.",
	  .steps = "Correct the id, or add the option that has it, such as -drive "
		   "if=none,id=disk0,... for drive=disk0.",
	  .source = "QEMU, hw/core/qdev-properties-system.c, set_drive(), set_netdev()",
	  .since = "0.1.0",
	  CHECK(vm, check_undefined) },
	{ .id = "qemu-unused-backend",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a drive, network or share that no device uses",
	  .why = "-drive if=none, -netdev and -fsdev are the host's side only. Without a "
		 "-device that names them the guest has no such disk, card or share, and "
		 "QEMU starts without a word, or with a warning.",
	  .steps =
		  "Add the device: -device virtio-blk-pci,drive=ID, -device "
		  "virtio-net-pci,netdev=ID, -device virtio-9p-pci,fsdev=ID,mount_tag=TAG; "
		  "or remove the option.",
	  .source =
		  "QEMU, qemu-options.hx, -drive if=none; net/net.c, net_check_clients()",
	  .since = "0.1.0",
	  CHECK(vm, check_unused) },
	{ .id = "qemu-used-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a drive, network or channel that two devices use",
	  .why = "A drive, a network and a channel serve one device: QEMU exits at start. A "
		 "-drive that does not say if=none is attached by QEMU itself, and cannot "
		 "be used by a -device.",
	  .steps = "Two devices need two drives or networks. Channels can be shared by a "
		   "monitor and one device with mux=on.",
	  .source = "QEMU, hw/core/qdev-properties-system.c, set_drive_helper(), "
		    "set_netdev(), set_chr()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_used_twice, fix_used_twice) },
};
RULES_END(args_refs);
