/* A libvirt domain's devices and their addresses.
 * libvirt, src/conf/device_conf.c and domain_conf.c (virDomainDeviceAddressParseXML).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/domain.h"
#include "analyze/config/domain_pci.h"
#include "base/num.h"

#include "base/banned.h"

const char *device_kind_name(enum device_kind kind)
{
	static const char *const names[] = {
#define X(member, name) name,
		DEVICE_KINDS(X)
#undef X
	};

	return names[kind];
}

const char *address_type_name(enum address_type t)
{
	static const char *const names[] = { "", "",
#define X(member, name) name,
					     ADDRESS_TYPES(X)
#undef X
	};

	return names[t];
}

/* ---- numbers ---- */

static bool digit_of(char c, unsigned base, unsigned *digit)
{
	if (c >= '0' && c <= '9')
		*digit = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*digit = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		*digit = (unsigned)(c - 'A') + 10;
	else
		return false;
	return *digit < base;
}

bool domain_number(struct str s, uint64_t *out)
{
	unsigned base = 10, digit;
	uint64_t v = 0;

	while (s.n && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r'))
		s = (struct str){ s.p + 1, s.n - 1 };
	if (str_starts(s, "0x") || str_starts(s, "0X")) {
		base = 16;
		s = (struct str){ s.p + 2, s.n - 2 };
	} else if (s.n > 1 && s.p[0] == '0') {
		base = 8;
	}
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!digit_of(s.p[i], base, &digit) || !u64_mul(v, base, &v) ||
		    !u64_add(v, digit, &v))
			return false;
	}
	*out = v;
	return true;
}

/* virScaleInteger(): b, byte, bytes; one of kmgtpe is a power of 1024, also with iB behind it,
 * with B one of 1000; in any case. 0: none of these. */
static uint64_t unit_bytes(struct str unit)
{
	static const char letters[] = "kmgtpe";
	char word[6] = "";
	const char *letter;
	uint64_t base = 1024, bytes = 1;

	if (unit.n == 0 || unit.n >= sizeof(word))
		return 0;
	for (size_t i = 0; i < unit.n; i++)
		word[i] = (char)(unit.p[i] |
				 ('A' <= unit.p[i] && unit.p[i] <= 'Z' ? 0x20 : 0));
	if (strcmp(word, "b") == 0 || strcmp(word, "byte") == 0 ||
	    strcmp(word, "bytes") == 0)
		return 1;
	letter = strchr(letters, word[0]);
	if (strcmp(word + 1, "b") == 0)
		base = 1000;
	else if (word[1] && strcmp(word + 1, "ib") != 0)
		return 0;
	if (!letter)
		return 0;
	for (const char *l = letters; l <= letter; l++)
		bytes *= base;
	return bytes;
}

bool domain_unit(struct str unit, uint64_t *bytes)
{
	*bytes = unit_bytes(unit);
	return *bytes != 0;
}

bool domain_size(const struct node *n, const char *unit, uint64_t *bytes)
{
	const struct node *scale = n ? node_attr(n, "unit") : NULL;
	uint64_t each = unit_bytes(scale && scale->text.n ? scale->text : str_of(unit)),
		 v;

	return n && each && str_u64(str_trim(n->text), &v) && u64_mul(v, each, bytes);
}

/* ---- addresses ---- */

static void read_part(struct address *to, struct address_part *part, const char *name)
{
	const struct node *n = node_attr(to->node, name);

	if (!n)
		return;
	part->given = true;
	if (!domain_number(n->text, &part->v))
		to->whole = false;
}

static enum address_type type_of(const struct node *n)
{
	const struct node *type = node_attr(n, "type");

	for (unsigned t = ADDRESS_unknown + 1; type && t <= ADDRESS_unassigned; t++) {
		if (str_is(type->text, address_type_name(t)))
			return t;
	}
	return ADDRESS_unknown;
}

static void read_address(struct address *to, const struct node *device)
{
	to->node = node_child(device, "address");
	if (!to->node)
		return;
	to->type = type_of(to->node);
	to->whole = to->type != ADDRESS_unknown;
	if (to->type == ADDRESS_pci) {
		read_part(to, &to->domain, "domain");
		read_part(to, &to->bus, "bus");
		read_part(to, &to->slot, "slot");
		read_part(to, &to->function, "function");
	} else if (to->type == ADDRESS_drive) {
		read_part(to, &to->controller, "controller");
		read_part(to, &to->bus, "bus");
		read_part(to, &to->target, "target");
		read_part(to, &to->unit, "unit");
	} else if (to->type == ADDRESS_virtio_serial) {
		read_part(to, &to->controller, "controller");
		read_part(to, &to->bus, "bus");
		read_part(to, &to->port, "port");
	} else if (to->type == ADDRESS_usb) {
		const struct node *port = node_attr(to->node, "port");

		read_part(to, &to->bus, "bus");
		to->usb_port = port ? port->text : (struct str){ 0 };
	}
}

/* ---- devices ---- */

static bool is_device(const struct node *n)
{
	return n->kind == NODE_ELEMENT && n->ns.n == 0;
}

static enum device_kind kind_of(const struct node *n)
{
	enum device_kind k = 0;

	while (k != DEVICE_other && !str_is(n->key, device_kind_name(k)))
		k++;
	return k;
}

/* libvirt's names of architectures, QEMU's, and the machine type where none is said
 * (preferredMachines in src/qemu/qemu_capabilities.c of libvirt 9.0). */
static const struct arch {
	const char *libvirt, *qemu, *machine;
} arches[] = {
	{ "i686", "i386", "pc" },          { "x86_64", "x86_64", "pc" },
	{ "armv6l", "arm", NULL },         { "armv7l", "arm", NULL },
	{ "aarch64", "aarch64", NULL },    { "ppc64", "ppc64", "pseries" },
	{ "ppc64le", "ppc64", "pseries" }, { "riscv32", "riscv32", NULL },
	{ "riscv64", "riscv64", NULL },    { "s390x", "s390x", "s390-ccw-virtio" },
};

static enum machine_family family_of(const struct vm *vm)
{
	struct str arch = { 0 }, machine = { 0 };

	if (fact_known(&vm->arch))
		arch = vm->arch.v;
	if (fact_known(&vm->machine))
		machine = vm->machine.v;
	if (vm->arch.state == FACT_UNKNOWN || vm->machine.state == FACT_UNKNOWN)
		return MACHINE_UNKNOWN;
	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++) {
		if (!str_is(arch, arches[i].libvirt))
			continue;
		arch = str_of(arches[i].qemu);
		if (machine.n == 0 && arches[i].machine)
			machine = str_of(arches[i].machine);
	}
	return machine.n ? machine_family(arch, machine) : MACHINE_UNKNOWN;
}

/* libvirt sees the devices of every <devices>. */
#define for_each_devices(var, domain)                                                    \
	for (const struct node *var = node_child((domain), "devices"); var;              \
	     var = node_again(var))

const struct domain *domain_read(const struct vm *vm, struct arena *a)
{
	struct domain *d = arena_try_new(a, struct domain);
	size_t next[DEVICE_KINDS_N];
	struct device *to;

	if (!d)
		return NULL;
	*d = (struct domain){ .vm = vm,
			      .node = vm->node,
			      .qemu = vm_runs_qemu(vm),
			      .machine = family_of(vm) };
	for_each_devices(devices, vm->node)
	{
		struct fact any = ASK(devices, "any");

		d->varies |= any.state == FACT_UNKNOWN;
		for_each_node (n, devices) {
			if (is_device(n))
				d->first[kind_of(n) + 1]++;
		}
	}
	for (size_t k = 0; k < DEVICE_KINDS_N; k++) {
		next[k] = d->first[k];
		d->first[k + 1] += d->first[k];
	}
	d->ndevices = d->first[DEVICE_KINDS_N];
	to = arena_try_array(a, d->ndevices, struct device);
	if (!to)
		return NULL;
	for_each_devices(devices, vm->node)
	{
		for_each_node (n, devices) {
			struct device *dev;

			if (!is_device(n))
				continue;
			dev = &to[next[kind_of(n)]++];
			*dev = (struct device){ .domain = d,
						.kind = kind_of(n),
						.node = n };
			read_address(&dev->address, n);
		}
	}
	d->devices = to;
	d->pci = pci_layout_read(d, a);
	return d;
}
