/* Rules about the machine whose facts no test can make: host-locks-refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/host.h"
#include "analyze/medium.h"
#include "analyze/unit.h"
#include "rules/rule.h"

#include <errno.h>

#include "base/banned.h"

static const struct host host;

/* The findings of that rule in text, when the locks of its first disk are as they are said to
 * be. */
static size_t found(const char *format, const char *text, struct lock_state locks)
{
	struct source src = source_of_bytes("vm", str_bytes(str_of(text)));
	struct medium m = { .format = "raw", .locks = locks };
	struct findings all = { 0 };
	struct unit u;
	size_t n = 0;

	unit_read(&u, &src, format_find(format), &host);
	assert_int_equal(u.state, UNIT_READ);
	assert_true(u.nvms == 1 && u.vms[0].ndisks == 1);
	u.vms[0].disks[0].medium = &m;
	rules_run(&u, &u.arena, &all);
	for (size_t i = 0; i < all.v.n; i++)
		n += strcmp(all.v.v[i]->rule->id, "host-locks-refused") == 0;
	unit_close(&u);
	return n;
}

#define DOMAIN                                                                           \
	"<domain type='kvm'><name>a</name><devices><disk type='file' device='disk'>"     \
	"<driver name='qemu' type='raw'/><source file='/d.img'/>"                        \
	"<target dev='vda'/></disk></devices></domain>"
#define SCRIPT(more)                                                                     \
	"#!/bin/sh\nqemu-system-x86_64 -drive file=d.img,format=raw" more "\n"

static void a_file_system_without_locks_is_found(void **state)
{
	static const int refusals[] = { ENOLCK, EOPNOTSUPP };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct lock_state none = { .sys = refusals[i] };

		assert_int_equal(found("libvirt", DOMAIN, none), 1);
		assert_int_equal(found("script", SCRIPT(""), none), 1);
		assert_int_equal(found("script", SCRIPT(",file.locking=off"), none), 0);
		assert_int_equal(found("script", SCRIPT(",file.locking=$L"), none), 0);
	}
}

/* The system may not know the question, and then QEMU asks another one. */
static void a_question_that_fails_otherwise_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(found("libvirt", DOMAIN, (struct lock_state){ .sys = EINVAL }),
			 0);
	assert_int_equal(found("libvirt", DOMAIN, (struct lock_state){ .sys = EBADF }),
			 0);
	assert_int_equal(found("libvirt", DOMAIN, (struct lock_state){ .sys = 0 }), 0);
	assert_int_equal(found("libvirt", DOMAIN, (struct lock_state){ .known = true }),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system_without_locks_is_found),
		cmocka_unit_test(a_question_that_fails_otherwise_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
