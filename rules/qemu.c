/* Command lines of QEMU: the IOMMU, and qemu-img beside a VM.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/machine.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

static bool is_x86(const struct vm *vm)
{
	return fact_is(&vm->arch, "x86_64") || fact_is(&vm->arch, "i686");
}

/* ---- iommu-machine-option ---- */

static const struct qemu_option *machine_with_iommu(const struct qemu_command *c)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];
		const struct node *n;

		if (!str_is(o->name, "machine") && !str_is(o->name, "M"))
			continue;
		n = qemu_opt(o, "iommu");
		/* Arm's virt has iommu=smmuv3. */
		if (n && n->kind == NODE_SCALAR &&
		    (str_is(n->text, "on") || str_is(n->text, "off")))
			return o;
	}
	return NULL;
}

static void check_machine(struct scan *s, const struct vm *vm)
{
	const struct qemu_option *o = vm->qemu ? machine_with_iommu(vm->qemu) : NULL;
	struct finding *f;

	if (!o || !is_x86(vm))
		return;
	f = report(s, qemu_opt(o, "iommu")->whole,
		   "the machine has 'iommu=%s', which is a device of its own now",
		   shown(s, qemu_opt(o, "iommu")->text));
	report_label(s, f, "QEMU exits at start: the machine has no such property");
}

/* The device comes before all others. */
static bool add_iommu(struct plan *p, const struct vm *vm, const struct qemu_option *o)
{
	const struct qemu_command *c = vm->qemu;

	for (size_t i = 0; i < c->noptions; i++) {
		if (&c->options[i] == o)
			break;
		if (str_is(c->options[i].name, "device"))
			return plan_add_option(p, c, &c->options[i], false, "-device",
					       "intel-iommu");
	}
	return plan_add_option(p, c, o, true, "-device", "intel-iommu");
}

static bool fix_machine(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *o = machine_with_iommu(vm->qemu);
	const struct node *n = qemu_opt(o, "iommu");
	bool add = str_is(n->text, "on") && vm->niommus == 0;

	(void)f;
	if (add && !(fact_known(&vm->machine) &&
		     machine_family(STR(""), vm->machine.v) == MACHINE_Q35))
		return plan_refuse(p, "the IOMMU needs machine q35");
	if (add && (vm->base ? vm->qemu->unknown || vm->base->niommus : vm->qemu->open))
		return plan_refuse(p,
				   "there may be an IOMMU among the words that are not "
				   "seen");
	if (add && !may_be_added(vm, "device"))
		return plan_refuse(p, "the first row of -device would take the place of "
				      "all that Packer adds itself");
	plan_title(p, add ? "-device intel-iommu" : "remove 'iommu' from the machine");
	return plan_remove_node(p, n) && (!add || add_iommu(p, vm, o));
}

/* ---- iommu-twice ---- */

static void check_twice(struct scan *s, const struct vm *vm)
{
	const struct iommu *first = NULL;
	struct finding *f;

	if (!vm_runs_qemu(vm) || !is_x86(vm))
		return;
	if (vm->base && vm->base->niommus > 0)
		first = &vm->base->iommus[0];
	for (size_t i = 0; i < vm->niommus; i++) {
		const struct iommu *m = &vm->iommus[i];

		if (!fact_is(&m->model, "intel") && !fact_is(&m->model, "virtio") &&
		    !fact_is(&m->model, "amd"))
			continue;
		if (!first) {
			first = m;
			continue;
		}
		f = report(s, m->model.at, "a second IOMMU, '%s', expected one",
			   shown(s, m->model.v));
		report_label(s, f,
			     "QEMU exits at start: it does not support multiple vIOMMUs "
			     "for x86 yet");
		report_related(s, f, first->model.at, "the first one");
	}
}

/* ---- script-qemu-img-lock ---- */

/* The subcommands that only read, and have -U. */
static bool only_reads(const struct qemu_img *q)
{
	static const char *const subs[] = { "info", "check", "map", "measure" };

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		if (q->n > 2 && word_is(&q->words[1], subs[i]))
			return true;
	}
	return false;
}

static bool word_is_option(const struct word *w, const char *name)
{
	return word_is(w, name) || (name[1] == '-' && str_starts(w->text, name));
}

/* It has -U already, repairs, or may have either. */
static bool says_how(const struct qemu_img *q)
{
	static const char *const options[] = { "-U", "--force-share", "-r", "--repair",
					       "--image-opts" };

	for (size_t i = 2; i < q->n; i++) {
		if (q->words[i].open)
			return true;
		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
			if (word_is_option(&q->words[i], options[k]))
				return true;
		}
	}
	return false;
}

/* The same name, or the same variable with nothing around it. */
static bool is_of(const struct disk *d, const struct word *w)
{
	if (d->source.state == FACT_ABSENT || w->text.n == 0 || w->text.p[0] == '-')
		return false;
	return str_eq(d->source.v, w->text) &&
	       fact_known(&d->source) == !word_unknown(w, 0, w->text.n);
}

static const struct disk *disk_named(const struct vm *vm, const struct qemu_img *q)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (!fact_absent(&d->readonly) || !fact_absent(&d->transient) ||
		    !fact_is_not(&d->locking, "off") || !fact_is_not(&d->device, "cdrom"))
			continue;
		for (size_t k = 2; k < q->n; k++) {
			if (is_of(d, &q->words[k]))
				return d;
		}
	}
	return NULL;
}

static void check_img(struct scan *s, const struct vm *vm)
{
	for (size_t i = 0; vm->qemu && i < vm->qemu->nimgs; i++) {
		const struct qemu_img *q = &vm->qemu->imgs[i];
		const struct disk *d;
		struct finding *f;

		if (!only_reads(q) || says_how(q))
			continue;
		d = disk_named(vm, q);
		if (!d)
			continue;
		f = report(s, q->words[1].at,
			   "'qemu-img %s' without -U on a disk of this script's VM",
			   shown(s, q->words[1].text));
		report_label(s, f,
			     "while the VM runs it fails: Failed to get shared "
			     "\"write\" lock");
		report_related(s, f, d->source.at, "the VM's disk");
		f->arg = i;
	}
}

static bool fix_img(struct plan *p, const struct finding *f, const struct vm *vm)
{
	struct span at = vm->qemu->imgs[f->arg].words[1].at;

	at.off = span_end(at);
	at.len = 0;
	plan_title(p, "-U");
	return plan_replace(p, at, STR(" -U"));
}

const struct rule rules_qemu[] = {
	{ .id = "iommu-machine-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an IOMMU as an option of the machine",
	  .why = "-machine iommu=on was the first way to have VT-d, and is gone: QEMU does "
		 "not start. The IOMMU is a device, -device intel-iommu, before all "
		 "others.",
	  .source = "QEMU, hw/i386/intel_iommu.c; what QEMU 7.2 says",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_machine, fix_machine) },
	{ .id = "iommu-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two IOMMUs in one PC",
	  .why = "QEMU exits at start: QEMU does not support multiple vIOMMUs for x86 yet.",
	  .steps =
		  "Remove one of them. intel-iommu serves VFIO and guests of every kind; "
		  "virtio-iommu needs a driver in the guest's initramfs.",
	  .source = "QEMU, hw/i386/x86-iommu.c, hw/i386/pc.c",
	  .since = "0.1.0",
	  CHECK(vm, check_twice) },
	{ .id = "script-qemu-img-lock",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_UNSAFE,
	  .title = "qemu-img on a disk of a VM that may be running",
	  .why = "qemu-img info, check, map and measure take QEMU's locks, and fail while "
		 "a VM has the image open. A script that takes this for damage refuses a "
		 "VM that is well: Quickemu did so from 4.9.3 to 4.9.4.",
	  .steps =
		  "-U (--force-share) looks without a lock. Of a running VM's image it "
		  "sees a moment: info is right, check may report what is about to be "
		  "written. To know whether a VM runs, ask for the lock, not for damage. "
		  "Never use -U with convert, and -r takes none.",
	  .source = "qemu-img(1), -U; quickemu-project/quickemu#1198",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_img, fix_img) },
};
RULES_END(qemu);
