/* The VM that a QEMU command line tells of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/qemu_override.h"
#include "analyze/machine.h"

#include "base/banned.h"

static const struct lens machine_lenses[] = {
	LENS(vm, machine, "type"),
	LENS(vm, irqchip, "kernel_irqchip|kernel-irqchip"),
};

static const struct lens name_lenses[] = {
	LENS(vm, name, "guest"),
};

static const struct lens iommu_lenses[] = {
	LENS(iommu, intremap, "intremap"),
	LENS(iommu, caching_mode, "caching-mode"),
	LENS(iommu, eim, "eim"),
	LENS(iommu, iotlb, "device-iotlb"),
	LENS(iommu, aw_bits, "aw-bits|x-aw-bits"),
	LENS(iommu, dma_translation, "dma-translation"),
};

#define N(table)                   (sizeof(table) / sizeof((table)[0]))
#define READ(table, owner, object) lens_read((table), N(table), (owner), (object))

static bool is_machine(const struct qemu_option *o)
{
	return o->opts && (str_is(o->name, "machine") || str_is(o->name, "M"));
}

/* ---- devices ---- */

static const struct node *driver_of(const struct qemu_option *o)
{
	return str_is(o->name, "device") ? qemu_opt(o, "driver") : NULL;
}

static const char *iommu_model(const struct node *driver)
{
	if (!driver || driver->kind != NODE_SCALAR)
		return NULL;
	if (str_is(driver->text, "intel-iommu"))
		return "intel";
	if (str_is(driver->text, "amd-iommu"))
		return "amd";
	return str_starts(driver->text, "virtio-iommu") ? "virtio" : NULL;
}

static const char *hostdev_type(const struct node *driver)
{
	if (!driver || driver->kind != NODE_SCALAR)
		return NULL;
	if (str_is(driver->text, "vfio-pci") ||
	    str_is(driver->text, "vfio-pci-nohotplug"))
		return "pci";
	return str_is(driver->text, "usb-host") ? "usb" : NULL;
}

/* -global intel-iommu.caching-mode=on and -set device.ID....=... are further ways. */
static void apply_overrides(struct iommu *i, const struct qemu_option *option,
			    const struct node *driver, const struct qemu_command *c)
{
	const struct node *id = qemu_opt(option, "id");
	struct qemu_override o;

	for (size_t k = 0; k < c->noptions; k++) {
		if (!qemu_override_of(&o, &c->options[k]))
			continue;
		if (o.any || (o.driver.n && str_eq(o.driver, driver->text)) ||
		    (id && str_is(o.group, "device") && str_eq(o.id, id->text)))
			qemu_override_facts(iommu_lenses, N(iommu_lenses), i, &o);
	}
}

/* JSON has a type for what is on or off elsewhere. */
static void from_json(struct fact *f)
{
	if (fact_is(f, "true"))
		f->v = STR("on");
	else if (fact_is(f, "false"))
		f->v = STR("off");
}

static void read_iommu(struct iommu *i, const struct qemu_option *o,
		       const struct node *driver, const struct qemu_command *c)
{
	READ(iommu_lenses, o->opts, i);
	for (size_t k = 0; k < N(iommu_lenses); k++)
		from_json((void *)((char *)i + iommu_lenses[k].offset));
	apply_overrides(i, o, driver, c);
	i->node = o->opts;
	qemu_say(&i->model, iommu_model(driver), driver->text_at, o->opts);
}

static void read_hostdev(struct hostdev *h, const struct qemu_option *o,
			 const struct node *driver)
{
	struct span at = driver->text_at;

	h->node = o->opts;
	qemu_say(&h->mode, "subsystem", at, o->opts);
	qemu_say(&h->type, qemu_opt(o, "sysfsdev") ? "mdev" : hostdev_type(driver), at,
		 o->opts);
	qemu_say(&h->driver, "vfio", at, o->opts);
	h->managed = (struct fact){ .state = FACT_ABSENT, .at = at };
}

static bool read_devices(struct vm *vm, const struct qemu_command *c,
			 const struct host *host, struct arena *a)
{
	size_t iommus = 0, hostdevs = 0;
	struct hostdev *h;
	struct iommu *i;
	struct disk *d;

	for (size_t k = 0; k < c->noptions; k++) {
		iommus += iommu_model(driver_of(&c->options[k])) != NULL;
		hostdevs += hostdev_type(driver_of(&c->options[k])) != NULL;
	}
	d = arena_try_array(a, qemu_count_disks(c), struct disk);
	i = arena_try_array(a, iommus, struct iommu);
	h = arena_try_array(a, hostdevs + vm->nhostdevs, struct hostdev);
	if (!d || !i || !h)
		return false;
	/* Those of the VM that the words are added to come first. */
	if (vm->nhostdevs)
		memcpy(h, vm->hostdevs, vm->nhostdevs * sizeof(*h));
	qemu_read_disks(vm, d, c, host);
	vm->iommus = i;
	vm->hostdevs = h;
	for (size_t k = 0; k < c->noptions; k++) {
		const struct node *driver = driver_of(&c->options[k]);

		if (iommu_model(driver)) {
			read_iommu(i, &c->options[k], driver, c);
			i++->vm = vm;
			vm->niommus++;
		} else if (hostdev_type(driver)) {
			read_hostdev(&h[vm->nhostdevs], &c->options[k], driver);
			h[vm->nhostdevs++].vm = vm;
		}
	}
	return true;
}

/* ---- the VM's own facts ---- */

static void absent(struct fact *f, const struct qemu_command *c)
{
	*f = (struct fact){ .state = c->open ? FACT_UNKNOWN : FACT_ABSENT, .at = c->at };
}

/* Options of several -machine are joined: the last that names a type counts. */
static void read_machine(struct vm *vm, const struct qemu_command *c)
{
	struct vm one;

	absent(&vm->machine, c);
	absent(&vm->ioapic, c);
	absent(&vm->irqchip, c);
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (!is_machine(o))
			continue;
		READ(machine_lenses, o->opts, &one);
		if (one.machine.state != FACT_ABSENT || !vm->machine.lens)
			vm->machine = one.machine;
		if (one.irqchip.state != FACT_ABSENT || !vm->irqchip.lens)
			vm->irqchip = one.irqchip;
	}
	/* What is not seen may say more. */
	if (c->open && fact_absent(&vm->machine))
		vm->machine.state = FACT_UNKNOWN;
	if (c->open && fact_absent(&vm->irqchip))
		vm->irqchip.state = FACT_UNKNOWN;
	vm->ioapic = vm->irqchip;
	vm->ioapic.lens = NULL;
	if (fact_known(&vm->irqchip))
		vm->ioapic.v = str_is(vm->irqchip.v, "on") ? STR("kvm") : STR("qemu");
}

/* What the words say of the accelerator, else what is there already. */
static void read_accel(struct vm *vm, const struct qemu_command *c)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];
		const struct node *accel = NULL;

		if (str_is(o->name, "enable-kvm"))
			qemu_say(&vm->type, "kvm", o->word->at, vm->node);
		if (is_machine(o) || str_is(o->name, "accel"))
			accel = qemu_opt(o, "accel");
		if (!accel || accel->kind != NODE_SCALAR)
			continue;
		/* kvm:tcg tries one after the other. */
		if (str_is(accel->text, "kvm") || str_is(accel->text, "hvf"))
			qemu_say(&vm->type, str_is(accel->text, "kvm") ? "kvm" : "hvf",
				 accel->text_at, o->opts);
	}
}

static void read_arch(struct vm *vm, const struct word *program)
{
	struct str name = program->text;
	size_t at = name.n;

	while (at > 0 && name.p[at - 1] != '-' && name.p[at - 1] != '/')
		at--;
	name = (struct str){ name.p + at, name.n - at };
	if (str_ends(name, ".exe"))
		name.n -= 4;
	vm->arch = (struct fact){ .state = FACT_KNOWN, .v = name, .at = program->at };
	if (str_is(name, "kvm"))
		vm->arch.state = FACT_ABSENT;
	else if (str_is(name, "i386"))
		vm->arch.v = STR("i686");
}

static void read_texts(struct vm *vm, const struct qemu_command *c)
{
	const struct qemu_option *o = qemu_option(c, "uuid");

	absent(&vm->uuid, c);
	if (o && o->value)
		vm->uuid = (struct fact){
			.state = word_unknown(o->value, 0, o->value->text.n)
					 ? FACT_UNKNOWN
					 : FACT_KNOWN,
			.v = o->value->text,
			.at = o->value->at,
		};
	o = qemu_option(c, "name");
	absent(&vm->name, c);
	if (o && o->opts)
		READ(name_lenses, o->opts, vm);
	/* Present unless it is turned off, here or in the machine's options. */
	vm->acpi = (struct fact){ .state = FACT_UNKNOWN, .at = c->at };
}

/* Some accelerator is in use in any case: it does run under QEMU. */
static void read_type(struct vm *vm, const struct word *program,
		      const struct qemu_command *c)
{
	qemu_say(&vm->type, "qemu", program->at, vm->node);
	if (str_ends(program->text, "kvm"))
		vm->type.v = STR("kvm");
	read_accel(vm, c);
}

bool qemu_vm(struct vm *vm, const struct word *program, struct qemu_command *c,
	     const struct host *host, struct arena *a)
{
	vm->qemu = c;
	c->vm = vm;
	c->at = program->at;
	read_type(vm, program, c);
	read_arch(vm, program);
	vm->emulator = (struct fact){ .state = FACT_KNOWN,
				      .v = program->text,
				      .at = program->at };
	read_machine(vm, c);
	read_texts(vm, c);
	if (!read_devices(vm, c, host, a))
		return false;
	qemu_read_firmware(vm, c);
	return true;
}

/* ---- a file of options ---- */

/* Which program reads it is not said; its machines may tell. */
static void guess_arch(struct vm *vm)
{
	const struct fact *machine = &vm->machine;
	enum machine_family family = fact_known(machine)
					     ? machine_family(STR("x86_64"), machine->v)
					     : MACHINE_UNKNOWN;

	vm->arch = (struct fact){ .state = FACT_UNKNOWN, .at = machine->at };
	if (family == MACHINE_Q35 || family == MACHINE_I440FX ||
	    family == MACHINE_MICROVM || family == MACHINE_ISAPC)
		qemu_say(&vm->arch, "x86_64", machine->at, vm->node);
}

bool qemu_vm_file(struct vm *vm, struct qemu_command *c, const struct host *host,
		  struct arena *a)
{
	vm->qemu = c;
	c->vm = vm;
	c->open = true;
	qemu_say(&vm->type, "qemu", c->at, vm->node);
	read_accel(vm, c);
	read_machine(vm, c);
	guess_arch(vm);
	vm->emulator = (struct fact){ .state = FACT_UNKNOWN, .at = c->at };
	read_texts(vm, c);
	if (!read_devices(vm, c, host, a))
		return false;
	qemu_read_firmware(vm, c);
	vm->boots_elsewhere = true;
	return true;
}

/* ---- words that are added to a command line ---- */

/* Where the words say nothing, the rest of the command line does, or may. */
static void inherit(struct fact *f, const struct fact *from)
{
	if (f->state == FACT_ABSENT || (f->state == FACT_UNKNOWN && f->v.n == 0))
		*f = *from;
}

bool qemu_vm_added(struct vm *vm, const struct vm *base, struct qemu_command *c,
		   const struct host *host, struct arena *a)
{
	*vm = (struct vm){ .flavour = FLAVOUR_QEMU,
			   .node = base->node,
			   .base = base,
			   .qemu = c,
			   .type = base->type,
			   .arch = base->arch,
			   .emulator = base->emulator,
			   .hostdevs = base->hostdevs,
			   .nhostdevs = base->nhostdevs };
	c->vm = vm;
	c->unknown = c->open;
	c->open = true;
	read_accel(vm, c);
	read_machine(vm, c);
	read_texts(vm, c);
	inherit(&vm->machine, &base->machine);
	inherit(&vm->name, &base->name);
	inherit(&vm->uuid, &base->uuid);
	if (!fact_known(&vm->irqchip))
		inherit(&vm->ioapic, &base->ioapic);
	if (!read_devices(vm, c, host, a))
		return false;
	qemu_read_firmware(vm, c);
	return true;
}
