/* Firmware of a QEMU command line: -bios FILE, or flash of which the first holds code and the
 * second its variables (hw/i386/pc_sysfw.c), by -drive if=pflash, -pflash, or a -blockdev that
 * -machine names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/config/qemu_size.h"

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

static void read_tpm(struct vm *vm, const struct qemu_command *c)
{
	const struct qemu_option *o = qemu_option(c, "tpmdev");

	absent(&vm->tpm, c);
	absent(&vm->guest, c);
	if (o)
		qemu_say(&vm->tpm, "yes", o->word->at, vm->node);
}

/* -m 4G, -m size=4G,maxmem=8G; without a letter they are MiB. */
static void read_memory(struct vm *vm, const struct qemu_command *c)
{
	const struct qemu_option *o = qemu_option(c, "m");
	const char *comma;

	absent(&vm->memory, c);
	if (!o || !o->value)
		return;
	take_value(&vm->memory, o);
	if (!fact_known(&vm->memory))
		return;
	if (str_starts(vm->memory.v, "size="))
		vm->memory.v = (struct str){ vm->memory.v.p + 5, vm->memory.v.n - 5 };
	comma = memchr(vm->memory.v.p, ',', vm->memory.v.n);
	if (comma)
		vm->memory.v.n = (size_t)(comma - vm->memory.v.p);
	if (!qemu_size(vm->memory.v, 1 << 20, &vm->memory_size))
		vm->memory_size = 0;
}

void qemu_read_firmware(struct vm *vm, const struct qemu_command *c)
{
	const struct qemu_option *bios = qemu_option(c, "bios");
	const struct qemu_option *kernel = qemu_option(c, "kernel");
	const struct qemu_option *initrd = qemu_option(c, "initrd");
	const struct node *firmware = machine_member(c, "firmware");

	absent(&vm->firmware, c);
	absent(&vm->nvram_template, c);
	absent(&vm->secure_boot, c);
	absent(&vm->kernel, c);
	absent(&vm->initrd, c);
	if (kernel && kernel->value)
		take_value(&vm->kernel, kernel);
	if (initrd && initrd->value)
		take_value(&vm->initrd, initrd);
	read_tpm(vm, c);
	read_memory(vm, c);
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
