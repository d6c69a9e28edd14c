/* Options of QEMU that are JSON: where each piece stands, and edits of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/node.h"
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
	d->src = source_of_bytes("a.sh", str_bytes(str_of(text)));
	unit_read(&d->u, &d->src, NULL, &no_host);
	d->plan = plan_on(&d->u.src, &d->u.arena);
	assert_int_equal(d->u.nvms, 1);
}

static const struct disk *disk_of(const struct doc *d)
{
	assert_int_equal(d->u.vms[0].ndisks, 1);
	return &d->u.vms[0].disks[0];
}

static void assert_after(struct doc *d, const char *expected)
{
	struct view after = plan_text(&d->plan, d->u.text, &d->u.arena);
	const char *why;

	assert_int_equal(after.n, strlen(expected));
	assert_memory_equal(after.p, expected, after.n);
	assert_true(judge_shell(d->u.text, after, &d->plan, &d->u.arena, &why));
}

static void assert_off(const char *text, const char *expected)
{
	struct doc d;

	doc_read(&d, text);
	assert_true(plan_set(&d.plan, &disk_of(&d)->locking, "off"));
	assert_after(&d, expected);
	unit_close(&d.u);
}

#define Q "#!/bin/sh\nqemu-kvm -blockdev "

static void places_are_those_of_the_file(void **state)
{
	static const char text[] = Q "'{\"driver\":\"raw\",\"node-name\":\"d\",\"file\":"
				     "{\"driver\":\"file\",\"filename\":\"/a\"}}'\n";
	const struct fact *source;
	struct doc d;

	(void)state;
	doc_read(&d, text);
	source = &disk_of(&d)->source;
	assert_true(fact_is(source, "/a"));
	assert_memory_equal(text + source->at.off, "/a", source->at.len);
	assert_true(fact_is(&disk_of(&d)->format, "raw"));
	assert_true(fact_is(&disk_of(&d)->target, "d"));
	assert_true(fact_absent(&disk_of(&d)->locking));
	unit_close(&d.u);
}

static void what_a_variable_decides_is_unknown(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, Q "\"{\\\"driver\\\":\\\"raw\\\",\\\"file\\\":{\\\"driver\\\":"
		       "\\\"file\\\",\\\"filename\\\":\\\"$F\\\"}}\"\n");
	assert_int_equal(disk_of(&d)->source.state, FACT_UNKNOWN);
	assert_true(fact_is(&disk_of(&d)->format, "raw"));
	unit_close(&d.u);
	/* In the structure it may be anything. */
	doc_read(&d, Q "\"{\\\"driver\\\":\\\"raw\\\",$MORE}\"\n");
	assert_int_equal(disk_of(&d)->format.state, FACT_UNKNOWN);
	assert_int_equal(disk_of(&d)->locking.state, FACT_UNKNOWN);
	unit_close(&d.u);
	/* So may what is broken, or of another kind. */
	doc_read(&d, Q "'{\"driver\":\"raw\",\"driver\":\"qcow2\"}'\n");
	assert_int_equal(disk_of(&d)->format.state, FACT_UNKNOWN);
	unit_close(&d.u);
	doc_read(&d, "#!/bin/sh\nqemu-kvm -hda 'json:{\"driver\":\"raw\"}'\n");
	assert_int_equal(disk_of(&d)->source.state, FACT_UNKNOWN);
	assert_int_equal(disk_of(&d)->type.state, FACT_UNKNOWN);
	unit_close(&d.u);
}

static void a_member_whose_name_is_a_variable_has_no_members(void **state)
{
	const struct qemu_option *o;
	const struct node *n;
	struct doc d;

	(void)state;
	doc_read(&d, Q "\"{\\\"driver\\\":\\\"raw\\\",\\\"$K\\\":{\\\"driver\\\":"
		       "\\\"file\\\"}}\"\n");
	o = qemu_option(d.u.vms[0].qemu, "blockdev");
	assert_non_null(o);
	n = o->opts->last;
	assert_int_equal(n->kind, NODE_OPAQUE);
	assert_int_equal(n->key.n, 0);
	assert_null(n->first);
	unit_close(&d.u);
}

static void edits_are_written_as_the_quotes_want(void **state)
{
	(void)state;
	assert_off(Q "'{\"driver\":\"file\",\"filename\":\"/a\"}'\n",
		   Q "'{\"driver\":\"file\",\"filename\":\"/a\",\"locking\":\"off\"}'\n");
	assert_off(Q
		   "\"{\\\"driver\\\": \\\"file\\\", \\\"filename\\\": \\\"/$A\\\"}\"\n",
		   Q "\"{\\\"driver\\\": \\\"file\\\", \\\"filename\\\": \\\"/$A\\\", "
		     "\\\"locking\\\": \\\"off\\\"}\"\n");
	assert_off(Q "'{\n  \"driver\": \"file\",\n  \"filename\": \"/\\u00f6\"\n}'\n",
		   Q "'{\n  \"driver\": \"file\",\n  \"filename\": \"/\\u00f6\",\n"
		     "  \"locking\": \"off\"\n}'\n");
	assert_off(Q "'{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":"
		     "\"/a\",\"locking\":\"on\"},\"read-only\":true}'\n",
		   Q "'{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":"
		     "\"/a\",\"locking\":\"off\"},\"read-only\":true}'\n");
}

static void a_member_goes_with_its_comma(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d,
		 Q "'{\"driver\":\"file\",\"locking\":\"off\",\"filename\":\"/a\"}'\n");
	assert_true(plan_remove(&d.plan, &disk_of(&d)->locking));
	assert_after(&d, Q "'{\"driver\":\"file\",\"filename\":\"/a\"}'\n");
	unit_close(&d.u);
}

static void a_device_in_json_has_types(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "#!/bin/sh\nqemu-kvm -drive if=none,id=d,file=/a -device "
		     "'{\"driver\":\"virtio-blk-pci\",\"drive\":\"d\",\"share-rw\":true,"
		     "\"logical_block_size\":4096}' -device '{\"driver\":\"intel-iommu\","
		     "\"caching-mode\":false}'\n");
	assert_true(fact_is(&disk_of(&d)->shareable, "yes"));
	assert_true(fact_is(&disk_of(&d)->logical_block_size, "4096"));
	assert_true(fact_is(&disk_of(&d)->bus, "virtio"));
	assert_int_equal(d.u.vms[0].niommus, 1);
	assert_true(fact_is(&d.u.vms[0].iommus[0].caching_mode, "off"));
	assert_true(plan_set(&d.plan, &d.u.vms[0].iommus[0].caching_mode, "on"));
	assert_true(plan_set(&d.plan, &disk_of(&d)->physical_block_size, "4096"));
	assert_after(&d,
		     "#!/bin/sh\nqemu-kvm -drive if=none,id=d,file=/a -device "
		     "'{\"driver\":\"virtio-blk-pci\",\"drive\":\"d\",\"share-rw\":true,"
		     "\"logical_block_size\":4096,\"physical_block_size\":4096}' "
		     "-device '{\"driver\":\"intel-iommu\",\"caching-mode\":true}'\n");
	unit_close(&d.u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_those_of_the_file),
		cmocka_unit_test(what_a_variable_decides_is_unknown),
		cmocka_unit_test(a_member_whose_name_is_a_variable_has_no_members),
		cmocka_unit_test(edits_are_written_as_the_quotes_want),
		cmocka_unit_test(a_member_goes_with_its_comma),
		cmocka_unit_test(a_device_in_json_has_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
