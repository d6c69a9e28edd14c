/* Files of QEMU's options: what each line is to QEMU, where it stands, and edits of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/ini.h"
#include "analyze/config/qemu.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

struct doc {
	struct source src;
	struct unit u;
	struct plan plan;
};

static void doc_read(struct doc *d, const char *text)
{
	d->src = source_of_bytes("vm.cfg", str_bytes(str_of(text)));
	unit_read(&d->u, &d->src, NULL, &no_host);
	d->plan = plan_on(&d->u.src, &d->u.arena);
}

/* ---- lines ---- */

static void assert_line(const char *line, enum ini_line is, const char *name,
			const char *value)
{
	struct str s = str_of(line);
	struct ini_tokens t = ini_line(s);

	if (t.is != is)
		fail_msg("%s: %u", line, (unsigned)t.is);
	assert_true(
		str_is((struct str){ s.p + t.name.from, t.name.to - t.name.from }, name));
	assert_true(str_is((struct str){ s.p + t.value.from, t.value.to - t.value.from },
			   value));
}

static void lines_are_read_as_qemu_does(void **state)
{
	(void)state;
	assert_line("", INI_EMPTY, "", "");
	assert_line("# x = \"y\"", INI_EMPTY, "", "");
	assert_line("[drive \"cd0\"]", INI_HEADER, "drive", "cd0");
	assert_line("[ drive  \"cd0\" x", INI_HEADER, "drive", "cd0");
	assert_line("[machine]\r", INI_HEADER, "machine", "");
	assert_line("[drive cd0]", INI_HEADER, "drive cd0", "");
	assert_line("  file = \"a b\"\r", INI_SETTING, "file", "a b");
	assert_line("file =\"\"", INI_SETTING, "file", "");
	assert_line("\tfile\t=\t\"a\" # b", INI_SETTING, "file", "a");
}

static void lines_that_look_right_are_not(void **state)
{
	(void)state;
	assert_line("\r", INI_BLANK, "", "");
	assert_line(" \t", INI_BLANK, "", "");
	assert_line(" file = a b ", INI_UNQUOTED, "file", "a b");
	assert_line("file =", INI_UNQUOTED, "file", "");
	assert_line("file = \"a", INI_OPEN, "file", "a");
	assert_line(" file=\"a\"", INI_JOINED, "file", "\"a\"");
	assert_line("file= \"a\"", INI_JOINED, "file", " \"a\"");
	assert_line("  # x", INI_WORD, "#", "");
	assert_line(" [drive \"x\"]", INI_WORD, "[drive", "");
	assert_line("[]", INI_WORD, "[]", "");
}

static void each_place_holds_what_it_says(void **state)
{
	static const char text[] =
		"# of a VM\n[drive \"cd0\"]\n\tfile = \"/a/\xc3\xb6.iso\"\n"
		"  if = none\n\n[machine]\n type = \"q35\" x\n";
	struct source src = source_of_bytes("a", str_bytes(str_of(text)));
	struct arena a;
	struct ini ini;

	(void)state;
	arena_init(&a, ARENA_BUDGET);
	assert_true(ini_read(&ini, &src, str_bytes(str_of(text)), &a));
	assert_null(ini.why);
	assert_int_equal(ini.nflaws, 1);
	for_each_node (section, ini.root) {
		assert_memory_equal(text + section->key_at.off, section->key.p,
				    section->key.n);
		assert_int_equal(text[section->whole.off], '[');
		for_each_node (n, section) {
			assert_memory_equal(text + n->text_at.off, n->text.p, n->text.n);
			assert_int_equal(n->text_at.len, n->text.n);
			assert_true(span_end(n->whole) <= span_end(section->whole));
			if (!str_is(n->key, "id"))
				assert_memory_equal(text + n->key_at.off, n->key.p,
						    n->key.n);
		}
	}
	arena_free(&a);
}

/* ---- recognition ---- */

static void assert_kind(const char *text, bool ours)
{
	struct doc d;

	doc_read(&d, text);
	if ((d.u.format && strcmp(d.u.format->name, "qemu-config") == 0) != ours)
		fail_msg("%s: %s", text, d.u.format ? d.u.format->name : "nothing");
	unit_close(&d.u);
}

static void its_files_are_recognised_by_what_they_say(void **state)
{
	(void)state;
	assert_kind("# qemu config file\n\n[drive \"a\"]\n  file = \"a\"\n", true);
	assert_kind("[drive \"a\"]\nfile = a.iso\n", true);
	assert_kind("[memory]\n  size = \"1024\"\n[machine]\n  type = \"pc-q35-7.2\"\n",
		    true);
	assert_kind("[device]\n  driver = \"virtio-blk-pci\"\n", true);
	assert_kind("[machine]\ntype = \"rack\"\n", false);
	assert_kind("[drive]\nfile = \"a\"\n", false);
	assert_kind("[remote \"origin\"]\n\turl = \"x\"\n", false);
	assert_kind("x = 1\n[drive \"a\"]\nfile = \"a\"\n", false);
	assert_kind("[Unit]\nDescription=device\n[Service]\nExecStart=/bin/true\n",
		    false);
}

/* ---- the VM ---- */

static void sections_are_options(void **state)
{
	const struct vm *vm;
	struct doc d;

	(void)state;
	doc_read(
		&d,
		"[drive \"cd0\"]\n  file = \"/a.iso\"\n  if = \"none\"\n"
		"  media = \"cdrom\"\n  readonly = \"on\"\n[device \"x\"]\n"
		"  driver = \"scsi-hd\"\n  drive = \"d\"\n  logical_block_size = \"4096\"\n"
		"[drive]\n  id = \"d\"\n  file = /b\n  if = \"none\"\n[device]\n"
		"  driver = \"intel-iommu\"\n[machine]\n  type = \"q35\"\n"
		"[machine]\n  kernel_irqchip = \"split\"\n[global]\n  driver = \"scsi-hd\"\n"
		"  property = \"physical_block_size\"\n  value = \"4096\"\n");
	assert_int_equal(d.u.nvms, 1);
	vm = d.u.vms;
	assert_int_equal(vm->ndisks, 2);
	assert_true(fact_is(&vm->machine, "q35") && fact_is(&vm->ioapic, "qemu"));
	assert_true(fact_is(&vm->arch, "x86_64"));
	assert_true(fact_is(&vm->disks[0].source, "/a.iso"));
	assert_true(fact_is(&vm->disks[0].readonly, "yes"));
	assert_true(fact_is(&vm->disks[0].device, "cdrom"));
	assert_int_equal(vm->disks[1].source.state, FACT_UNKNOWN);
	assert_true(fact_is(&vm->disks[1].logical_block_size, "4096"));
	assert_true(fact_is(&vm->disks[1].physical_block_size, "4096"));
	assert_int_equal(vm->niommus, 1);
	assert_true(fact_is(&vm->iommus[0].model, "intel"));
	unit_close(&d.u);
}

static void what_is_not_in_the_file_is_not_known(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "[drive \"a\"]\n  file = \"a\"\n  if = \"none\"\n");
	assert_int_equal(d.u.vms[0].machine.state, FACT_UNKNOWN);
	assert_int_equal(d.u.vms[0].disks[0].logical_block_size.state, FACT_UNKNOWN);
	assert_int_equal(d.u.vms[0].disks[0].device.state, FACT_UNKNOWN);
	unit_close(&d.u);
}

static void the_last_of_a_name_counts(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "[drive \"a\"]\n file = \"a\"\n file = \"b\"\n id = \"c\"\n");
	assert_true(fact_is(&d.u.vms[0].disks[0].source, "b"));
	assert_true(fact_is(&d.u.vms[0].disks[0].target, "c"));
	unit_close(&d.u);
}

static void a_line_that_qemu_reads_as_two_is_refused(void **state)
{
	char text[1400] = "[drive \"a\"]\n  if = \"none\"\n  file = \"";
	struct doc d;

	(void)state;
	memset(text + strlen(text), 'x', 1100);
	doc_read(&d, text);
	assert_non_null(d.u.syntax);
	assert_null(d.u.doc);
	unit_close(&d.u);
}

/* ---- edits ---- */

static void assert_after(struct doc *d, const char *expected)
{
	struct view after = plan_text(&d->plan, d->u.text, &d->u.arena);
	const char *why;

	assert_int_equal(after.n, strlen(expected));
	assert_memory_equal(after.p, expected, after.n);
	if (!judge_ini(d->u.text, after, &d->plan, &d->u.arena, &why))
		fail_msg("%s", why);
}

static void assert_set(const char *text, const char *expected)
{
	struct doc d;

	doc_read(&d, text);
	assert_true(plan_set(&d.plan, &d.u.vms[0].disks[0].locking, "off"));
	assert_after(&d, expected);
	unit_close(&d.u);
}

static void a_new_line_looks_like_its_neighbours(void **state)
{
	(void)state;
	assert_set("[drive \"a\"]\n\tfile = \"a\"\n\n[machine]\n\ttype = \"pc\"\n",
		   "[drive \"a\"]\n\tfile = \"a\"\n\tfile.locking = \"off\"\n\n"
		   "[machine]\n\ttype = \"pc\"\n");
	assert_set(
		"[drive \"a\"]\r\n file = \"a\" \r\n# x\r\n",
		"[drive \"a\"]\r\n file = \"a\" \r\n file.locking = \"off\"\r\n# x\r\n");
	assert_set("[drive \"a\"]\nfile = \"a\"",
		   "[drive \"a\"]\nfile = \"a\"\nfile.locking = \"off\"");
	assert_set("[drive \"a\"]\nfile = \"\xc3\xb6\"\nfile.locking = \"on\" #\n",
		   "[drive \"a\"]\nfile = \"\xc3\xb6\"\nfile.locking = \"off\" #\n");
	assert_set("[device]\n driver = \"ide-hd\"\n[drive \"a\"] x",
		   "[device]\n driver = \"ide-hd\"\n[drive \"a\"] x\n"
		   "  file.locking = \"off\"");
}

static void a_line_goes_with_its_end(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "[drive \"a\"]\r\n file.locking = \"on\"\r\n file = \"a\"\r\n"
		     " file.locking = \"off\"");
	assert_true(plan_remove(&d.plan, &d.u.vms[0].disks[0].locking));
	assert_after(&d, "[drive \"a\"]\r\n file = \"a\"");
	unit_close(&d.u);
}

static void the_name_of_a_section_stays(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "[drive \"a\"]\n file = \"a\"\n");
	assert_true(plan_set(&d.plan, &d.u.vms[0].disks[0].target, "b"));
	assert_after(&d, "[drive \"b\"]\n file = \"a\"\n");
	assert_false(plan_remove(&d.plan, &d.u.vms[0].disks[0].target));
	unit_close(&d.u);
}

static void a_value_that_cannot_be_written_is_refused(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "[drive \"a\"]\n file = \"a\"\n");
	assert_false(plan_set(&d.plan, &d.u.vms[0].disks[0].source, "a\"b"));
	assert_false(plan_set(&d.plan, &d.u.vms[0].disks[0].source, "a\nb"));
	assert_int_equal(d.plan.edits.n, 0);
	unit_close(&d.u);
}

static void the_judge_sees_a_line_in_another_section(void **state)
{
	static const char text[] =
		"[drive \"a\"]\n file = \"a\"\n[drive \"b\"]\n file = \"b\"\n";
	struct view after;
	const char *why;
	struct doc d;

	(void)state;
	doc_read(&d, text);
	/* The second header goes, and its file becomes the first one's. */
	assert_true(plan_replace(&d.plan, (struct span){ &d.u.src, 24, 12 }, STR("")));
	after = plan_text(&d.plan, d.u.text, &d.u.arena);
	assert_false(judge_ini(d.u.text, after, &d.plan, &d.u.arena, &why));
	d.plan = plan_on(&d.u.src, &d.u.arena);
	assert_true(plan_replace(&d.plan, (struct span){ &d.u.src, 20, 1 }, STR("")));
	after = plan_text(&d.plan, d.u.text, &d.u.arena);
	assert_false(judge_ini(d.u.text, after, &d.plan, &d.u.arena, &why));
	unit_close(&d.u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_qemu_does),
		cmocka_unit_test(lines_that_look_right_are_not),
		cmocka_unit_test(each_place_holds_what_it_says),
		cmocka_unit_test(its_files_are_recognised_by_what_they_say),
		cmocka_unit_test(sections_are_options),
		cmocka_unit_test(what_is_not_in_the_file_is_not_known),
		cmocka_unit_test(the_last_of_a_name_counts),
		cmocka_unit_test(a_line_that_qemu_reads_as_two_is_refused),
		cmocka_unit_test(a_new_line_looks_like_its_neighbours),
		cmocka_unit_test(a_line_goes_with_its_end),
		cmocka_unit_test(the_name_of_a_section_stays),
		cmocka_unit_test(a_value_that_cannot_be_written_is_refused),
		cmocka_unit_test(the_judge_sees_a_line_in_another_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
