/* Seeded damage: our verdict is never milder than libxml2's, and never harder by mistake;
 * where both accept, the trees agree and every place is exact.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/xml_flaws.h"
#include "tests/lib/xml_mutate.h"

#include "base/banned.h"

enum { SEEDS = 4000 };

static const char *const texts[] = {
	"<?xml version='1.0' encoding='UTF-8' standalone='no'?>\n"
	"<!-- made by hand -->\n"
	"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
	"  <name>a &amp; b</name>\n"
	"  <memory unit=\"KiB\">1048576</memory>\n"
	"  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n"
	"  <qemu:commandline>\n    <qemu:arg value='-s'/>\n  </qemu:commandline>\n"
	"</domain>\n",

	"<a xmlns='u' xmlns:p='v' p:b=\"it's\" c='&lt;&#65;&#x1F600;'>\r\n"
	"<b xmlns='' p:d=' \t '/>text<![CDATA[<raw> & ]]]>more<c/>\r\n"
	"<?proc some thing?>\xc3\xa9\xe2\x82\xac<p:d></p:d >&#13;</a>\r\n<?end?><!--c-->",

	"\xef\xbb\xbf<a><a><a/></a><b\n\tc='1'\n\td = '2' /></a>",

	"<?xml version=\"1.0\" encoding='us-ascii'?><a>]] &gt;</a>",
};

static void mutants_are_read_as_libxml2_reads_them(void **state)
{
	struct buf b = { 0 };
	struct flaws f = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			uint64_t dice_state = (seed << 8 | i) * 0x9e3779b97f4a7c15u;

			mutate(&b, str_of(texts[i]), &dice_state);
			if (!reading_holds(&f, (struct view){ (uint8_t *)b.p, b.n }))
				fail_msg("text %zu, seed %llu: does not hold: %s (%s)", i,
					 (unsigned long long)seed, f.what, f.said);
		}
	}
	buf_free(&b);
	/* Both kinds must be met, or nothing was tested. */
	assert_true(f.accepted > 1000 && f.refused > 1000);
}

static void every_beginning_of_a_text_is_read_as_libxml2_reads_it(void **state)
{
	struct flaws f = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			if (!reading_holds(&f,
					   (struct view){ (const uint8_t *)texts[i], n }))
				fail_msg("text %zu, %zu bytes: does not hold: %s (%s)", i,
					 n, f.what, f.said);
		}
	}
	assert_true(f.accepted >= sizeof(texts) / sizeof(texts[0]) && f.refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutants_are_read_as_libxml2_reads_them),
		cmocka_unit_test(every_beginning_of_a_text_is_read_as_libxml2_reads_it),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
