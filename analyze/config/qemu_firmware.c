/* Firmware of a QEMU command line: -bios FILE, or flash of which the first holds code and the
 * second its variables (hw/i386/pc_sysfw.c), by -drive if=pflash, -pflash, or a -blockdev that
 * -machine names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"

#include "base/banned.h"

static void absent(struct fact *f, const struct qemu_command *c)
{
	*f = (struct fact){ .state = c->open ? FACT_UNKNOWN : FACT_ABSENT, .at = c->at };
}

static void take_value(struct fact *f, const struct qemu_option *o)
{
	*f = (struct fact){
		.state = word_unknown(o->value, 0, o->value->text.n) ? FACT_UNKNOWN
								     : FACT_KNOWN,
		.v = o->value->text,
		.at = o->value->nparts ? word_span(o->value, 0, o->value->text.n)
				       : o->value->at,
	};
}

static const struct node *machine_member(const struct qemu_command *c, const char *name)
{
	const struct node *found = NULL;

	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (str_is(o->name, "machine") || str_is(o->name, "M"))
			found = qemu_opt(o, name) ? qemu_opt(o, name) : found;
	}
	return found;
}

/* A disk whose name is that of a node. */
static const struct disk *disk_named(const struct vm *vm, const struct node *name)
{
	for (size_t i = 0; name && i < vm->ndisks; i++) {
		if (name->kind == NODE_SCALAR && fact_known(&vm->disks[i].target) &&
		    str_eq(vm->disks[i].target.v, name->text))
			return &vm->disks[i];
	}
	return NULL;
}

/* Flash of the number: a node that -machine names, else that drive. */
static void read_flash(struct fact *f, const struct vm *vm, const struct qemu_command *c,
		       unsigned number)
{
	const struct node *name = machine_member(c, number == 0 ? "pflash0" : "pflash1");
	const struct disk *d = disk_named(vm, name);
	unsigned n = 0;

	absent(f, c);
	if (name)
		f->state = FACT_UNKNOWN;
	for (size_t i = 0; !name && !d && i < vm->ndisks; i++) {
		if (fact_is(&vm->disks[i].device, "pflash") && n++ == number)
			d = &vm->disks[i];
	}
	if (d)
		*f = d->source;
}

static void read_boot(struct vm *vm, const struct qemu_command *c)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];
		static const char *const orders[] = { "order", "once" };

		if (str_is(o->name, "device") && qemu_opt(o, "bootindex") &&
		    !qemu_opt(o, "drive"))
			vm->boots_elsewhere = true;
		for (size_t k = 0; k < 2 && str_is(o->name, "boot"); k++) {
			const struct node *n = qemu_opt(o, orders[k]);

			if (n && (n->kind != NODE_SCALAR || str_has(n->text, "n")))
				vm->boots_elsewhere = true;
		}
	}
}

void qemu_read_firmware(struct vm *vm, const struct qemu_command *c)
{
	const struct qemu_option *bios = qemu_option(c, "bios");
	const struct qemu_option *kernel = qemu_option(c, "kernel");
	const struct node *firmware = machine_member(c, "firmware");

	absent(&vm->firmware, c);
	absent(&vm->nvram_template, c);
	absent(&vm->secure_boot, c);
	absent(&vm->kernel, c);
	if (kernel && kernel->value)
		take_value(&vm->kernel, kernel);
	read_flash(&vm->loader, vm, c, 0);
	read_flash(&vm->nvram, vm, c, 1);
	qemu_say(&vm->loader_type, "pflash", c->at, vm->node);
	if (fact_absent(&vm->loader) || (bios && vm->loader.v.n == 0)) {
		absent(&vm->loader_type, c);
		if (bios && bios->value) {
			take_value(&vm->loader, bios);
			qemu_say(&vm->loader_type, "rom", bios->word->at, vm->node);
		} else if (firmware) {
			vm->loader = (struct fact){ .state = FACT_UNKNOWN,
						    .at = firmware->text_at };
		}
	}
	read_boot(vm, c);
}
