/* UTM's config.plist: which property lists are one, what VM it tells of, and edits of QEMU's
 * arguments in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/plist.h"
#include "analyze/config/qemu.h"
#include "analyze/config/utm.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"
#include "rules/rule.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

#define KEY(name)    "<key>" name "</key>"
#define STRING(text) "<string>" text "</string>"
#define PLIST(members)                                                                   \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n"          \
	"<dict>\n" members "</dict>\n</plist>\n"
#define HEAD_QEMU                                                                        \
	KEY("Backend")                                                                   \
	STRING("QEMU") KEY("ConfigurationVersion") "<integer>4</integer>\n"
#define HEAD_APPLE                                                                       \
	KEY("Backend")                                                                   \
	STRING("Apple") KEY("ConfigurationVersion") "<integer>4</integer>\n"
#define ARGS(items)                                                                      \
	PLIST(HEAD_QEMU KEY("QEMU") "<dict>" KEY(                                        \
		"AdditionalArguments") "<array>\n" items "\t</array></dict>\n")

struct doc {
	struct source src;
	struct unit u;
	struct plan plan;
};

static void doc_read(struct doc *d, const char *text)
{
	d->src = source_of_bytes("config.plist", str_bytes(str_of(text)));
	unit_read(&d->u, &d->src, NULL, &no_host);
	d->plan = plan_on(&d->u.src, &d->u.arena);
}

static void doc_read_vm(struct doc *d, const char *text)
{
	doc_read(d, text);
	if (d->u.state != UNIT_READ || d->u.skip_reason || d->u.nvms != 1)
		fail_msg("state %d, %s", (int)d->u.state,
			 d->u.skip_reason ? d->u.skip_reason : "no reason");
	assert_string_equal(d->u.format->name, "utm");
}

static void assert_fact(const struct fact *f, const char *expected)
{
	if (!fact_is(f, expected))
		fail_msg("state %d, '%.*s', expected '%s'", (int)f->state, STR_ARG(f->v),
			 expected);
}

static bool is_utm(const char *text)
{
	struct doc d;
	bool is;

	doc_read(&d, text);
	is = d.u.format && strcmp(d.u.format->name, "utm") == 0;
	unit_close(&d.u);
	return is;
}

/* ---- what is one ---- */

static void keys_count_where_they_are_the_root_s(void **state)
{
	(void)state;
	assert_true(is_utm(PLIST(HEAD_QEMU)));
	assert_false(is_utm(PLIST(KEY("A") "<dict>" HEAD_QEMU "</dict>")));
	assert_false(is_utm(PLIST("<!-- " HEAD_QEMU " -->")));
	assert_false(
		is_utm(PLIST(KEY("A") "<string><![CDATA[" HEAD_QEMU "]]></string>")));
	assert_false(
		is_utm("<plist version=\"1.0\"><array>" HEAD_QEMU "</array></plist>"));
	assert_true(is_utm(PLIST(KEY("A") "<array><dict/><data/></array>" HEAD_QEMU)));
}

static void other_property_lists_are_none(void **state)
{
	(void)state;
	assert_false(is_utm(PLIST(KEY("CFBundleName") STRING("UTM"))));
	assert_false(is_utm(PLIST(KEY("Backend") STRING("QEMU"))));
	assert_false(is_utm("<dict>" HEAD_QEMU "</dict>"));
	assert_false(is_utm("<plist"));
	assert_false(is_utm("<plist><dict>"));
	assert_false(is_utm("<plist><dict><key>Backend</key><key>ConfigurationVersion"));
}

static void a_version_that_utm_refuses_is_skipped(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, PLIST(KEY("Backend") STRING("QEMU")
				   KEY("ConfigurationVersion") "<integer>5</integer>"));
	assert_int_equal(d.u.nvms, 0);
	assert_non_null(d.u.skip_reason);
	unit_close(&d.u);
	doc_read(&d, PLIST(KEY("ConfigurationVersion") "<integer>3</integer>" KEY(
			     "Drives") "<array/>" KEY("System") "<dict/>"));
	assert_string_equal(d.u.skip_reason, "its ConfigurationVersion is '3', expected "
					     "2 where it has no Backend");
	unit_close(&d.u);
}

/* ---- what it says ---- */

static void drives_of_version_4_are_disks(void **state)
{
	static const char text[] = PLIST(
		HEAD_QEMU "<key>System</key><dict><key>Architecture</key>"
			  "<string>x86_64</string><key>Target</key><string>q35</string>"
			  "</dict><key>QEMU</key><dict><key>Hypervisor</key><true/>"
			  "<key>UEFIBoot</key><true/></dict><key>Drive</key><array><dict>"
			  "<key>ImageType</key><string>BIOS</string></dict><dict>"
			  "<key>ImageType</key><string>CD</string><key>Interface</key>"
			  "<string>USB</string></dict><dict><key>ImageType</key>"
			  "<string>Disk</string><key>Interface</key><string>NVMe</string>"
			  "<key>ImageName</key><string>a.qcow2</string>"
			  "<key>ReadOnly</key><false/></dict><dict><key>ImageType</key>"
			  "<string>Disk</string><key>Interface</key><string>MTD</string>"
			  "<key>ImageName</key><string>b</string></dict></array>");
	const struct vm *vm;
	struct doc d;

	(void)state;
	doc_read_vm(&d, text);
	vm = &d.u.vms[0];
	assert_int_equal(vm->utm->kind, UTM_QEMU);
	assert_fact(&vm->arch, "x86_64");
	assert_fact(&vm->type, "hvf");
	assert_fact(&vm->firmware, "efi");
	assert_true(vm_runs_qemu(vm));
	assert_int_equal(vm->ndisks, 3);
	assert_fact(&vm->disks[0].device, "cdrom");
	assert_fact(&vm->disks[0].bus, "usb");
	assert_fact(&vm->disks[0].readonly, "yes");
	assert_int_equal(vm->disks[0].source.state, FACT_UNKNOWN);
	assert_fact(&vm->disks[1].bus, "nvme");
	assert_fact(&vm->disks[1].source, "a.qcow2");
	assert_true(fact_absent(&vm->disks[1].readonly));
	assert_int_equal(vm->disks[1].locking.state, FACT_UNKNOWN);
	assert_int_equal(vm->disks[2].bus.state, FACT_UNKNOWN);
	unit_close(&d.u);
}

static void drives_before_version_4_are_disks(void **state)
{
	static const char text[] =
		PLIST("<key>ConfigurationVersion</key><integer>2</integer>"
		      "<key>Drives</key><array><dict><key>ImageType</key>"
		      "<string>bios</string></dict><dict><key>ImageType</key>"
		      "<string>cd</string><key>InterfaceType</key>"
		      "<string>ide</string><key>Removable</key><true/></dict><dict>"
		      "<key>Cdrom</key><true/><key>ImagePath</key>"
		      "<string>a.iso</string></dict><dict><key>ImagePath</key>"
		      "<string>b.qcow2</string><key>InterfaceType</key>"
		      "<string>virtio</string></dict></array><key>System</key><dict>"
		      "<key>AddArgs</key><array>"
		      "<string>-drive file=c.iso,media=cdrom</string></array>"
		      "<key>Architecture</key><string>ppc</string><key>BootUefi</key>"
		      "<false/></dict>");
	const struct vm *vm;
	struct doc d;

	(void)state;
	doc_read_vm(&d, text);
	vm = &d.u.vms[0];
	assert_int_equal(vm->utm->kind, UTM_LEGACY);
	assert_fact(&vm->arch, "ppc");
	assert_fact(&vm->type, "qemu");
	assert_fact(&vm->firmware, "bios");
	assert_int_equal(vm->ndisks, 3);
	assert_fact(&vm->disks[0].device, "cdrom");
	assert_fact(&vm->disks[0].readonly, "yes");
	assert_fact(&vm->disks[1].device, "cdrom");
	assert_fact(&vm->disks[1].source, "a.iso");
	assert_fact(&vm->disks[2].device, "disk");
	assert_fact(&vm->disks[2].bus, "virtio");
	assert_non_null(vm->args);
	assert_fact(&vm->args->disks[0].source, "c.iso");
	unit_close(&d.u);
}

static void apple_s_backend_is_no_qemu(void **state)
{
	static const char text[] = PLIST(
		HEAD_APPLE "<key>System</key><dict><key>Architecture</key>"
			   "<string>aarch64</string><key>Boot</key><dict>"
			   "<key>UEFIBoot</key><true/></dict></dict><key>Drive</key>"
			   "<array><dict><key>ImageName</key><string>a.img</string>"
			   "<key>Nvme</key><true/></dict><dict><key>ImageName</key>"
			   "<string>b.img</string></dict><dict><key>Identifier</key>"
			   "<string>C</string></dict></array><key>QEMU</key><dict>"
			   "<key>AdditionalArguments</key><array><string>-S</string>"
			   "</array></dict>");
	const struct vm *vm;
	struct doc d;

	(void)state;
	doc_read_vm(&d, text);
	vm = &d.u.vms[0];
	assert_int_equal(vm->utm->kind, UTM_APPLE);
	assert_false(vm_runs_qemu(vm));
	assert_null(vm->args);
	assert_fact(&vm->firmware, "efi");
	assert_int_equal(vm->ndisks, 3);
	assert_fact(&vm->disks[0].bus, "nvme");
	assert_fact(&vm->disks[1].bus, "virtio");
	assert_fact(&vm->disks[1].device, "disk");
	assert_fact(&vm->disks[2].readonly, "yes");
	unit_close(&d.u);
}

/* ---- QEMU's arguments ---- */

static void words_are_split_as_utm_does(void **state)
{
	static const char *const words[] = { "-name",     "a b",     "-append",
					     "x=\"y z\"", "-device", "e1000" };
	const struct qemu_command *c;
	struct doc d;

	(void)state;
	doc_read_vm(&d, ARGS(STRING("-name \"a b\"") STRING("") STRING(
				"-append x=\"y z\"") STRING("-device") STRING("e1000")));
	c = d.u.vms[0].args->qemu;
	assert_int_equal(c->nwords, sizeof(words) / sizeof(words[0]));
	for (size_t i = 0; i < c->nwords; i++) {
		if (!str_is(c->words[i].text, words[i]))
			fail_msg("'%.*s', expected '%s'", STR_ARG(c->words[i].text),
				 words[i]);
	}
	unit_close(&d.u);
}

static void the_last_of_an_odd_number_of_quotes_parts_words(void **state)
{
	const struct qemu_command *c;
	struct doc d;

	(void)state;
	doc_read_vm(&d, ARGS(STRING("-name \"a b\" -x\"y z")));
	c = d.u.vms[0].args->qemu;
	assert_int_equal(c->nwords, 5);
	assert_true(str_is(c->words[1].text, "a b"));
	assert_true(str_is(c->words[2].text, "-x"));
	assert_true(str_is(c->words[3].text, "y"));
	assert_true(str_is(c->words[4].text, "z"));
	unit_close(&d.u);
}

/* ---- binary lists ---- */

/* A dictionary of Backend, ConfigurationVersion and QEMU with one argument, "-S". */
static const uint8_t binary[] = {
	'b',  'p',  'l', 'i', 's', 't', '0', '0', /* 8: the root */
	0xd3, 1,    2,   3,   4,   5,   6,        /* 15 */
	0x57, 'B',  'a', 'c', 'k', 'e', 'n', 'd', /* 23 */
	0x5f, 0x10, 20,  'C', 'o', 'n', 'f', 'i', 'g', 'u', 'r', 'a', 't', 'i', 'o', 'n',
	'V',  'e',  'r', 's', 'i', 'o', 'n', /* 46 */
	0x54, 'Q',  'E', 'M', 'U',           /* 51 */
	0x10, 4,                             /* 53 */
	0xd1, 7,    8,                       /* 56 */
	0x5f, 0x10, 19,  'A', 'd', 'd', 'i', 't', 'i', 'o', 'n', 'a', 'l', 'A', 'r', 'g',
	'u',  'm',  'e', 'n', 't', 's',                    /* 78 */
	0xa1, 9,                                           /* 80 */
	0x52, '-',  'S',                                   /* 83 */
	8,    15,   23,  46,  46,  51,  53,  56,  78,  80, /* 93 */
	0,    0,    0,   0,   0,   0,   1,   1,   0,   0,   0,   0,   0,   0,   0,   10,
	0,    0,    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   83,
};

static void read_binary(struct doc *d, size_t n)
{
	d->src = source_of_bytes("config.plist", (struct view){ binary, n });
	unit_read(&d->u, &d->src, NULL, &no_host);
}

static void a_binary_list_is_read_and_never_fixed(void **state)
{
	const struct qemu_command *c;
	struct finding f = { 0 };
	struct plan p;
	struct doc d;

	(void)state;
	read_binary(&d, sizeof(binary));
	assert_int_equal(d.u.nvms, 1);
	assert_non_null(d.u.src.read_only);
	assert_false(unit_has_lines(&d.u));
	c = d.u.vms[0].args->qemu;
	assert_int_equal(c->nwords, 1);
	assert_int_equal(c->words[0].at.off, 81);
	f.rule = rule_find("utm-unknown-value");
	f.subject = d.u.vms[0].utm;
	f.at = c->words[0].at;
	p = plan_on(&d.u.src, &d.u.arena);
	assert_false(rule_fix(&f, &p));
	assert_int_equal(p.edits.n, 0);
	assert_string_equal(p.refused, PLIST_BINARY);
	assert_false(plan_remove_node(&p, d.u.doc->first));
	unit_close(&d.u);
}

static void a_binary_list_that_is_cut_off_is_ill_formed(void **state)
{
	struct doc d;

	(void)state;
	read_binary(&d, sizeof(binary) - 1);
	assert_non_null(d.u.syntax);
	assert_int_equal(d.u.nvms, 0);
	unit_close(&d.u);
}

/* The text without the last -drive. */
static void assert_removed(const char *text, const char *expected)
{
	const struct qemu_command *c;
	struct view after;
	const char *why;
	struct doc d;

	doc_read_vm(&d, text);
	c = d.u.vms[0].args->qemu;
	assert_true(plan_remove_option(&d.plan, c, qemu_option(c, "drive")));
	after = plan_text(&d.plan, d.u.text, &d.u.arena);
	if (!str_is(str_view(after), expected))
		fail_msg("%.*s\nexpected\n%s", STR_ARG(str_view(after)), expected);
	assert_true(text_plist.judge(d.u.text, after, &d.plan, &d.u.arena, &why));
	unit_close(&d.u);
}

static void an_option_goes_with_its_items(void **state)
{
	(void)state;
	assert_removed(ARGS("\t" STRING("-S") "\n\t" STRING("-drive") "\n\t" STRING(
			       "file=a") "\n"),
		       ARGS("\t" STRING("-S") "\n"));
	assert_removed(ARGS("\t" STRING("-drive") "\n\t" STRING("file=a") "\n\t" STRING(
			       "-S") "\n"),
		       ARGS("\t" STRING("-S") "\n"));
	assert_removed(ARGS("\t" STRING("-drive file=a") "\n\t" STRING("-S") "\n"),
		       ARGS("\t" STRING("-S") "\n"));
	assert_removed(ARGS("\t" STRING("-S") "\n\t" STRING(" -drive  file=a ") "\n"),
		       ARGS("\t" STRING("-S") "\n"));
}

static void the_only_option_leaves_no_line(void **state)
{
	(void)state;
	assert_removed(ARGS("\t" STRING("-drive") "\n\t" STRING("file=a") "\n"),
		       ARGS(""));
	assert_removed(ARGS("\t" STRING("-drive file=a") "\r\n"), ARGS(""));
	assert_removed(ARGS("\t<!-- a --> " STRING("-drive file=a") "\n"),
		       ARGS("\t<!-- a --> \n"));
}

static void what_else_stands_in_an_item_stays(void **state)
{
	(void)state;
	assert_removed(ARGS(STRING("-S -drive file=a") "\n"), ARGS(STRING("-S") "\n"));
	assert_removed(ARGS(STRING("-drive file=a -S") "\n"), ARGS(STRING("-S") "\n"));
	assert_removed(ARGS(STRING("-m 1 -drive file=a -S") "\n" STRING("-x") "\n"),
		       ARGS(STRING("-m 1 -S") "\n" STRING("-x") "\n"));
}

static void an_option_in_two_items_goes_from_both(void **state)
{
	(void)state;
	assert_removed(ARGS(STRING("-S -drive") "\n" STRING("file=a -m 1") "\n"),
		       ARGS(STRING("-S") "\n" STRING("-m 1") "\n"));
	assert_removed(
		ARGS(STRING("-S -drive") "\n" STRING("file=a") "\n" STRING("-x") "\n"),
		ARGS(STRING("-S") "\n" STRING("-x") "\n"));
	assert_removed(ARGS(STRING("-drive") "\n" STRING("file=a -x") "\n"),
		       ARGS(STRING("-x") "\n"));
}

static void assert_added(const char *text, const char *expected)
{
	const struct qemu_command *c;
	struct view after;
	const char *why;
	struct doc d;

	doc_read_vm(&d, text);
	c = d.u.vms[0].args->qemu;
	assert_true(plan_add_option(&d.plan, c, qemu_option(c, "machine"), true,
				    "-device", "a&b"));
	after = plan_text(&d.plan, d.u.text, &d.u.arena);
	if (!str_is(str_view(after), expected))
		fail_msg("%.*s\nexpected\n%s", STR_ARG(str_view(after)), expected);
	assert_true(text_plist.judge(d.u.text, after, &d.plan, &d.u.arena, &why));
	unit_close(&d.u);
}

static void a_new_option_is_written_as_its_neighbour_is(void **state)
{
	(void)state;
	assert_added(ARGS("\t" STRING("-machine") "\n\t" STRING("q35") "\n"),
		     ARGS("\t" STRING("-machine") "\n\t" STRING("q35") "\n\t" STRING(
			     "-device") "\n\t" STRING("a&amp;b") "\n"));
	assert_added(ARGS("\t" STRING("-machine q35") "\n\t" STRING("-S") "\n"),
		     ARGS("\t" STRING("-machine q35") "\n\t" STRING(
			     "-device a&amp;b") "\n\t" STRING("-S") "\n"));
	assert_added(ARGS(STRING("-machine q35 -S") "\n"),
		     ARGS(STRING("-machine q35 -device a&amp;b -S") "\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_count_where_they_are_the_root_s),
		cmocka_unit_test(other_property_lists_are_none),
		cmocka_unit_test(a_version_that_utm_refuses_is_skipped),
		cmocka_unit_test(drives_of_version_4_are_disks),
		cmocka_unit_test(drives_before_version_4_are_disks),
		cmocka_unit_test(apple_s_backend_is_no_qemu),
		cmocka_unit_test(words_are_split_as_utm_does),
		cmocka_unit_test(the_last_of_an_odd_number_of_quotes_parts_words),
		cmocka_unit_test(a_binary_list_is_read_and_never_fixed),
		cmocka_unit_test(a_binary_list_that_is_cut_off_is_ill_formed),
		cmocka_unit_test(an_option_goes_with_its_items),
		cmocka_unit_test(the_only_option_leaves_no_line),
		cmocka_unit_test(what_else_stands_in_an_item_stays),
		cmocka_unit_test(an_option_in_two_items_goes_from_both),
		cmocka_unit_test(a_new_option_is_written_as_its_neighbour_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
