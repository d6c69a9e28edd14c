/* A libvirt domain's devices and addresses, and libvirt's way with numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/domain.h"
#include "analyze/config/libvirt.h"
#include "analyze/host.h"
#include "tests/unit/xml_doc.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

static const struct domain *read_domain(struct doc *d, const char *text)
{
	const struct vm *vm;

	read_good(d, text);
	vm = libvirt_vm(d->root, &no_host, &d->arena);
	assert_non_null(vm);
	assert_non_null(vm->domain);
	return vm->domain;
}

static void devices_are_found_by_kind_in_their_order(void **state)
{
	struct doc doc;
	const struct domain *d =
		read_domain(&doc, "<domain type='kvm'><devices><disk a='1'/><controller/>"
				  "<disk a='2'/><warp/></devices>"
				  "<devices><disk a='3'/></devices></domain>");
	char seen[4] = "";
	size_t n = 0;

	(void)state;
	assert_true(d->qemu);
	assert_int_equal(d->ndevices, 5);
	for_each_device(dev, d, disk)
	{
		assert_ptr_equal(dev->domain, d);
		seen[n++] = node_attr(dev->node, "a")->text.p[0];
	}
	assert_string_equal(seen, "123");
	assert_int_equal(domain_count(d, DEVICE_controller), 1);
	assert_int_equal(domain_count(d, DEVICE_other), 1);
	assert_int_equal(domain_count(d, DEVICE_hub), 0);
	done(&doc);
}

static void a_pci_address_is_read_in_either_base(void **state)
{
	struct doc doc;
	const struct domain *d = read_domain(
		&doc,
		"<domain type='kvm'><devices>"
		"<disk><address type='pci' bus='0x0a' slot='017' function='2'/></disk>"
		"<disk><address type='pci' bus='10' slot='15' function='0x2'/></disk>"
		"<disk><address type='pci'/></disk><disk><address type='pci'/></disk>"
		"<disk><address type='pci' bus='${BUS}'/></disk>"
		"<disk><address type='warp'/></disk><disk/></devices></domain>");
	const struct address *a = &d->devices[0].address;

	(void)state;
	assert_int_equal(a->type, ADDRESS_pci);
	assert_int_equal(a->bus.v, 10);
	assert_int_equal(a->slot.v, 15);
	assert_int_equal(a->function.v, 2);
	assert_false(a->domain.given);
	assert_false(d->devices[4].address.whole);
	assert_int_equal(d->devices[5].address.type, ADDRESS_unknown);
	assert_int_equal(d->devices[6].address.type, ADDRESS_absent);
	done(&doc);
}

static void the_address_of_a_source_is_not_the_device_s(void **state)
{
	struct doc doc;
	const struct domain *d =
		read_domain(&doc, "<domain type='kvm'><devices><hostdev><source>"
				  "<address type='pci' bus='1'/></source></hostdev>"
				  "</devices></domain>");

	(void)state;
	assert_int_equal(d->devices[0].address.type, ADDRESS_absent);
	done(&doc);
}

static void numbers_are_read_as_libvirt_reads_them(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(domain_number(STR("0x1F"), &v));
	assert_int_equal(v, 31);
	assert_true(domain_number(STR(" 010"), &v));
	assert_int_equal(v, 8);
	assert_true(domain_number(STR("0"), &v));
	assert_int_equal(v, 0);
	assert_true(domain_number(STR("18446744073709551615"), &v));
	assert_int_equal(v, UINT64_MAX);
	v = 7;
	assert_false(domain_number(STR("18446744073709551616"), &v));
	assert_false(domain_number(STR("0x"), &v));
	assert_false(domain_number(STR("08"), &v));
	assert_false(domain_number(STR("-1"), &v));
	assert_false(domain_number(STR(""), &v));
	assert_false(domain_number(STR("1 "), &v));
	assert_int_equal(v, 7);
}

static void assert_size(const char *text, uint64_t want)
{
	struct doc doc;
	uint64_t bytes = 0;

	read_good(&doc, text);
	assert_int_equal(domain_size(doc.root, "KiB", &bytes), want != 0);
	assert_int_equal(bytes, want);
	done(&doc);
}

static void a_size_has_libvirt_s_units(void **state)
{
	(void)state;
	assert_size("<memory>2</memory>", 2048);
	assert_size("<memory unit='bytes'>2</memory>", 2);
	assert_size("<memory unit='GB'>2</memory>", 2000000000);
	assert_size("<memory unit='gib'>2</memory>", UINT64_C(2) << 30);
	assert_size("<memory unit='m'> 2 </memory>", 2 << 20);
	assert_size("<memory unit='mb'>2</memory>", 2000000);
	assert_size("<memory unit='furlong'>2</memory>", 0);
	assert_size("<memory unit='EiB'>17</memory>", 0);
	assert_size("<memory>many</memory>", 0);
}

static void what_is_asked_is_a_fact(void **state)
{
	struct doc doc;
	const struct domain *d = read_domain(
		&doc, "<domain type='kvm'><devices>"
		      "<controller index='0x2'><driver queues='{{ n }}'/></controller>"
		      "</devices></domain>");
	const struct node *n = d->devices[0].node;
	struct fact index = ASK(n, "@index"), queues = ASK(n, "driver@queues"),
		    none = ASK(n, "driver@iothread");
	uint64_t v;

	(void)state;
	assert_true(fact_number(&index, &v));
	assert_int_equal(v, 2);
	assert_int_equal(queues.state, FACT_UNKNOWN);
	assert_int_equal(none.state, FACT_ABSENT);
	assert_int_equal(none.at.off, node_child(n, "driver")->open_at.off);
	done(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_found_by_kind_in_their_order),
		cmocka_unit_test(a_pci_address_is_read_in_either_base),
		cmocka_unit_test(the_address_of_a_source_is_not_the_device_s),
		cmocka_unit_test(numbers_are_read_as_libvirt_reads_them),
		cmocka_unit_test(a_size_has_libvirt_s_units),
		cmocka_unit_test(what_is_asked_is_a_fact),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
