/* The table of what builders of Packer have.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/packer_fields.h"
#include "tests/unit/packer_doc.h"

#include "base/banned.h"

/* Rows are looked up by bisection. */
static void rows_are_sorted(void **state)
{
	(void)state;
	assert_null(packer_fields_unsorted());
}

static void a_field_is_found_under_its_whole_name(void **state)
{
	(void)state;
	assert_string_equal(packer_field(QEMU, STR("accelerator"), false)->name,
			    "accelerator");
	assert_string_equal(packer_field(VSPHERE, STR("CPU_hot_plug"), false)->name,
			    "CPU_hot_plug");
	assert_string_equal(packer_field(QEMU, STR("winrm_username"), false)->name,
			    "winrm_username");
	assert_null(packer_field(QEMU, STR("accelerato"), false));
	assert_null(packer_field(QEMU, STR("accelerators"), false));
	assert_null(packer_field(QEMU, STR("accelerator\0"), false));
	assert_null(packer_field(QEMU, STR(""), false));
	assert_null(packer_field(QEMU, STR("zzz"), false));
}

static void a_field_of_others_is_none(void **state)
{
	(void)state;
	assert_null(packer_field(TART, STR("accelerator"), false));
	assert_null(packer_field(0, STR("vm_name"), false));
	assert_int_equal(packer_field(QEMU, STR("disk_size"), false)->kind,
			 PACKER_STRING);
	assert_int_equal(packer_field(UTM, STR("disk_size"), false)->kind, PACKER_NUMBER);
}

static void only_legacy_templates_take_any_case(void **state)
{
	(void)state;
	assert_null(packer_field(QEMU, STR("CPUs"), false));
	assert_string_equal(packer_field(QEMU, STR("CPUs"), true)->name, "cpus");
	assert_string_equal(packer_field(VSPHERE, STR("cpus"), true)->name, "CPUs");
	assert_string_equal(packer_field(QEMU, STR("VM_Name"), true)->name, "vm_name");
}

static void what_was_meant_is_another_case_or_few_letters_away(void **state)
{
	(void)state;
	assert_string_equal(packer_field_near(QEMU, "CPUs"), "cpus");
	assert_string_equal(packer_field_near(QEMU, "vm_nmae"), "vm_name");
	assert_null(packer_field_near(QEMU, "vm_id"));
	assert_null(packer_field_near(QEMU, "something"));
}

/* A build adds to the source; a builder of somebody else's has what we do not know. */
static void members_are_those_of_the_source_and_of_its_only_build(void **state)
{
	static const char source[] =
		"source \"qemu\" \"x\" {\n  vm_name = \"a\"\n"
		"  colour = \"red\"\n}\n"
		"build {\n  source \"qemu.x\" {\n    headless = true\n"
		"  }\n}\n",
			  foreign[] = "packer {\n  required_plugins {\n    qemu = {\n"
				      "      source = \"github.com/other/qemu\"\n    }\n"
				      "  }\n}\nsource \"qemu\" \"x\" {\n"
				      "  vm_name = \"a\"\n}\n";
	const struct builder *b;
	struct doc d;

	(void)state;
	read_text(&d, source);
	b = &d.unit.builders[0];
	assert_int_equal(b->kind, QEMU);
	assert_int_equal(b->members.n, 3);
	assert_string_equal(b->members.v[0].field->name, "vm_name");
	assert_null(b->members.v[1].field);
	assert_string_equal(b->members.v[2].field->name, "headless");
	unit_close(&d.unit);
	read_text(&d, foreign);
	assert_int_equal(d.unit.builders[0].kind, 0);
	assert_int_equal(d.unit.builders[0].members.n, 0);
	unit_close(&d.unit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(a_field_is_found_under_its_whole_name),
		cmocka_unit_test(a_field_of_others_is_none),
		cmocka_unit_test(only_legacy_templates_take_any_case),
		cmocka_unit_test(what_was_meant_is_another_case_or_few_letters_away),
		cmocka_unit_test(members_are_those_of_the_source_and_of_its_only_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
