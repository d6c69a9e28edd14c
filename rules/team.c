/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/team.h"
#include "analyze/config/packer.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

#define FIELD(type, member)                                                              \
	{                                                                                \
		.name = #type "." #member, .on = SUBJECT_##type,                         \
		.offset = offsetof(struct type, member)                                  \
	}
#define HOSTDEV(member)                                                                  \
	{                                                                                \
		.name = "hostdev." #member, .on = SUBJECT_vm, .of_hostdev = true,        \
		.offset = offsetof(struct hostdev, member)                               \
	}

const struct team_field team_fields[] = {
	FIELD(vm, name),
	FIELD(vm, uuid),
	FIELD(vm, type),
	FIELD(vm, arch),
	FIELD(vm, machine),
	FIELD(vm, emulator),
	FIELD(vm, firmware),
	FIELD(vm, loader),
	FIELD(vm, loader_type),
	FIELD(vm, loader_readonly),
	FIELD(vm, nvram),
	FIELD(vm, nvram_template),
	FIELD(vm, secure_boot),
	FIELD(vm, kernel),
	FIELD(vm, acpi),
	FIELD(vm, ioapic),
	FIELD(vm, irqchip),
	FIELD(disk, device),
	FIELD(disk, type),
	FIELD(disk, source),
	FIELD(disk, format),
	FIELD(disk, target),
	FIELD(disk, bus),
	FIELD(disk, cache),
	FIELD(disk, io),
	FIELD(disk, discard),
	FIELD(disk, readonly),
	FIELD(disk, shareable),
	FIELD(disk, transient),
	FIELD(disk, logical_block_size),
	FIELD(disk, physical_block_size),
	FIELD(disk, size),
	FIELD(disk, made_from),
	FIELD(disk, iothread),
	FIELD(disk, locking),
	FIELD(disk, backing),
	FIELD(disk, backing_locking),
	FIELD(iommu, model),
	FIELD(iommu, intremap),
	FIELD(iommu, caching_mode),
	FIELD(iommu, eim),
	FIELD(iommu, iotlb),
	FIELD(iommu, aw_bits),
	FIELD(iommu, dma_translation),
	HOSTDEV(mode),
	HOSTDEV(type),
	HOSTDEV(managed),
	HOSTDEV(driver),
	FIELD(builder, vm_name),
	FIELD(builder, communicator),
	FIELD(builder, disable_vnc),
	FIELD(builder, shutdown_command),
	FIELD(builder, iso_url),
	FIELD(builder, format),
	FIELD(builder, disk_image),
	FIELD(builder, use_backing_file),
	FIELD(builder, disk_size),
	{ .name = NULL },
};

/* ---- a test ---- */

/* * is any text, ? any one byte. */
static bool matches(const char *pattern, struct str s)
{
	const char *star = NULL;
	size_t i = 0, from = 0;

	while (i < s.n) {
		if (*pattern == '*') {
			star = pattern++;
			from = i;
		} else if (*pattern && (*pattern == '?' || *pattern == s.p[i])) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static bool is_among(const struct team_test *t, const struct fact *f)
{
	bool glob = t->op == TEAM_MATCHES || t->op == TEAM_NOT_MATCHES;

	for (size_t i = 0; i < t->nwords; i++) {
		const char *w = t->words[i];

		if (!w ? fact_absent(f)
		       : fact_known(f) && (glob ? matches(w, f->v) : str_is(f->v, w)))
			return true;
	}
	return false;
}

enum verdict { WANTED, UNWANTED, UNDECIDED };

static enum verdict verdict(const struct team_test *t, const struct fact *f)
{
	uint64_t v;

	if (f->state == FACT_UNKNOWN)
		return UNDECIDED;
	switch (t->op) {
	case TEAM_IS:
	case TEAM_MATCHES:
		return is_among(t, f) ? WANTED : UNWANTED;
	case TEAM_NOT:
	case TEAM_NOT_MATCHES:
		return is_among(t, f) ? UNWANTED : WANTED;
	case TEAM_AT_LEAST:
	case TEAM_AT_MOST:
		if (!fact_known(f) || !str_u64(f->v, &v))
			return UNDECIDED;
		return (t->op == TEAM_AT_LEAST ? v >= t->number : v <= t->number)
			       ? WANTED
			       : UNWANTED;
	}
	return UNDECIDED;
}

bool team_wants(const struct team_test *t, const char *value)
{
	struct fact f = { .state = value ? FACT_KNOWN : FACT_ABSENT };

	if (value)
		f.v = str_of(value);
	return verdict(t, &f) == WANTED;
}

/* ---- a setting ---- */

static const struct fact *fact_at(const struct team_field *f, const void *object)
{
	return (const void *)((const char *)object + f->offset);
}

static bool reads(const struct team_rule *r, const struct unit *u)
{
	for (size_t i = 0; i < r->nformats; i++) {
		if (r->formats[i] == u->format)
			return true;
	}
	return r->nformats == 0;
}

/* What is not set here may be set where nobody looks: in a profile, by words for QEMU. Nor can
 * a flavour lack what it has no word for. */
static bool may_be_elsewhere(const struct vm *vm, const struct fact *f)
{
	if (!fact_absent(f))
		return false;
	return !f->lens || vm->flavour == FLAVOUR_INCUS || vm->base || vm->nraw ||
	       (vm->qemu && vm->qemu->open);
}

/* Words that are added to a VM repeat what it says. */
static bool is_inherited(const struct vm *vm, const struct team_field *field,
			 const struct fact *f)
{
	const struct fact *own;

	if (!vm->base)
		return false;
	own = fact_at(field, vm->base);
	return own->state == f->state && own->at.src == f->at.src &&
	       own->at.off == f->at.off && own->owner == f->owner;
}

/* object: what the rule is about, of vm. */
static bool is_meant(const struct team_rule *r, const void *object, const struct vm *vm)
{
	for (size_t i = 0; i < r->nwhen; i++) {
		const struct team_field *f = r->when[i].field;
		const void *of =
			f->on == r->test.field->on &&
					f->of_hostdev == r->test.field->of_hostdev
				? object
				: vm;

		if (verdict(&r->when[i], fact_at(f, of)) != WANTED)
			return false;
	}
	return true;
}

static struct finding *say(struct scan *s, const struct team_rule *r,
			   const struct fact *f)
{
	const char *seen = "is not set";

	if (fact_known(f))
		seen = scan_printf(s, "is '%s'", shown(s, f->v));
	return report(s, f->at, "%s %s, %s: %s", r->name, seen, r->expected, r->message);
}

static struct finding *judge(struct scan *s, const void *object, const struct vm *vm)
{
	const struct team_rule *r = scan_rule(s)->team;
	const struct fact *f = fact_at(r->test.field, object);

	if (!f->at.src || may_be_elsewhere(vm, f) || verdict(&r->test, f) != UNWANTED ||
	    !reads(r, scan_unit(s)) || !is_meant(r, object, vm))
		return NULL;
	return say(s, r, f);
}

static bool mend(struct plan *p, const struct team_rule *r, const struct fact *f)
{
	if (r->remove) {
		plan_title(p, "remove %s", r->name);
		return plan_remove(p, f);
	}
	if (!r->set)
		return false;
	plan_title(p, "%s becomes '%s'", r->name, r->set);
	return plan_set(p, f, r->set);
}

/* ---- fields ---- */

static void check_vm(struct scan *s, const struct vm *vm)
{
	const struct team_field *field = scan_rule(s)->team->test.field;
	struct finding *f;

	if (!field->of_hostdev) {
		if (!is_inherited(vm, field, fact_at(field, vm)))
			judge(s, vm, vm);
		return;
	}
	for (size_t i = 0; i < vm->nhostdevs && !vm->base; i++) {
		f = judge(s, &vm->hostdevs[i], vm);
		if (f)
			f->arg = i;
	}
}

static bool fix_vm(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct team_field *field = f->rule->team->test.field;
	const void *object = vm;

	if (field->of_hostdev)
		object = &vm->hostdevs[f->arg];
	return mend(p, f->rule->team, fact_at(field, object));
}

#define OF_VM(member, type)                                                              \
	static void check_##member(struct scan *s, const struct type *object)            \
	{                                                                                \
		judge(s, object, object->vm);                                            \
	}                                                                                \
	static bool fix_##member(struct plan *p, const struct finding *f,                \
				 const struct type *object)                              \
	{                                                                                \
		return mend(p, f->rule->team,                                            \
			    fact_at(f->rule->team->test.field, object));                 \
	}

OF_VM(disk, disk)
OF_VM(iommu, iommu)
OF_VM(builder, builder)

/* ---- paths ---- */

static bool is_meant_here(const struct team_rule *r, const struct node *owner)
{
	for (size_t i = 0; i < r->nwhen; i++) {
		struct fact f = node_path_read(r->when[i].path, owner);

		if (verdict(&r->when[i], &f) != WANTED)
			return false;
	}
	return true;
}

static void check_unit(struct scan *s, const struct unit *u)
{
	const struct team_rule *r = scan_rule(s)->team;
	const struct node *n = NULL;

	if (!u->doc || !reads(r, u))
		return;
	while ((n = node_path_owner(r->test.path, u->doc, n))) {
		struct fact f = node_path_read(r->test.path, n);

		if (f.at.src && verdict(&r->test, &f) == UNWANTED && is_meant_here(r, n))
			say(s, r, &f)->arg = n->whole.off;
	}
}

static bool fix_unit(struct plan *p, const struct finding *f, const struct unit *u)
{
	const struct team_rule *r = f->rule->team;
	const struct node *n = NULL;

	while ((n = node_path_owner(r->test.path, u->doc, n))) {
		struct fact here = node_path_read(r->test.path, n);

		if (n->whole.off == f->arg && here.at.off == f->at.off)
			return mend(p, r, &here);
	}
	return false;
}

void team_rule_bind(struct team_rule *r)
{
	struct rule *x = &r->rule;

	x->team = r;
	x->on = r->test.field ? r->test.field->on : SUBJECT_unit;
	switch (x->on) {
	case SUBJECT_vm:
		x->check.vm = check_vm;
		x->fix.vm = fix_vm;
		return;
	case SUBJECT_disk:
		x->check.disk = check_disk;
		x->fix.disk = fix_disk;
		return;
	case SUBJECT_iommu:
		x->check.iommu = check_iommu;
		x->fix.iommu = fix_iommu;
		return;
	case SUBJECT_builder:
		x->check.builder = check_builder;
		x->fix.builder = fix_builder;
		return;
	case SUBJECT_unit:
		x->check.unit = check_unit;
		x->fix.unit = fix_unit;
		return;
	case SUBJECT_image:
	case SUBJECT_mbr:
	case SUBJECT_gpt:
	case SUBJECT_volume:
	case SUBJECT_iso:
	case SUBJECT_iso_volume:
	case SUBJECT_qcow2:
	case SUBJECT_incus:
	case SUBJECT_incus_pool:
	case SUBJECT_ignored:
	case SUBJECT_utm:
	case SUBJECT_domain:
	case SUBJECT_device:
	case SUBJECT_claim:
		break;
	}
	BUG("a team's rule about subject %u", x->on);
}
