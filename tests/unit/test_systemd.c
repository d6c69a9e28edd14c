/* systemd units: which words QEMU is given, where they stand, and edits of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

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
	d->src = source_of_bytes("a.service", str_bytes(str_of(text)));
	unit_read(&d->u, &d->src, NULL, &no_host);
	d->plan = plan_on(&d->u.src, &d->u.arena);
}

/* The text with the first disk's locks turned off. */
static void assert_off(const char *text, const char *expected)
{
	struct view after;
	struct doc d;
	const char *why;

	doc_read(&d, text);
	assert_int_equal(d.u.nvms, 1);
	assert_true(d.u.vms[0].ndisks > 0);
	assert_true(plan_set(&d.plan, &d.u.vms[0].disks[0].locking, "off"));
	after = plan_text(&d.plan, d.u.text, &d.u.arena);
	assert_int_equal(after.n, strlen(expected));
	assert_memory_equal(after.p, expected, after.n);
	assert_true(judge_shell(d.u.text, after, &d.plan, &d.u.arena, &why));
	unit_close(&d.u);
}

static void assert_words(const char *text, const char *const *words, size_t n)
{
	struct doc d;

	doc_read(&d, text);
	assert_int_equal(d.u.nvms, 1);
	assert_int_equal(d.u.vms[0].qemu->nwords, n);
	for (size_t i = 0; i < n; i++) {
		struct str s = d.u.vms[0].qemu->words[i].text;

		assert_int_equal(s.n, strlen(words[i]));
		assert_memory_equal(s.p, words[i], s.n);
	}
	unit_close(&d.u);
}

#define HEAD "[Unit]\nDescription=a VM\n\n[Service]\n"
#define QEMU "ExecStart=/usr/bin/qemu-system-x86_64 "

static void quotes_and_escapes_are_systemd_s(void **state)
{
	static const char *const words[] = { "-name",        "a b%c$d", "-drive",
					     "file=x y.iso", "-append", "tab\there" };

	(void)state;
	assert_words(HEAD QEMU "-name 'a b%%c$$d' -drive file=\"x y.iso\" "
			       "-append tab\\there\n",
		     words, 6);
}

static void a_line_goes_on_behind_a_comment(void **state)
{
	static const char *const words[] = { "-m", "1G", "-S" };

	(void)state;
	assert_words(HEAD QEMU "-m \\\n# more\n; and more\n\t1G \\\n-S\n", words, 3);
}

static void a_semicolon_ends_a_command(void **state)
{
	static const char *const words[] = { "-m", "1G" };

	(void)state;
	assert_words(HEAD QEMU "-m 1G ; /bin/echo -S\n", words, 2);
}

static void specifiers_and_variables_are_unknown(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, HEAD QEMU "-drive file=/srv/%i.img,format=raw -hda ${DISK} $MORE\n");
	assert_int_equal(d.u.nvms, 1);
	assert_int_equal(d.u.vms[0].disks[0].source.state, FACT_UNKNOWN);
	assert_true(fact_is(&d.u.vms[0].disks[0].format, "raw"));
	assert_int_equal(d.u.vms[0].disks[1].source.state, FACT_UNKNOWN);
	assert_true(d.u.vms[0].qemu->open);
	unit_close(&d.u);
	doc_read(&d, HEAD QEMU "-hda ${DISK}\n");
	assert_false(d.u.vms[0].qemu->open);
	unit_close(&d.u);
}

static void an_edit_stays_within_its_word(void **state)
{
	(void)state;
	assert_off(HEAD QEMU "-drive file=a.iso,media=cdrom",
		   HEAD QEMU "-drive file=a.iso,media=cdrom,file.locking=off");
	assert_off(HEAD QEMU "\\\r\n\t-drive 'file=a b.iso'\\\r\n\t-S\r\n", HEAD QEMU
		   "\\\r\n\t-drive 'file=a b.iso,file.locking=off'\\\r\n\t-S\r\n");
	assert_off(HEAD "ExecStart = -@/usr/bin/qemu-kvm vm -drive file=%%.iso,if=none\n"
			"# Gr\xc3\xb6\xc3\x9f"
			"e\n",
		   HEAD "ExecStart = -@/usr/bin/qemu-kvm vm -drive "
			"file=%%.iso,if=none,file.locking=off\n"
			"# Gr\xc3\xb6\xc3\x9f"
			"e\n");
}

static void other_programs_and_sections_are_not_qemu_s(void **state)
{
	static const char *const texts[] = {
		HEAD "ExecStart=/bin/echo qemu-system-x86_64 -S\n",
		HEAD "ExecStart=/usr/bin/qemu-system-x86_64 -version\n",
		HEAD "# ExecStart=/usr/bin/qemu-system-x86_64 -S\n",
		HEAD "ExecStartPre=/usr/bin/qemu-system-x86_64 -S\n",
		HEAD "Environment=A \\\nExecStart=/usr/bin/qemu-system-x86_64 -S\n",
		HEAD "ExecStart=/usr/bin/qemu-system-x86_64 'a\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct doc d;

		doc_read(&d, texts[i]);
		if (d.u.nvms != 0)
			fail_msg("a VM is read from\n%s", texts[i]);
		unit_close(&d.u);
	}
}

static void texts_that_are_no_units_are_not_ours(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "qemu-system-x86_64\n[Service]\nExecStart=/usr/bin/qemu-kvm -S\n");
	assert_int_equal(d.u.state, UNIT_NOT_OURS);
	unit_close(&d.u);
	doc_read(&d, HEAD "ExecStart=/usr/bin/sshd -D\n");
	assert_int_equal(d.u.state, UNIT_NOT_OURS);
	unit_close(&d.u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_and_escapes_are_systemd_s),
		cmocka_unit_test(a_line_goes_on_behind_a_comment),
		cmocka_unit_test(a_semicolon_ends_a_command),
		cmocka_unit_test(specifiers_and_variables_are_unknown),
		cmocka_unit_test(an_edit_stays_within_its_word),
		cmocka_unit_test(other_programs_and_sections_are_not_qemu_s),
		cmocka_unit_test(texts_that_are_no_units_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
