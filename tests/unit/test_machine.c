/* Machine types: families, versions, and what is gone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/machine.h"
#include "base/banned.h"

struct named {
	const char *arch, *machine;
	enum machine_family family;
};

static void assert_families(const struct named *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct named *r = &rows[i];

		if (machine_family(str_of(r->arch), str_of(r->machine)) != r->family)
			fail_msg("%s '%s' is not %u", r->arch, r->machine, r->family);
	}
}

#define ASSERT_FAMILIES(rows) assert_families((rows), sizeof(rows) / sizeof((rows)[0]))

static void families_follow_from_names(void **state)
{
	static const struct named rows[] = {
		{ "x86_64", "pc", MACHINE_I440FX },
		{ "x86_64", "pc-i440fx-7.2", MACHINE_I440FX },
		{ "", "pc-1.3", MACHINE_I440FX },
		{ "i386", "pc-q35-4.0.1", MACHINE_Q35 },
		{ "aarch64", "virt-8.0", MACHINE_VIRT },
		{ "riscv64", "virt", MACHINE_VIRT },
		{ "ppc64", "pseries-2.12", MACHINE_PSERIES },
		{ "s390x", "s390-ccw-virtio-2.4", MACHINE_S390_CCW },
		{ "aarch64", "raspi3b", MACHINE_OTHER },
	};

	(void)state;
	ASSERT_FAMILIES(rows);
}

static void distributions_have_names_of_their_own(void **state)
{
	static const struct named rows[] = {
		{ "x86_64", "pc-q35-noble", MACHINE_Q35 },
		{ "x86_64", "pc-i440fx-rhel7.6.0", MACHINE_I440FX },
		{ "x86_64", "rhel6.6.0", MACHINE_I440FX },
	};
	struct machine m;

	(void)state;
	ASSERT_FAMILIES(rows);
	assert_true(machine_find(STR("x86_64"), STR("pc-q35-rhel9.4.0"), &m));
	assert_false(m.version.known || m.removed.known);
}

static void no_machine_has_another_architecture_s_name(void **state)
{
	static const struct named rows[] = {
		{ "aarch64", "q35", MACHINE_UNKNOWN },
		{ "riscv64", "virt-8.0", MACHINE_UNKNOWN },
		{ "x86_64", "akita", MACHINE_UNKNOWN },
		{ "x86_64", "pc-7.2", MACHINE_UNKNOWN },
		{ "x86_64", "pc-q35-", MACHINE_UNKNOWN },
		{ "", "Q35", MACHINE_UNKNOWN },
		{ "", "", MACHINE_UNKNOWN },
	};

	(void)state;
	ASSERT_FAMILIES(rows);
}

static void versioned_types_live_for_six_years(void **state)
{
	struct machine m;

	(void)state;
	assert_true(machine_find(STR("x86_64"), STR("pc-q35-7.2"), &m));
	assert_int_equal(version_cmp(&m.since, 7, 2, 0), 0);
	assert_int_equal(version_cmp(&m.deprecated, 10, 2, 0), 0);
	assert_int_equal(version_cmp(&m.removed, 13, 2, 0), 0);
	assert_true(machine_find(STR("x86_64"), STR("pc-q35-2.4"), &m));
	assert_int_equal(version_cmp(&m.deprecated, 9, 1, 0), 0);
	assert_int_equal(version_cmp(&m.removed, 10, 1, 0), 0);
}

static void removed_types_are_known_with_their_successors(void **state)
{
	struct machine m;

	(void)state;
	assert_true(machine_find(STR("x86_64"), STR("pc-1.3"), &m));
	assert_int_equal(version_cmp(&m.removed, 6, 0, 0), 0);
	assert_string_equal(m.instead, "pc");
	assert_true(machine_find(STR("aarch64"), STR("raspi3"), &m));
	assert_int_equal(m.family, MACHINE_OTHER);
	assert_string_equal(m.instead, "raspi3b");
	assert_true(machine_find(STR("x86_64"), STR("pc-i440fx-2.3"), &m));
	assert_int_equal(version_cmp(&m.removed, 9, 1, 0), 0);
	assert_int_equal(m.family, MACHINE_I440FX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_follow_from_names),
		cmocka_unit_test(distributions_have_names_of_their_own),
		cmocka_unit_test(no_machine_has_another_architecture_s_name),
		cmocka_unit_test(versioned_types_live_for_six_years),
		cmocka_unit_test(removed_types_are_known_with_their_successors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
