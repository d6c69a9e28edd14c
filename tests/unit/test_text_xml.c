/* Edits of XML by meaning: the bytes that they make of a text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/xml_edit.h"

#include "base/banned.h"

/* ---- what one edit makes of a text ---- */

enum verb { SET, REMOVE };

typedef const struct fact *(*pick)(const struct vm *vm);

static const struct fact *ioapic(const struct vm *vm)
{
	return &vm->ioapic;
}

static const struct fact *acpi(const struct vm *vm)
{
	return &vm->acpi;
}

static const struct fact *name(const struct vm *vm)
{
	return &vm->name;
}

static const struct fact *emulator(const struct vm *vm)
{
	return &vm->emulator;
}

static const struct fact *machine(const struct vm *vm)
{
	return &vm->machine;
}

static const struct fact *caching_mode(const struct vm *vm)
{
	return &vm->iommus[0].caching_mode;
}

static const struct fact *intremap(const struct vm *vm)
{
	return &vm->iommus[0].intremap;
}

static const struct fact *cache(const struct vm *vm)
{
	return &vm->disks[0].cache;
}

static const struct fact *read_only(const struct vm *vm)
{
	return &vm->disks[0].readonly;
}

static const struct fact *source(const struct vm *vm)
{
	return &vm->disks[0].source;
}

static void edit(enum verb verb, pick what, const char *value, const char *before,
		 const char *after)
{
	struct doc d;
	struct str result;
	const char *why;

	doc_read(&d, str_of(before));
	assert_true(verb == SET ? plan_set(&d.plan, what(d.vm), value)
				: plan_remove(&d.plan, what(d.vm)));
	result = doc_result(&d);
	assert_text(result, after);
	if (!judge_xml(d.text, str_bytes(result), &d.plan, &d.arena, &why))
		fail_msg("%s in:\n%s", why, after);
	doc_done(&d);
}

static void refused(enum verb verb, pick what, const char *value, const char *text)
{
	struct doc d;

	doc_read(&d, str_of(text));
	assert_false(verb == SET ? plan_set(&d.plan, what(d.vm), value)
				 : plan_remove(&d.plan, what(d.vm)));
	assert_int_equal(d.plan.edits.n, 0);
	doc_done(&d);
}

static void value_keeps_its_quotes(void **state)
{
	(void)state;
	edit(SET, machine, "q35",
	     "<domain><os><type machine=\"pc\">hvm</type></os></domain>",
	     "<domain><os><type machine=\"q35\">hvm</type></os></domain>");
	edit(SET, machine, "a'b\"c",
	     "<domain><os><type machine='pc'>hvm</type></os></domain>",
	     "<domain><os><type machine='a&apos;b\"c'>hvm</type></os></domain>");
	edit(SET, machine, "a'b\"c<&",
	     "<domain><os><type machine = \"pc\" >hvm</type></os></domain>",
	     "<domain><os><type machine = \"a'b&quot;c&lt;&amp;\" >hvm</type></os></domain>");
}

static void same_value_changes_nothing(void **state)
{
	static const char text[] = "<domain><os><type machine='&#x71;35'>hvm</type></os>"
				   "<features><acpi/></features></domain>";

	(void)state;
	edit(SET, machine, "q35", text, text);
	edit(SET, acpi, "yes", text, text);
	edit(REMOVE, ioapic, NULL, text, text);
}

static void attribute_goes_behind_its_neighbours(void **state)
{
	(void)state;
	edit(SET, machine, "q35",
	     "<domain><os><type arch=\"x86_64\" >hvm</type></os></domain>",
	     "<domain><os><type arch=\"x86_64\" machine=\"q35\" >hvm</type></os></domain>");
	edit(SET, machine, "q35", "<domain type='kvm'><os><type>hvm</type></os></domain>",
	     "<domain type='kvm'><os><type machine='q35'>hvm</type></os></domain>");
	edit(SET, caching_mode, "on",
	     "<domain><devices><iommu model='intel'><driver intremap='on'/></iommu>"
	     "</devices></domain>",
	     "<domain><devices><iommu model='intel'><driver intremap='on' "
	     "caching_mode='on'/></iommu></devices></domain>");
}

static void attribute_takes_the_quotes_of_the_nearest(void **state)
{
	(void)state;
	edit(SET, machine, "q35",
	     "<domain type=\"kvm\"><os><type>hvm</type></os></domain>",
	     "<domain type=\"kvm\"><os><type machine=\"q35\">hvm</type></os></domain>");
	edit(SET, machine, "q35",
	     "<domain><os><type a='1' b=\"2\">hvm</type></os></domain>",
	     "<domain><os><type a='1' b=\"2\" machine=\"q35\">hvm</type></os></domain>");
}

static void attributes_on_lines_of_their_own_stay_so(void **state)
{
	(void)state;
	edit(SET, caching_mode, "on",
	     "<domain>\n <devices>\n  <iommu model='intel'>\n   <driver\n\tintremap='on'\n\t"
	     "eim='off'/>\n  </iommu>\n </devices>\n</domain>\n",
	     "<domain>\n <devices>\n  <iommu model='intel'>\n   <driver\n\tintremap='on'\n\t"
	     "eim='off'\n\tcaching_mode='on'/>\n  </iommu>\n </devices>\n</domain>\n");
}

static void self_closing_parent_is_opened(void **state)
{
	(void)state;
	edit(SET, caching_mode, "on",
	     "<domain>\n  <devices>\n    <iommu model='intel'/>\n  </devices>\n</domain>\n",
	     "<domain>\n  <devices>\n    <iommu model='intel'>\n      <driver "
	     "caching_mode='on'/>\n    </iommu>\n  </devices>\n</domain>\n");
	edit(SET, caching_mode, "on",
	     "<domain>\r\n\t<devices>\r\n\t\t<iommu model=\"intel\" />\r\n\t</devices>\r\n"
	     "</domain>",
	     "<domain>\r\n\t<devices>\r\n\t\t<iommu model=\"intel\">\r\n\t\t\t<driver "
	     "caching_mode=\"on\" />\r\n\t\t</iommu>\r\n\t</devices>\r\n</domain>");
}

static void one_line_file_stays_one_line(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain type='kvm'><os><type>hvm</type></os><devices/></domain>",
	     "<domain type='kvm'><os><type>hvm</type></os><features><ioapic "
	     "driver='qemu'/></features><devices/></domain>");
	edit(SET, ioapic, "qemu", "<domain type='kvm'><features/></domain>\n",
	     "<domain type='kvm'><features><ioapic driver='qemu'/></features></domain>\n");
	edit(SET, ioapic, "qemu", "<domain type='kvm'/>",
	     "<domain type='kvm'><features><ioapic driver='qemu'/></features></domain>");
}

static void missing_steps_are_made_in_libvirts_order(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain type='kvm'>\n  <os>\n    <type>hvm</type>\n  </os>\n  <cpu/>\n"
	     "  <devices/>\n</domain>\n",
	     "<domain type='kvm'>\n  <os>\n    <type>hvm</type>\n  </os>\n  <features>\n"
	     "    <ioapic driver='qemu'/>\n  </features>\n  <cpu/>\n  <devices/>\n</domain>\n");
	edit(SET, name, "a", "<domain>\n  <uuid>1</uuid>\n</domain>\n",
	     "<domain>\n  <name>a</name>\n  <uuid>1</uuid>\n</domain>\n");
	edit(SET, emulator, "/q",
	     "<domain>\n  <devices>\n    <disk/>\n  </devices>\n</domain>\n",
	     "<domain>\n  <devices>\n    <emulator>/q</emulator>\n    <disk/>\n  </devices>\n"
	     "</domain>\n");
	edit(SET, read_only, "yes",
	     "<domain><devices><disk><source/><target/><boot/><alias/></disk></devices></domain>",
	     "<domain><devices><disk><source/><target/><readonly/><boot/><alias/></disk>"
	     "</devices></domain>");
}

static void element_of_another_namespace_is_no_anchor(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain xmlns:qemu='u'>\n  <os/>\n  <devices/>\n  <qemu:os/>\n</domain>\n",
	     "<domain xmlns:qemu='u'>\n  <os/>\n  <features>\n    <ioapic driver='qemu'/>\n"
	     "  </features>\n  <devices/>\n  <qemu:os/>\n</domain>\n");
}

static void empty_parent_gets_its_first_child(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu", "<domain>\n  <features>\n  </features>\n</domain>\n",
	     "<domain>\n  <features>\n    <ioapic driver='qemu'/>\n  </features>\n</domain>\n");
	edit(SET, ioapic, "qemu", "<domain>\r\n  <features></features>\r\n</domain>\r\n",
	     "<domain>\r\n  <features>\r\n    <ioapic driver='qemu'/>\r\n  </features>\r\n"
	     "</domain>\r\n");
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <features>\n    <!-- none yet -->\n\n  </features>\n</domain>\n",
	     "<domain>\n  <features>\n    <!-- none yet -->\n\n    <ioapic driver='qemu'/>\n"
	     "  </features>\n</domain>\n");
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <features><!-- none --></features>\n</domain>\n",
	     "<domain>\n  <features><!-- none -->\n    <ioapic driver='qemu'/>\n  </features>\n"
	     "</domain>\n");
}

static void comment_stays_with_the_element_before_it(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <features>\n    <acpi/> <!-- needed -->\t\n    <hpt/>\n  "
	     "</features>\n</domain>\n",
	     "<domain>\n  <features>\n    <acpi/> <!-- needed -->\t\n    <ioapic "
	     "driver='qemu'/>\n    <hpt/>\n  </features>\n</domain>\n");
}

static void comment_above_the_next_element_stays_there(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <os/>\n\n  <!-- host CPU -->\n  <cpu/>\n</domain>\n",
	     "<domain>\n  <os/>\n  <features>\n    <ioapic driver='qemu'/>\n  </features>\n\n"
	     "  <!-- host CPU -->\n  <cpu/>\n</domain>\n");
}

static void sibling_on_the_same_line_keeps_it(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <features><acpi/><apic/></features>\n</domain>\n",
	     "<domain>\n  <features><acpi/><apic/><ioapic driver='qemu'/></features>\n"
	     "</domain>\n");
	edit(SET, ioapic, "qemu",
	     "<domain>\n  <features>\n    <acpi/><hpt/>\n  </features>\n</domain>\n",
	     "<domain>\n  <features>\n    <acpi/><ioapic driver='qemu'/><hpt/>\n  </features>\n"
	     "</domain>\n");
}

static void file_without_indentation_gets_none(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu", "<domain>\n<os>\n<type/>\n</os>\n</domain>\n",
	     "<domain>\n<os>\n<type/>\n</os>\n<features>\n<ioapic driver='qemu'/>\n</features>\n"
	     "</domain>\n");
}

static void byte_order_mark_is_no_indentation(void **state)
{
	(void)state;
	edit(SET, ioapic, "qemu", "\xef\xbb\xbf<domain>\n  <features/>\n</domain>\n",
	     "\xef\xbb\xbf<domain>\n  <features>\n    <ioapic driver='qemu'/>\n  </features>\n"
	     "</domain>\n");
}

static void text_keeps_its_surroundings(void **state)
{
	(void)state;
	edit(SET, name, "b & <c>", "<domain>\n <name>\n  a\n </name>\n</domain>",
	     "<domain>\n <name>\n  b &amp; &lt;c&gt;\n </name>\n</domain>");
	edit(SET, name, "b", "<domain><name/></domain>",
	     "<domain><name>b</name></domain>");
	edit(SET, name, "b", "<domain><name> </name></domain>",
	     "<domain><name>b</name></domain>");
}

static void removed_attribute_takes_its_blank_along(void **state)
{
	(void)state;
	edit(REMOVE, cache, NULL,
	     "<domain><devices><disk><driver name='qemu'  cache='unsafe' io='x'/></disk>"
	     "</devices></domain>",
	     "<domain><devices><disk><driver name='qemu' io='x'/></disk></devices></domain>");
	edit(REMOVE, cache, NULL,
	     "<domain><devices><disk><driver\n name='qemu'\n cache='unsafe'\n/></disk>"
	     "</devices></domain>",
	     "<domain><devices><disk><driver\n name='qemu'\n/></disk></devices></domain>");
}

static void element_that_would_say_nothing_goes_too(void **state)
{
	(void)state;
	edit(REMOVE, cache, NULL,
	     "<domain>\n  <devices>\n    <disk>\n      <driver cache='unsafe'/>\n      <source/>\n"
	     "    </disk>\n  </devices>\n</domain>\n",
	     "<domain>\n  <devices>\n    <disk>\n      <source/>\n    </disk>\n  </devices>\n"
	     "</domain>\n");
}

static void removed_element_takes_its_line_along(void **state)
{
	(void)state;
	edit(REMOVE, acpi, NULL,
	     "<domain>\r\n\t<features>\r\n\t\t<acpi/>  \r\n\t\t<apic/>\r\n\t</features>\r\n"
	     "</domain>\r\n",
	     "<domain>\r\n\t<features>\r\n\t\t<apic/>\r\n\t</features>\r\n</domain>\r\n");
	edit(REMOVE, acpi, NULL,
	     "<domain>\n <features>\n  <acpi/> <!-- x -->\n  <apic/>\n </features>\n</domain>",
	     "<domain>\n <features>\n   <!-- x -->\n  <apic/>\n </features>\n</domain>");
	edit(REMOVE, acpi, NULL, "<domain><features><acpi/><apic/></features></domain>",
	     "<domain><features><apic/></features></domain>");
}

static void every_place_of_a_fact_is_removed(void **state)
{
	(void)state;
	edit(REMOVE, ioapic, NULL,
	     "<domain><features><ioapic driver='kvm'/><acpi/></features>"
	     "<features><ioapic driver='qemu'/></features></domain>",
	     "<domain><features><acpi/></features><features></features></domain>");
	edit(REMOVE, source, NULL,
	     "<domain><devices><disk><source file='a' dev='b'/><x/></disk></devices></domain>",
	     "<domain><devices><disk><source/><x/></disk></devices></domain>");
}

static void what_xml_cannot_say_is_refused(void **state)
{
	(void)state;
	refused(SET, name, "a\x01", "<domain><name>b</name></domain>");
	refused(SET, name, "a\xff", "<domain><name>b</name></domain>");
	refused(SET, name, "a\xef\xbf\xbf", "<domain><name>b</name></domain>");
}

static void markup_in_a_text_is_not_overwritten(void **state)
{
	(void)state;
	refused(SET, name, "a", "<domain><name>b<!-- c --></name></domain>");
	refused(SET, name, "a", "<domain><name><![CDATA[b]]></name></domain>");
}

static void variable_is_not_overwritten(void **state)
{
	(void)state;
	refused(SET, machine, "q35",
		"<domain><os><type machine='${machine}'>hvm</type></os></domain>");
}

static void root_is_not_removed(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, STR("<domain/>"));
	assert_false(plan_remove_node(&d.plan, d.root));
	doc_done(&d);
}

/* ---- two fixes in one round ---- */

static void second_attribute_of_a_tag_waits(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d,
		 STR("<domain><devices><iommu model='intel'><driver eim='on'/></iommu>"
		     "</devices></domain>"));
	assert_true(plan_set(&d.plan, caching_mode(d.vm), "on"));
	assert_false(plan_set(&d.plan, intremap(d.vm), "on"));
	assert_true(plan_set(&d.plan, caching_mode(d.vm), "on"));
	assert_int_equal(d.plan.edits.n, 1);
	doc_done(&d);
}

static void second_element_at_a_place_waits(void **state)
{
	static const char *const texts[] = {
		"<domain><os/><devices/></domain>",
		"<domain><features/></domain>",
		"<domain>\n <features>\n </features>\n</domain>",
		"<domain>\n <features></features>\n</domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct doc d;

		doc_read(&d, str_of(texts[i]));
		assert_true(plan_set(&d.plan, ioapic(d.vm), "qemu"));
		assert_false(plan_set(&d.plan, acpi(d.vm), "yes"));
		assert_int_equal(d.plan.edits.n, 1);
		doc_done(&d);
	}
}

static void attribute_and_content_of_a_closed_element_agree(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, STR("<domain><devices><disk type='file'/></devices></domain>"));
	assert_true(plan_set(&d.plan, &d.vm->disks[0].readonly, "yes"));
	assert_true(plan_set(&d.plan, &d.vm->disks[0].device, "cdrom"));
	assert_text(doc_result(&d), "<domain><devices><disk type='file' device='cdrom'>"
				    "<readonly/></disk></devices></domain>");
	doc_done(&d);
}

static void edit_within_a_removed_element_waits(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d,
		 STR("<domain>\n<devices>\n<iommu model='virtio'>\n<driver eim='on'/>\n"
		     "</iommu>\n</devices>\n</domain>\n"));
	assert_true(
		plan_remove_node(&d.plan, node_child(d.vm->iommus[0].node, "driver")));
	assert_false(plan_set(&d.plan, caching_mode(d.vm), "on"));
	doc_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_keeps_its_quotes),
		cmocka_unit_test(same_value_changes_nothing),
		cmocka_unit_test(attribute_goes_behind_its_neighbours),
		cmocka_unit_test(attribute_takes_the_quotes_of_the_nearest),
		cmocka_unit_test(attributes_on_lines_of_their_own_stay_so),
		cmocka_unit_test(self_closing_parent_is_opened),
		cmocka_unit_test(one_line_file_stays_one_line),
		cmocka_unit_test(missing_steps_are_made_in_libvirts_order),
		cmocka_unit_test(element_of_another_namespace_is_no_anchor),
		cmocka_unit_test(empty_parent_gets_its_first_child),
		cmocka_unit_test(comment_stays_with_the_element_before_it),
		cmocka_unit_test(comment_above_the_next_element_stays_there),
		cmocka_unit_test(sibling_on_the_same_line_keeps_it),
		cmocka_unit_test(file_without_indentation_gets_none),
		cmocka_unit_test(byte_order_mark_is_no_indentation),
		cmocka_unit_test(text_keeps_its_surroundings),
		cmocka_unit_test(removed_attribute_takes_its_blank_along),
		cmocka_unit_test(element_that_would_say_nothing_goes_too),
		cmocka_unit_test(removed_element_takes_its_line_along),
		cmocka_unit_test(every_place_of_a_fact_is_removed),
		cmocka_unit_test(what_xml_cannot_say_is_refused),
		cmocka_unit_test(markup_in_a_text_is_not_overwritten),
		cmocka_unit_test(variable_is_not_overwritten),
		cmocka_unit_test(root_is_not_removed),
		cmocka_unit_test(second_attribute_of_a_tag_waits),
		cmocka_unit_test(second_element_at_a_place_waits),
		cmocka_unit_test(attribute_and_content_of_a_closed_element_agree),
		cmocka_unit_test(edit_within_a_removed_element_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
