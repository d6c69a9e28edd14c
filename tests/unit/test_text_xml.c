/* Edits of XML by meaning: the bytes that they make, and that no other byte moves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/lens.h"
#include "analyze/config/libvirt.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/prove.h"
#include "rewrite/text.h"

#include "base/banned.h"

/* ---- a domain, read ---- */

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	const struct node *root;
	const struct vm *vm;
	struct plan plan;
};

static void doc_read(struct doc *d, struct str text)
{
	static const struct host host;
	const struct syntax_error *bad;
	struct node *root;
	struct err e = { 0 };

	*d = (struct doc){ .text = str_bytes(text) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.xml", d->text);
	if (xml_read(&d->src, d->text, &d->arena, &root, &bad, &e) != 0 || !root)
		fail_msg("%s in:\n%.*s", bad ? bad->what : e.msg, STR_ARG(text));
	d->root = root;
	d->vm = libvirt_vm(root, &host, &d->arena);
	assert_non_null(d->vm);
	d->plan = plan_on(&d->src, &d->arena);
}

static void doc_done(struct doc *d)
{
	arena_free(&d->arena);
}

static struct str doc_result(struct doc *d)
{
	return str_view(plan_text(&d->plan, d->text, &d->arena));
}

static void assert_text(struct str found, const char *expected)
{
	if (!str_is(found, expected))
		fail_msg("\n%.*s\nexpected:\n%s", STR_ARG(found), expected);
}

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

/* ---- every fact of many texts ---- */

enum { FACTS_MAX = 200 };

struct facts {
	const struct fact *v[FACTS_MAX];
	size_t n;
};

static void add_facts(struct facts *all, const struct fact *first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* What libvirt has no word for. */
		if (!first[i].lens)
			continue;
		assert_true(all->n < FACTS_MAX);
		all->v[all->n++] = first + i;
	}
}

/* From one member to another of the same struct, both included. */
#define ADD_FACTS(all, object, from, to)                                                 \
	add_facts((all), &(object)->from, (size_t)(&(object)->to - &(object)->from) + 1)

static struct facts facts_of(const struct vm *vm)
{
	struct facts all = { .n = 0 };

	ADD_FACTS(&all, vm, name, ioapic);
	for (size_t i = 0; i < vm->ndisks; i++)
		ADD_FACTS(&all, &vm->disks[i], device, physical_block_size);
	for (size_t i = 0; i < vm->niommus; i++)
		ADD_FACTS(&all, &vm->iommus[i], model, dma_translation);
	for (size_t i = 0; i < vm->nhostdevs; i++)
		ADD_FACTS(&all, &vm->hostdevs[i], mode, driver);
	return all;
}

static bool is_presence(const struct fact *f)
{
	return str_ends(str_of(f->lens->path), "?");
}

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return (x->at.off > y->at.off) - (x->at.off < y->at.off);
}

/* Bytes that no edit covers stand in both texts, in the same order. */
static void assert_rest_is_kept(struct doc *d, struct str after)
{
	size_t from = 0, at = 0, run;

	sort_stable(d->plan.edits.v, d->plan.edits.n, sizeof(struct edit), by_offset);
	for (size_t i = 0; i < d->plan.edits.n; i++) {
		const struct edit *e = &d->plan.edits.v[i];

		run = (size_t)e->at.off - from;
		assert_true(at + run + e->bytes.n <= after.n);
		assert_memory_equal(d->text.p + from, after.p + at, run);
		at += run + e->bytes.n;
		from = (size_t)span_end(e->at);
	}
	assert_int_equal(d->text.n - from, after.n - at);
	assert_memory_equal(d->text.p + from, after.p + at, after.n - at);
}

static void assert_judged(struct doc *d, struct str after, const struct fact *f)
{
	const char *why;

	assert_true(xml_accepts(str_bytes(after)));
	if (!judge_xml(d->text, str_bytes(after), &d->plan, &d->arena, &why))
		fail_msg("%s: %s\n%.*s", f->lens->field, why, STR_ARG(after));
	assert_rest_is_kept(d, after);
}

/* Sets fact i and reads it back; sets it again, which must change nothing. */
static bool set_and_read_back(struct str text, size_t i, const char *value)
{
	struct doc d, again;
	const struct fact *f;
	struct str after;
	bool done;

	doc_read(&d, text);
	f = facts_of(d.vm).v[i];
	if (is_presence(f))
		value = "yes";
	done = plan_set(&d.plan, f, value);
	if (done) {
		after = doc_result(&d);
		assert_judged(&d, after, f);
		doc_read(&again, after);
		f = facts_of(again.vm).v[i];
		if (!fact_is(f, value))
			fail_msg("%s is not '%s' in:\n%.*s", f->lens->field, value,
				 STR_ARG(after));
		assert_true(plan_set(&again.plan, f, value));
		assert_int_equal(again.plan.edits.n, 0);
		doc_done(&again);
	}
	doc_done(&d);
	return done;
}

static bool remove_and_read_back(struct str text, size_t i)
{
	struct doc d, again;
	const struct fact *f;
	struct str after;
	bool done;

	doc_read(&d, text);
	f = facts_of(d.vm).v[i];
	done = plan_remove(&d.plan, f);
	if (done) {
		after = doc_result(&d);
		assert_judged(&d, after, f);
		doc_read(&again, after);
		f = facts_of(again.vm).v[i];
		if (!fact_absent(f))
			fail_msg("%s is still there in:\n%.*s", f->lens->field,
				 STR_ARG(after));
		assert_true(plan_remove(&again.plan, f));
		assert_int_equal(again.plan.edits.n, 0);
		doc_done(&again);
	}
	doc_done(&d);
	return done;
}

static const char base_text[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<!-- made by hand -->\n"
	"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
	"  <name>Gäste</name> <!-- a name -->\n"
	"  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n"
	"\n"
	"  <os>\n"
	"    <type arch='x86_64' machine='q35'>hvm</type>\n"
	"  </os>\n"
	"  <!-- features: <acpi/> was here -->\n"
	"  <cpu mode='host-passthrough'/>\n"
	"  <devices>\n"
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2' cache='none'/>\n"
	"      <source file='/vm/a &amp; b.qcow2'/><!-- two images -->\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='file' device='cdrom'>\n"
	"      <target dev='sda' bus='sata'/>\n"
	"      <readonly/>\n"
	"    </disk>\n"
	"    <disk device='disk'>\n"
	"    </disk>\n"
	"    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
	"      <source>\n"
	"        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	"      </source>\n"
	"    </hostdev>\n"
	"    <interface type='hostdev'/>\n"
	"    <iommu model='intel'>\n"
	"      <driver intremap='on' iotlb='on'/>\n"
	"    </iommu>\n"
	"    <iommu model='virtio'/>\n"
	"  </devices>\n"
	"  <qemu:commandline>\n"
	"    <qemu:arg value='-s'/>\n"
	"  </qemu:commandline>\n"
	"</domain>\n";

/* How people and programs write the same domain. */
struct variant {
	const char *from, *to; /* NULL: as the one above; the replacements add up */
	bool fresh;            /* starts from base_text */
};

static const struct variant variants[] = {
	{ "\n", "\n", true },
	{ "  ", "\t", true },
	{ "\n", "\r\n", true },
	{ "  ", "\t", false },
	{ "'", "\"", true },
	{ "'/>", "' />", true },
	{ "'", "\"", false },
	{ "\n", "", true },
	{ "  ", "", true },
	{ "    ", "   ", true },
	{ " bus=", "\n\t bus=", true },
	{ "</domain>\n", "</domain>", true },
	{ "<?xml", "\xef\xbb\xbf<?xml", true },
	{ "\n<domain", "<domain", true },
	{ "<disk ", "<!-- <disk/> --><disk ", true },
	{ "\n    <", "\n\n    <", true },
};

static void replace_all(struct buf *out, struct str text, const char *from,
			const char *to)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < text.n;) {
		bool here = text.n - i >= n && memcmp(text.p + i, from, n) == 0;

		if (here)
			buf_add(out, str_of(to));
		else
			buf_char(out, text.p[i]);
		i += here ? n : 1;
	}
}

static void try_every_fact(struct str text)
{
	struct doc d;
	size_t nfacts, set = 0, removed = 0;

	doc_read(&d, text);
	nfacts = facts_of(d.vm).n;
	doc_done(&d);
	for (size_t i = 0; i < nfacts; i++) {
		set += set_and_read_back(text, i, "a'b\"c <d> & \xc3\xa9\t\n.");
		set += set_and_read_back(text, i, "on");
		removed += remove_and_read_back(text, i);
	}
	/* All but the text of elements that have attributes of their own, too. */
	assert_int_equal(set, 2 * nfacts);
	assert_int_equal(removed, nfacts);
}

static void every_fact_can_be_set_and_removed_in_every_style(void **state)
{
	struct buf text = { 0 }, next = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		const struct variant *v = &variants[i];

		buf_clear(&next);
		replace_all(&next,
			    v->fresh ? str_of(base_text) : (struct str){ text.p, text.n },
			    v->from, v->to);
		buf_clear(&text);
		buf_add(&text, (struct str){ next.p, next.n });
		try_every_fact((struct str){ text.p, text.n });
	}
	buf_free(&text);
	buf_free(&next);
}

/* ---- the judge ---- */

static void judge_bytes(const char *before, uint64_t off, uint64_t len, const char *bytes,
			const char *objection)
{
	struct doc d;
	const char *why;
	bool ok;

	doc_read(&d, str_of(before));
	assert_true(
		plan_replace(&d.plan, (struct span){ &d.src, off, len }, str_of(bytes)));
	ok = judge_xml(d.text, str_bytes(doc_result(&d)), &d.plan, &d.arena, &why);
	if (ok != !objection || (why && !strstr(why, objection)))
		fail_msg("%s, expected %s", why ? why : "no objection",
			 objection ? objection : "none");
	doc_done(&d);
}

static void judge_refuses_broken_text(void **state)
{
	(void)state;
	judge_bytes("<a><b x='1'/><c/></a>", 9, 1, "<", "libxml2 refuses the text");
	judge_bytes("<a><b x='1'/><c/></a>", 3, 0, "</a><a>", "libxml2 refuses the text");
	judge_bytes("<a><b/><c/><d/></a>", 7, 4, "<c>", "libxml2 refuses the text");
}

static void judge_sees_an_edit_that_leaks(void **state)
{
	(void)state;
	judge_bytes("<a><b x='1' y='2'/></a>", 9, 1, "2", NULL);
	judge_bytes("<a><b x='1' y='2'/></a>", 9, 0, "' z='3",
		    "attribute 'z' from nowhere");
	judge_bytes("<a><b x='1'></b></a>", 9, 1, "1'><c/></b><b x='2",
		    "<c> would appear");
	judge_bytes("<a><b></b><c/></a>", 6, 4, "<c/></b>", NULL);
	judge_bytes("<a><b/><c/></a>", 7, 4, "<!-- -->", "a comment in <a>");
	judge_bytes("<a><b/>t<c/></a>", 3, 5, "<b/>", "the text of <a>");
	judge_bytes("<a><b/></a><!-- x -->", 7, 4, "</a><!-- y -->", "outside of <a>");
}

static void judge_allows_only_what_was_touched(void **state)
{
	struct doc d;
	const char *why;

	(void)state;
	doc_read(&d, STR("<a><b x='1'/><c y='1'/></a>"));
	assert_true(plan_replace(&d.plan, (struct span){ &d.src, 9, 1 }, STR("2")));
	assert_true(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='1'/></a>")),
			      &d.plan, &d.arena, &why));
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='2'/></a>")),
			       &d.plan, &d.arena, &why));
	assert_string_equal(why, "<c> would change, and no edit touches it");
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/></a>")), &d.plan,
			       &d.arena, &why));
	assert_string_equal(why, "<c> would be gone");
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='1'/><d/></a>")),
			       &d.plan, &d.arena, &why));
	assert_string_equal(why, "<d> would appear where no edit inserts");
	doc_done(&d);
}

/* Puts another letter at `at`, outside of the only edit. */
static bool stray(struct doc *d, struct str after, size_t at)
{
	const struct edit *e = &d->plan.edits.v[0];
	char *text = arena_str(&d->arena, after);
	const char *why;
	bool is_letter = (text[at] | 0x20) >= 'a' && (text[at] | 0x20) <= 'z';

	if (!is_letter || (at >= e->at.off && at < e->at.off + e->bytes.n))
		return false;
	text[at] = text[at] == 'q' ? 'r' : 'q';
	if (judge_xml(d->text, str_bytes(str_of(text)), &d->plan, &d->arena, &why))
		fail_msg("nobody noticed byte %zu of:\n%s", at, text);
	return true;
}

static void judge_sees_every_stray_byte(void **state)
{
	size_t nfacts, tried = 0;
	struct str after;
	struct doc d;

	(void)state;
	doc_read(&d, str_of(base_text));
	nfacts = facts_of(d.vm).n;
	doc_done(&d);
	for (size_t i = 0; i < nfacts; i++) {
		doc_read(&d, str_of(base_text));
		assert_true(plan_set(&d.plan, facts_of(d.vm).v[i], "yes"));
		after = doc_result(&d);
		for (size_t at = i; d.plan.edits.n == 1 && at < after.n; at += 41)
			tried += stray(&d, after, at);
		doc_done(&d);
	}
	assert_true(tried > 1000);
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
		cmocka_unit_test(every_fact_can_be_set_and_removed_in_every_style),
		cmocka_unit_test(judge_refuses_broken_text),
		cmocka_unit_test(judge_sees_an_edit_that_leaks),
		cmocka_unit_test(judge_allows_only_what_was_touched),
		cmocka_unit_test(judge_sees_every_stray_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
