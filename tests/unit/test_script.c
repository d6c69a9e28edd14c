/* Scripts that run QEMU: which words its commands have, where they stand, and edits of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/qemu.h"
#include "analyze/config/shell.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

struct doc {
	struct unit u;
	struct source src;
	struct plan plan;
	const struct vm *vm;
};

static void open_text(struct doc *d, const char *text)
{
	*d = (struct doc){ .src = source_of_bytes("f.sh", str_bytes(str_of(text))) };
	unit_read(&d->u, &d->src, NULL, &no_host);
}

static void read_script(struct doc *d, const char *text)
{
	open_text(d, text);
	assert_int_equal(d->u.state, UNIT_READ);
	assert_null(d->u.skip_reason);
	assert_true(d->u.nvms > 0);
	d->vm = d->u.vms;
	d->plan = plan_on(&d->u.src, &d->u.arena);
}

static void done(struct doc *d)
{
	unit_close(&d->u);
}

static void assert_text(struct str s, const char *expected)
{
	if (s.n != strlen(expected) || memcmp(s.p, expected, s.n) != 0)
		fail_msg("'%.*s', expected '%s'", STR_ARG(s), expected);
}

static void assert_known(const struct fact *f, const char *v)
{
	assert_int_equal(f->state, FACT_KNOWN);
	assert_text(f->v, v);
}

static void assert_at(const struct doc *d, struct span at, const char *expected)
{
	assert_true(view_has(d->u.text, (size_t)at.off, (size_t)at.len));
	assert_text(str_view(view_cut(d->u.text, (size_t)at.off, (size_t)at.len)),
		    expected);
}

/* Also: the judge accepts it. */
static void assert_plan(struct doc *d, const char *expected)
{
	struct view after = plan_text(&d->plan, d->u.text, &d->u.arena);
	const char *why = NULL;

	assert_text(str_view(after), expected);
	if (!judge_shell(d->u.text, after, &d->plan, &d->u.arena, &why))
		fail_msg("%s", why);
	done(d);
}

static void refuse(const char *text)
{
	struct doc d;

	open_text(&d, text);
	assert_int_equal(d.u.state, UNIT_NOT_OURS);
	done(&d);
}

/* ---- recognition ---- */

static void a_script_without_qemu_is_not_ours(void **state)
{
	(void)state;
	refuse("#!/bin/sh\necho qemu-system-x86_64 -m 1\n");
	refuse("#!/bin/sh\nsudo apt install qemu-kvm qemu-utils\n");
	refuse("#!/bin/sh\ncommand -v qemu-system-x86_64 >/dev/null\n");
	refuse("#!/bin/sh\n# qemu-system-x86_64 -m 1\n");
	refuse("#!/bin/sh\ncat <<EOF\nqemu-system-x86_64 -m 1\nEOF\n");
	refuse("#!/usr/bin/python3\nqemu-system-x86_64 -m 1\n");
	refuse("Run it:\n\n    qemu-system-x86_64 -m 1\n");
	refuse("#!/bin/sh\nqemu-img create a 1G\n");
}

static void a_command_alone_is_a_script(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d, "# mine\n\n/opt/bin/qemu-system-aarch64 -hda a.img");
	assert_known(&d.vm->arch, "aarch64");
	assert_known(&d.vm->disks[0].source, "a.img");
	done(&d);
}

static void commands_that_run_others_are_looked_through(void **state)
{
	static const char *const lines[] = {
		"sudo -u joe taskset -c 0-3 qemu-system-x86_64 -cdrom a",
		"exec nice -n 5 qemu-kvm -cdrom a",
		"A=1 B=\"x y\" qemu-kvm -cdrom a",
		"Q=/usr/bin/qemu-kvm\n\"$Q\" -cdrom a",
		"Q=qemu-kvm\n${Q} -cdrom a",
		"if true; then qemu-kvm -cdrom a; fi",
		"f() { qemu-kvm -cdrom a >/dev/null 2>&1 & }",
		"case $1 in a) qemu-kvm -cdrom a;; esac",
		"(cd x && qemu-kvm -cdrom a <&- 2>b)",
		"x=$(cat <<'E'\nit's (\nE\n)\nqemu-kvm -cdrom a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct doc d;
		char text[256];

		snprintf(text, sizeof(text), "#!/bin/bash\n%s\n", lines[i]);
		read_script(&d, text);
		assert_int_equal(d.vm->ndisks, 1);
		assert_known(&d.vm->disks[0].device, "cdrom");
		assert_int_equal(d.vm->qemu->noptions, 1);
		done(&d);
	}
}

/* ---- words ---- */

static void continued_lines_and_quotes_are_one_command(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d, "#!/bin/sh\nqemu-kvm -m 1G \\\n"
			"  -drive \"file=/a b/c,,d.iso\",if='none',id=a\\x \\\n"
			"  -device virtio-blk-pci,drive=ax\n");
	assert_int_equal(d.vm->ndisks, 1);
	assert_known(&d.vm->disks[0].source, "/a b/c,d.iso");
	assert_at(&d, d.vm->disks[0].source.at, "/a b/c,,d.iso");
	assert_known(&d.vm->disks[0].target, "ax");
	assert_at(&d, d.vm->disks[0].target.at, "a\\x");
	assert_known(&d.vm->disks[0].bus, "virtio");
	done(&d);
}

static void a_variable_makes_a_value_unknown_and_no_more(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d,
		    "#!/bin/sh\nqemu-kvm -drive file=\"$D/${X//,/,,}.iso\",cache=none\n");
	assert_int_equal(d.vm->disks[0].source.state, FACT_UNKNOWN);
	assert_known(&d.vm->disks[0].cache, "none");
	assert_int_equal(d.vm->disks[0].locking.state, FACT_ABSENT);
	assert_false(d.vm->qemu->open);
	done(&d);
}

static void words_that_may_be_options_leave_the_vm_open(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d, "#!/bin/sh\nqemu-kvm -hda a $MORE \"$@\"\n");
	assert_true(d.vm->qemu->open);
	assert_int_equal(d.vm->machine.state, FACT_UNKNOWN);
	done(&d);
}

static void an_array_has_the_words_of_a_command(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d, "#!/bin/bash\nargs=(\n  -machine q35 # the board\n"
			"  -drive \"file=$X,if=virtio\"\n)\nargs+=(-cdrom b)\n"
			"qemu-kvm \"${args[@]}\" -m 1\n");
	assert_known(&d.vm->machine, "q35");
	assert_int_equal(d.vm->ndisks, 2);
	assert_false(d.vm->qemu->open);
	assert_true(plan_set(&d.plan, &d.vm->disks[0].cache, "none"));
	assert_plan(&d, "#!/bin/bash\nargs=(\n  -machine q35 # the board\n"
			"  -drive \"file=$X,if=virtio,cache=none\"\n)\nargs+=(-cdrom b)\n"
			"qemu-kvm \"${args[@]}\" -m 1\n");
}

static void an_array_that_grows_in_a_branch_is_open(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d, "#!/bin/bash\nargs=(-hda a)\n[ $x ] && args+=(-cdrom b)\n"
			"if y; then args+=(-cdrom c); fi\nqemu-kvm \"${args[@]}\"\n");
	assert_int_equal(d.vm->ndisks, 1);
	assert_true(d.vm->qemu->open);
	done(&d);
}

static void one_array_in_two_branches_is_one_vm(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/bash\nargs=(-hda a)\nif x; then\n  A=1 qemu-kvm \"${args[@]}\"\n"
		"else\n  qemu-kvm \"${args[@]}\"\nfi\n");
	assert_int_equal(d.u.nvms, 1);
	done(&d);
}

static void what_cannot_be_read_is_said_and_not_judged(void **state)
{
	struct doc d;

	(void)state;
	open_text(&d, "#!/bin/sh\nqemu-kvm -hda a\necho 'b\n");
	assert_int_equal(d.u.state, UNIT_READ);
	assert_non_null(d.u.skip_reason);
	assert_int_equal(d.u.nvms, 0);
	done(&d);
}

/* ---- the VM ---- */

static void a_device_and_its_drive_are_one_disk(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d,
		    "#!/bin/sh\nqemu-kvm -drive if=none,id=a,file=a.qcow2,format=qcow2 "
		    "-device scsi-cd,drive=a,logical_block_size=2048\n");
	assert_int_equal(d.vm->ndisks, 1);
	assert_known(&d.vm->disks[0].device, "cdrom");
	assert_known(&d.vm->disks[0].bus, "scsi");
	assert_known(&d.vm->disks[0].logical_block_size, "2048");
	assert_true(plan_set(&d.plan, &d.vm->disks[0].physical_block_size, "2048"));
	assert_plan(&d,
		    "#!/bin/sh\nqemu-kvm -drive if=none,id=a,file=a.qcow2,format=qcow2 "
		    "-device scsi-cd,drive=a,logical_block_size=2048,"
		    "physical_block_size=2048\n");
}

static void blockdev_nodes_are_one_disk(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/sh\nqemu-kvm -blockdev file,node-name=f,filename=/n/a,locking=off "
		"-blockdev qcow2,node-name=d,file=f,read-only=on "
		"-device virtio-blk-pci,drive=d,share-rw=on "
		"-blockdev driver=raw,node-name=r,file.driver=file,file.filename=b\n");
	assert_int_equal(d.vm->ndisks, 2);
	assert_known(&d.vm->disks[0].format, "qcow2");
	assert_known(&d.vm->disks[0].source, "/n/a");
	assert_known(&d.vm->disks[0].locking, "off");
	assert_known(&d.vm->disks[0].readonly, "yes");
	assert_known(&d.vm->disks[0].shareable, "yes");
	assert_known(&d.vm->disks[1].source, "b");
	done(&d);
}

static void set_and_global_change_facts(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/sh\nqemu-kvm -drive if=none,id=a,file=a -device nvme,drive=a "
		"-set drive.a.file.locking=off -global nvme.logical_block_size=4096\n");
	assert_known(&d.vm->disks[0].locking, "off");
	assert_at(&d, d.vm->disks[0].locking.at, "off");
	assert_known(&d.vm->disks[0].logical_block_size, "4096");
	assert_false(plan_set(&d.plan, &d.vm->disks[0].locking, "on"));
	done(&d);
}

static void the_vm_s_own_facts_come_from_many_options(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/sh\nqemu-system-i386 --name guest=n,process=x -M pc -machine "
		"accel=kvm,kernel_irqchip=split -M q35 -device intel-iommu,intremap=on "
		"-device vfio-pci,host=01:00.0 -uuid u\n");
	assert_known(&d.vm->name, "n");
	assert_known(&d.vm->uuid, "u");
	assert_known(&d.vm->type, "kvm");
	assert_known(&d.vm->arch, "i686");
	assert_known(&d.vm->machine, "q35");
	assert_known(&d.vm->ioapic, "qemu");
	assert_known(&d.vm->iommus[0].model, "intel");
	assert_known(&d.vm->iommus[0].intremap, "on");
	assert_known(&d.vm->hostdevs[0].type, "pci");
	done(&d);
}

/* ---- edits ---- */

static void an_option_is_set_within_its_quotes(void **state)
{
	struct doc d;

	(void)state;
	read_script(&d,
		    "#!/bin/sh\r\nqemu-kvm -drive \"file=a b,media=cdrom\" \\\r\n\t-m 1");
	assert_true(plan_set(&d.plan, &d.vm->disks[0].locking, "off"));
	assert_plan(
		&d,
		"#!/bin/sh\r\nqemu-kvm -drive \"file=a b,media=cdrom,file.locking=off\" "
		"\\\r\n\t-m 1");
}

static void quotes_around_a_part_stay_in_pairs(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/sh\nqemu-kvm -drive file=\"a\",cache=\"unsafe\",if=\"ide\"\n");
	assert_true(plan_remove(&d.plan, &d.vm->disks[0].cache));
	assert_plan(&d, "#!/bin/sh\nqemu-kvm -drive file=\"a\",if=\"ide\"\n");
	read_script(&d, "#!/bin/sh\nqemu-kvm -drive file=\"a,cache=\"unsafe,if=ide\n");
	assert_false(plan_remove(&d.plan, &d.vm->disks[0].cache));
	assert_text(str_of(d.plan.refused), "quotes begin or end within it");
	done(&d);
}

static const struct node *option_node(const struct doc *d, const char *name)
{
	const struct qemu_option *o = qemu_option(d->vm->qemu, name);

	assert_non_null(o);
	return o->node;
}

static void an_option_goes_with_its_line(void **state)
{
	static const struct {
		const char *before, *after;
	} t[] = {
		{ "qemu-kvm -m 1 -drive a=b -S\n", "qemu-kvm -m 1 -S\n" },
		{ "qemu-kvm -m 1 \\\n  -drive a=b \\\n  -S\n",
		  "qemu-kvm -m 1 \\\n  -S\n" },
		{ "qemu-kvm -m 1 \\\n  -drive a=b\necho\n", "qemu-kvm -m 1\necho\n" },
		{ "qemu-kvm -m 1 \\\n  -drive a=b -S\n", "qemu-kvm -m 1 \\\n -S\n" },
		{ "qemu-kvm -m 1 -drive a=b", "qemu-kvm -m 1" },
		{ "qemu-kvm -m 1 -drive a=b >x", "qemu-kvm -m 1 >x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct doc d;

		read_script(&d, t[i].before);
		assert_true(plan_remove_node(&d.plan, option_node(&d, "drive")));
		assert_plan(&d, t[i].after);
	}
}

static void an_item_of_an_array_goes_with_its_line(void **state)
{
	struct doc d;

	(void)state;
	read_script(
		&d,
		"#!/bin/bash\na=(\n  -m 1\n  -drive x=y\n  -S\n)\nqemu-kvm \"${a[@]}\"\n");
	assert_true(plan_remove_node(&d.plan, option_node(&d, "drive")));
	assert_plan(&d, "#!/bin/bash\na=(\n  -m 1\n  -S\n)\nqemu-kvm \"${a[@]}\"\n");
}

static void the_judge_sees_a_quote_that_an_edit_lost(void **state)
{
	static const char text[] = "qemu-kvm -m \"1\" -S\n";
	const char *why = NULL;
	struct doc d;

	(void)state;
	read_script(&d, text);
	assert_true(plan_replace(&d.plan, (struct span){ &d.u.src, 12, 1 }, STR("")));
	assert_false(judge_shell(d.u.text, plan_text(&d.plan, d.u.text, &d.u.arena),
				 &d.plan, &d.u.arena, &why));
	assert_non_null(why);
	done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_without_qemu_is_not_ours),
		cmocka_unit_test(a_command_alone_is_a_script),
		cmocka_unit_test(commands_that_run_others_are_looked_through),
		cmocka_unit_test(continued_lines_and_quotes_are_one_command),
		cmocka_unit_test(a_variable_makes_a_value_unknown_and_no_more),
		cmocka_unit_test(words_that_may_be_options_leave_the_vm_open),
		cmocka_unit_test(an_array_has_the_words_of_a_command),
		cmocka_unit_test(an_array_that_grows_in_a_branch_is_open),
		cmocka_unit_test(one_array_in_two_branches_is_one_vm),
		cmocka_unit_test(what_cannot_be_read_is_said_and_not_judged),
		cmocka_unit_test(a_device_and_its_drive_are_one_disk),
		cmocka_unit_test(blockdev_nodes_are_one_disk),
		cmocka_unit_test(set_and_global_change_facts),
		cmocka_unit_test(the_vm_s_own_facts_come_from_many_options),
		cmocka_unit_test(an_option_is_set_within_its_quotes),
		cmocka_unit_test(quotes_around_a_part_stay_in_pairs),
		cmocka_unit_test(an_option_goes_with_its_line),
		cmocka_unit_test(an_item_of_an_array_goes_with_its_line),
		cmocka_unit_test(the_judge_sees_a_quote_that_an_edit_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
