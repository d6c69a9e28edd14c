/* Processors, memory, accelerators and kernels of a command line of QEMU.
 * QEMU: hw/core/machine-smp.c, softmmu/vl.c, util/cutils.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_size.h"
#include "base/num.h"
#include "rules/args.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "base/banned.h"

/* The only option of that name; NULL: there is none, or they are joined. */
static const struct qemu_option *only(const struct vm *vm, const char *name)
{
	const struct qemu_option *found = NULL;

	for_each_arg (o, vm) {
		if (!str_is(o->name, name))
			continue;
		if (found)
			return NULL;
		found = o;
	}
	return found && found->opts && !arg_open(found) ? found : NULL;
}

/* ---- qemu-smp-topology ---- */

enum level { DRAWERS, BOOKS, SOCKETS, DIES, CLUSTERS, MODULES, CORES, THREADS, LEVELS };

static const char *const level_names[LEVELS] = { "drawers", "books",    "sockets",
						 "dies",    "clusters", "modules",
						 "cores",   "threads" };

struct topology {
	uint64_t cpus, max, v[LEVELS]; /* 0: not given */
};

static bool topology_of(const struct qemu_option *o, struct topology *t)
{
	*t = (struct topology){ 0 };
	for_each_node (n, o->opts) {
		uint64_t *to = str_is(n->key, "cpus")      ? &t->cpus
			       : str_is(n->key, "maxcpus") ? &t->max
							   : NULL;

		for (size_t i = 0; i < LEVELS; i++) {
			if (str_is(n->key, level_names[i]))
				to = &t->v[i];
		}
		if (!to || n->kind != NODE_SCALAR || !str_u64(n->text, to) || *to == 0 ||
		    *to > UINT16_MAX)
			return false;
	}
	return true;
}

static uint64_t product(const struct topology *t)
{
	uint64_t all = 1;

	for (size_t i = 0; i < LEVELS; i++) {
		if (t->v[i] && !u64_mul(all, t->v[i], &all))
			return 0;
	}
	return all;
}

/* What is not given is derived: first cores or sockets, by the machine's version, then
 * threads. */
static void derive(struct topology *t, enum level first, enum level second)
{
	uint64_t max = t->max ? t->max : t->cpus;

	if (!t->v[first]) {
		t->v[second] = t->v[second] ? t->v[second] : 1;
		t->v[THREADS] = t->v[THREADS] ? t->v[THREADS] : 1;
		t->v[first] = max / product(t);
	} else if (!t->v[second]) {
		t->v[THREADS] = t->v[THREADS] ? t->v[THREADS] : 1;
		t->v[second] = max / product(t);
	}
	if (!t->v[THREADS])
		t->v[THREADS] = max / product(t);
	t->max = max;
}

static bool fits(struct topology t, enum level first, enum level second)
{
	if (t.cpus || t.max)
		derive(&t, first, second);
	else
		t.max = product(&t);
	return product(&t) == t.max;
}

static const char *said(struct scan *s, const struct topology *t)
{
	const char *text = "";

	for (size_t i = 0; i < LEVELS; i++) {
		if (t->v[i])
			text = scan_printf(s, "%s%s%s=%llu", text, *text ? " * " : "",
					   level_names[i], (unsigned long long)t->v[i]);
	}
	return text;
}

static void check_smp(struct scan *s, const struct vm *vm)
{
	const struct qemu_option *o = only(vm, "smp");
	struct topology t;
	struct finding *f;
	uint64_t max;

	if (!o || !topology_of(o, &t))
		return;
	max = t.max ? t.max : t.cpus;
	if (t.max && t.max < t.cpus) {
		f = report(s, o->opts->whole, "%llu processors, and maxcpus=%llu",
			   (unsigned long long)t.cpus, (unsigned long long)t.max);
		report_label(s, f, "QEMU exits at start: maxcpus must not be less");
		return;
	}
	if (max == 0 || product(&t) == 0 || fits(t, CORES, SOCKETS) ||
	    fits(t, SOCKETS, CORES))
		return;
	f = report(s, o->opts->whole, "%s do not make %llu processors", said(s, &t),
		   (unsigned long long)max);
	report_label(s, f,
		     "QEMU exits at start: the product of the hierarchy must match "
		     "maxcpus");
}

/* ---- qemu-memory ---- */

static const struct node *wrong_size(const struct vm *vm)
{
	for_each_arg (o, vm) {
		static const char *const keys[] = { "size", "maxmem" };

		for (size_t i = 0; i < 2; i++) {
			const struct node *n =
				str_is(o->name, "m") ? arg_known(o, keys[i]) : NULL;

			if (n && qemu_size_meant(n->text))
				return n;
		}
	}
	return NULL;
}

static void check_maxmem(struct scan *s, const struct qemu_option *o)
{
	const struct node *size = arg_known(o, "size"), *max = qemu_opt(o, "maxmem");
	const struct node *slots = qemu_opt(o, "slots");
	uint64_t bytes, most;
	struct finding *f;

	if (slots && !max) {
		f = report(s, slots->whole, "slots= without maxmem=");
		report_label(s, f,
			     "QEMU exits at start: slots specified but no max-size");
		return;
	}
	if (!size || !max || max->kind != NODE_SCALAR ||
	    !qemu_size(size->text, 1 << 20, &bytes) || !qemu_size(max->text, 1, &most) ||
	    most > bytes || (most == bytes && !slots))
		return;
	f = report(s, max->whole, "maxmem=%s is not more than the memory, %s",
		   shown(s, max->text), shown(s, size->text));
	report_label(s, f, "QEMU exits at start: invalid value of maxmem");
	report_related(s, f, size->whole, "the memory");
}

static void check_memory(struct scan *s, const struct vm *vm)
{
	const struct node *n = wrong_size(vm);
	const struct qemu_option *o = only(vm, "m");
	struct finding *f;

	if (!n) {
		if (o && !vm->base)
			check_maxmem(s, o);
		return;
	}
	f = report(s, n->text_at, "'%s', expected '%.*s'", shown(s, n->text),
		   (int)qemu_size_meant(n->text), n->text.p);
	report_label(s, f, "QEMU exits at start: a size ends with k, M, G or T");
}

static bool fix_memory(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *n = wrong_size(vm);

	(void)f;
	if (!n)
		return plan_refuse(p, "how much is meant cannot be seen from here");
	if (n->text_at.len != n->text.n)
		return plan_refuse(p, "its value is written with escapes");
	plan_title(p, "%.*s", (int)qemu_size_meant(n->text), n->text.p);
	return plan_replace(p, n->text_at,
			    (struct str){ n->text.p, qemu_size_meant(n->text) });
}

/* ---- qemu-cpu-host-without-kvm ---- */

static const struct node *machine_accel(const struct vm *vm)
{
	const struct node *found = NULL;

	for_each_arg (o, vm) {
		const struct node *n = is_machine_arg(o) ? arg_known(o, "accel") : NULL;

		found = n ? n : found;
	}
	return found;
}

/* One that has the host's processor is chosen, or may be. */
static bool says_accelerator(const struct vm *vm)
{
	for_each_arg (o, vm) {
		bool tcg = o->opts && arg_is(o, "accel", "tcg");

		if (str_among(o->name, "enable-kvm enable-hax") ||
		    (str_is(o->name, "accel") && !tcg))
			return true;
		if (is_machine_arg(o) && !tcg && (qemu_opt(o, "accel") || arg_open(o)))
			return true;
	}
	return fact_known(&vm->emulator) && str_ends(vm->emulator.v, "kvm");
}

static const struct node *host_cpu(const struct vm *vm)
{
	const struct qemu_option *o = only(vm, "cpu");
	const struct node *n = o ? arg_known(o, "model") : NULL;

	return n && str_is(n->text, "host") ? n : NULL;
}

static void check_host(struct scan *s, const struct vm *vm)
{
	const struct node *n = host_cpu(vm);
	struct finding *f;

	if (!n || !args_whole(vm) || says_accelerator(vm))
		return;
	f = report(s, n->text_at,
		   "-cpu host without KVM or HVF: QEMU emulates the processor");
	report_label(s, f, "QEMU exits at start: CPU model 'host' requires KVM or HVF");
}

static bool fix_host(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *o = only(vm, "cpu");

	(void)f;
	if (machine_accel(vm) || qemu_option(vm->qemu, "accel"))
		return plan_refuse(p,
				   "TCG was asked for: the most that it has is -cpu max");
	plan_title(p, "-accel kvm");
	return plan_add_option(p, vm->qemu, o, false, "-accel", "kvm");
}

/* ---- qemu-accel-twice ---- */

static const struct node *accel(const struct vm *vm)
{
	const struct qemu_option *o = vm->qemu ? qemu_option(vm->qemu, "accel") : NULL;

	return o && o->opts ? arg_known(o, "accel") : NULL;
}

static void check_accel(struct scan *s, const struct vm *vm)
{
	const struct node *a = machine_accel(vm), *b = accel(vm);
	struct finding *f;

	if (!a || !b)
		return;
	f = report(s, a->whole, "accel=%s in -machine, and -accel %s besides",
		   shown(s, a->text), shown(s, b->text));
	report_label(
		s, f,
		"QEMU exits at start: the -accel and \"-machine accel=\" options are "
		"incompatible");
	report_related(s, f, b->whole, "the other one");
}

static bool fix_accel(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *a = machine_accel(vm), *b = accel(vm);

	(void)f;
	if (!a || !b || !str_eq(a->text, b->text))
		return plan_refuse(p, "which of them is meant cannot be seen from here");
	plan_title(p, "remove accel= from -machine");
	return plan_remove_node(p, a);
}

/* ---- qemu-accel-list ---- */

static const struct qemu_option *accel_list(const struct vm *vm, const struct node **list)
{
	for_each_arg (o, vm) {
		const struct node *n =
			str_is(o->name, "accel") ? arg_known(o, "accel") : NULL;

		if (n && memchr(n->text.p, ':', n->text.n)) {
			*list = n;
			return o;
		}
	}
	return NULL;
}

static void check_accel_list(struct scan *s, const struct vm *vm)
{
	const struct node *n;
	struct finding *f;

	if (!accel_list(vm, &n))
		return;
	f = report(s, n->text_at, "-accel %s is a list, expected one -accel for each",
		   shown(s, n->text));
	report_label(s, f, "QEMU exits at start: invalid accelerator %s",
		     shown(s, n->text));
}

/* Where the list has two names; 0: it has more, or none behind its colon. */
static size_t first_of_two(const struct node *n)
{
	const char *colon = memchr(n->text.p, ':', n->text.n);
	size_t at = colon ? (size_t)(colon - n->text.p) : 0;

	return at == 0 || at + 1 == n->text.n || n->text_at.len != n->text.n || n->next ||
			       memchr(n->text.p + at + 1, ':', n->text.n - at - 1)
		       ? 0
		       : at;
}

static bool fix_accel_list(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *n = NULL;
	const struct qemu_option *o = accel_list(vm, &n);
	size_t at = o ? first_of_two(n) : 0;
	const char *second;

	(void)f;
	if (at == 0)
		return plan_refuse(p, "it is more than two names");
	second = arena_printf(p->arena, "%.*s", (int)(n->text.n - at - 1),
			      n->text.p + at + 1);
	plan_title(p, "-accel %.*s -accel %s", (int)at, n->text.p, second);
	return plan_replace(p, n->text_at, (struct str){ n->text.p, at }) &&
	       plan_add_option(p, vm->qemu, o, true, "-accel", second);
}

/* ---- qemu-kernel-missing ---- */

static void check_kernel(struct scan *s, const struct vm *vm)
{
	static const char *const names[] = { "append", "initrd" };

	if (!args_whole(vm) || qemu_option(vm->qemu, "kernel") ||
	    qemu_option(vm->qemu, "shim"))
		return;
	for_each_arg (o, vm) {
		if (is_machine_arg(o) && (qemu_opt(o, "kernel") || arg_open(o)))
			return;
	}
	for (size_t i = 0; i < 2; i++) {
		const struct qemu_option *o = qemu_option(vm->qemu, names[i]);
		struct finding *f;

		if (!o)
			continue;
		f = report(s, o->word->at, "-%s without -kernel", names[i]);
		report_label(s, f,
			     "QEMU exits at start: -%s only allowed with -kernel option",
			     names[i]);
	}
}

const struct rule rules_args_cpu[] = {
	{ .id = "qemu-accel-list",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a list of accelerators in -accel",
	  .why = "-machine accel=kvm:tcg takes a list of accelerators to try. -accel takes "
		 "one, and is given several times: QEMU exits at start.",
	  .source =
		  "QEMU, qemu-options.hx, -accel; softmmu/vl.c, do_configure_accelerator()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_accel_list, fix_accel_list) },
	{ .id = "qemu-accel-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an accelerator in -machine and in -accel",
	  .why = "Only one of both ways may be used: QEMU exits at start.",
	  .source = "QEMU, softmmu/vl.c, configure_accelerators()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_accel, fix_accel) },
	{ .id = "qemu-cpu-host-without-kvm",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "-cpu host without an accelerator",
	  .why = "The host's own processor can be had with KVM or HVF only. Without -accel "
		 "QEMU emulates, and exits at start.",
	  .steps =
		  "-accel kvm on Linux, -accel hvf on macOS; -cpu max is the most that can "
		  "be had in any case.",
	  .source = "QEMU, target/i386/cpu.c; target/arm/kvm64.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_host, fix_host) },
	{ .id = "qemu-kernel-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a kernel's command line or RAM disk without the kernel",
	  .why = "-append and -initrd go with -kernel: QEMU exits at start. The system on a "
		 "disk takes its command line from its own boot loader.",
	  .steps = "Add -kernel, or set the command line in the guest's boot loader.",
	  .source = "QEMU, softmmu/vl.c, qemu_validate_options()",
	  .since = "0.1.0",
	  CHECK(vm, check_kernel) },
	{ .id = "qemu-memory",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a size of memory that QEMU does not take",
	  .why = "Sizes are a number and k, M, G or T, without a B or iB behind it. maxmem "
		 "must be more than the memory, and slots= wants it. QEMU exits at start.",
	  .source = "QEMU, util/cutils.c, do_strtosz(); hw/core/machine.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_memory, fix_memory) },
	{ .id = "qemu-smp-topology",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "sockets, cores and threads that do not make the processors",
	  .why = "sockets * dies * cores * threads must be maxcpus, or else the number of "
		 "processors: QEMU exits at start.",
	  .steps =
		  "Leave one of them out, such as sockets, and QEMU works it out; or give "
		  "the product: -smp 8,sockets=1,cores=4,threads=2.",
	  .source = "QEMU, hw/core/machine-smp.c, machine_parse_smp_config()",
	  .since = "0.1.0",
	  CHECK(vm, check_smp) },
};
RULES_END(args_cpu);
