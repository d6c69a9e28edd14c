/* What some versions of QEMU do not have: options that went, and machine types that came or
 * went. QEMU, docs/about/removed-features.rst.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- qemu-option-removed ---- */

struct removed {
	const char *option, *key, *value, *since, *instead, *same;
};

static const struct removed removed[] = {
#define REMOVED(option, key, value, since, instead, same)                                \
	{ (option), (key), (value), (since), (instead), (same) },
#include "rules/qemu_removed.def"
#undef REMOVED
};

static struct version version_of(const char *text)
{
	struct version v = { .known = false };

	(void)version_parse(str_of(text), &v);
	return v;
}

static bool is_older(const struct version *v, const struct version *than)
{
	return version_cmp(v, than->part[0], than->part[1], than->part[2]) < 0;
}

static bool is_it(const struct qemu_option *o, const struct removed *r,
		  const struct node **at)
{
	bool machine = str_is(o->name, "M") && str_is(str_of(r->option), "machine");

	*at = NULL;
	if (!str_is(o->name, r->option) && !machine)
		return false;
	if (!r->key)
		return true;
	*at = r->value ? arg_known(o, r->key) : qemu_opt(o, r->key);
	return *at && (!r->value || str_is((*at)->text, r->value));
}

static const struct removed *removed_in(const struct qemu_option *o,
					const struct node **at)
{
	for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
		if (is_it(o, &removed[i], at))
			return &removed[i];
	}
	return NULL;
}

static void say_removed(struct scan *s, const struct qemu_option *o,
			const struct removed *r, const struct node *at)
{
	struct version v = target_version(s, "qemu"), since = version_of(r->since);
	const char *what = r->value ? r->value : r->key ? r->key : r->option;
	struct finding *f;

	if (v.known && is_older(&v, &since))
		return;
	f = report(s, at ? at->whole : o->word->at, "%s%s%s: gone with QEMU %s%s%s",
		   r->key ? scan_printf(s, "-%s ", r->option) : "-", what,
		   r->key && !r->value ? "=" : "", r->since,
		   r->instead ? ", expected " : "", r->instead ? r->instead : "");
	report_label(s, f, "QEMU %s and newer exit at start", r->since);
	if (!v.known)
		report_lower(f);
}

static void check_removed(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *at;
		const struct removed *r = removed_in(o, &at);

		if (r)
			say_removed(s, o, r, at);
	}
}

static bool fix_removed(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *at;
		const struct removed *r = removed_in(o, &at);

		if (!r || (at ? at->whole.off : o->word->at.off) != f->at.off)
			continue;
		if (!r->same)
			return plan_refuse(p,
					   "what takes its place is written differently");
		if (!vm->qemu->blanks || o->word->at.len != o->word->text.n)
			return plan_refuse(p, "its word is to become two");
		plan_title(p, "%s", r->same);
		return plan_replace(p, o->word->at, str_of(r->same));
	}
	return false;
}

/* ---- qemu-machine-type ---- */

static struct str arch_of(const struct vm *vm)
{
	if (!fact_known(&vm->arch))
		return STR("");
	return str_is(vm->arch.v, "i686") ? STR("i386") : vm->arch.v;
}

static void say_age(struct scan *s, const struct vm *vm, const struct machine *m)
{
	struct version v = target_version(s, "qemu");
	const struct version *r = &m->removed;
	struct finding *f;

	if (v.known && m->since.known && is_older(&v, &m->since)) {
		f = report(s, vm->machine.at, "machine '%s' came with QEMU %u.%u",
			   shown(s, vm->machine.v), m->since.part[0], m->since.part[1]);
		report_label(
			s, f,
			"the target's QEMU exits at start: unsupported machine type");
		return;
	}
	/* Of those that are to go by QEMU's own plan, nothing is said before they are gone. */
	if (!r->known || (v.known ? is_older(&v, r) : version_cmp(r, 10, 2, 0) > 0))
		return;
	f = report(s, vm->machine.at, "machine '%s' went with QEMU %u.%u%s%s",
		   shown(s, vm->machine.v), r->part[0], r->part[1],
		   m->instead ? ", expected " : "", m->instead ? m->instead : "");
	report_label(s, f, "QEMU %u.%u and newer exit at start: unsupported machine type",
		     r->part[0], r->part[1]);
	if (!v.known)
		report_lower(f);
}

/* The usual names: a typing mistake of one of those is one. */
static const char *meant_by(struct scan *s, struct str name)
{
	static const char *const names[] = { "q35",        "pc",      "microvm",
					     "virt",       "isapc",   "pseries",
					     "raspi3b",    "raspi2b", "s390-ccw-virtio",
					     "versatilepb" };
	struct suggestion best = { .word = scan_printf(s, "%.*s", STR_ARG(name)) };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		suggest(&best, names[i]);
	return name.n > 2 ? best.best : NULL;
}

static void check_machine(struct scan *s, const struct vm *vm)
{
	const struct fact *machine = &vm->machine;
	struct machine m, other;
	const char *meant;
	struct finding *f;

	/* What the words are added to says it elsewhere. */
	if (vm->flavour != FLAVOUR_QEMU || vm->base || !fact_known(machine))
		return;
	if (machine_find(arch_of(vm), machine->v, &m)) {
		say_age(s, vm, &m);
		return;
	}
	if (machine_find(STR(""), machine->v, &other) && other.arches && arch_of(vm).n) {
		f = report(s, machine->at, "machine '%s' is one of %s, and this is %s",
			   shown(s, machine->v), other.arches, shown(s, arch_of(vm)));
		report_label(s, f, "QEMU exits at start: unsupported machine type");
		return;
	}
	meant = meant_by(s, machine->v);
	if (!meant || memchr(machine->v.p, '-', machine->v.n))
		return;
	f = report(s, machine->at, "there is no machine '%s', expected '%s'",
		   shown(s, machine->v), meant);
	report_label(s, f, "QEMU exits at start: unsupported machine type");
}

const struct rule rules_args_age[] = {
	{ .id = "qemu-machine-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a machine type that QEMU does not have",
	  .why = "Each program of QEMU has the machines of its own architecture. Versioned "
		 "types come with the version in their name, and since 10.1 go after six "
		 "years. QEMU exits at start.",
	  .steps =
		  "`qemu-system-ARCH -machine help` lists them. Names without a version (pc, "
		  "q35, virt) are the newest. With another version a guest sees other "
		  "hardware: Windows may want to be activated again, and a saved state "
		  "cannot be loaded.",
	  .source = "QEMU, docs/about/removed-features.rst; include/hw/boards.h, "
		    "MACHINE_VER_DELETION()",
	  .since = "0.1.0",
	  CHECK(vm, check_machine) },
	{ .id = "qemu-option-removed",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an option that QEMU no longer has",
	  .why = "Options are deprecated for two releases and then go: QEMU exits at start. "
		 "It is an error where --target says which QEMU it is for, and else a "
		 "warning: an older one takes it.",
	  .source = "QEMU, docs/about/removed-features.rst",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_removed, fix_removed) },
};
RULES_END(args_age);
