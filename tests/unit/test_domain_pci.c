/* The PCI buses of a libvirt domain, as its QEMU driver lays them out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/domain_pci.h"
#include "analyze/config/libvirt.h"
#include "analyze/host.h"
#include "tests/unit/xml_doc.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

#define DOMAIN(machine, devices)                                                         \
	"<domain type='kvm'><os><type arch='x86_64' machine='" machine                   \
	"'>hvm</type></os><devices>" devices "</devices></domain>"
#define INTERFACE(at) "<interface type='user'><address type='pci' " at "/></interface>"
#define CONTROLLER(index, model, inside)                                                 \
	"<controller type='pci' index='" index "' model='" model "'>" inside             \
	"</controller>"

static const struct pci_layout *lay_out(struct doc *d, const char *text)
{
	const struct vm *vm;

	read_good(d, text);
	vm = libvirt_vm(d->root, &no_host, &d->arena);
	assert_non_null(vm);
	return vm->domain->pci;
}

static void a_machine_has_its_root(void **state)
{
	struct doc doc;
	const struct pci_layout *l = lay_out(&doc, DOMAIN("q35", ""));

	(void)state;
	assert_non_null(l);
	assert_int_equal(l->nbuses, 1);
	assert_int_equal(l->buses[0].model, PCI_MODEL_pcie_root);
	assert_null(l->faults);
	done(&doc);
	l = lay_out(&doc, DOMAIN("pc", ""));
	assert_int_equal(l->buses[0].model, PCI_MODEL_root);
	done(&doc);
	assert_null(lay_out(&doc, DOMAIN("isapc", "")));
	done(&doc);
}

static void buses_between_controllers_are_added(void **state)
{
	struct doc doc;
	const struct pci_layout *l =
		lay_out(&doc, DOMAIN("q35", CONTROLLER("3", "pcie-root-port", "")));

	(void)state;
	assert_int_equal(l->nbuses, 4);
	assert_int_equal(l->buses[2].model, PCI_MODEL_root_port);
	assert_null(l->buses[2].controller);
	assert_non_null(l->buses[3].controller);
	done(&doc);
}

static void a_bus_that_libvirt_adds_takes_devices(void **state)
{
	struct doc doc;
	const struct pci_layout *l =
		lay_out(&doc, DOMAIN("pc", INTERFACE("bus='0x02' slot='0x04'")));

	(void)state;
	assert_null(l->faults);
	assert_int_equal(l->nbuses, 3);
	assert_int_equal(l->buses[2].model, PCI_MODEL_bridge);
	assert_int_equal(l->buses[2].used[4], 1);
	done(&doc);
}

static void of_two_at_one_place_the_later_one_is_named(void **state)
{
	struct doc doc;
	const struct pci_layout *l = lay_out(
		&doc, DOMAIN("pc", INTERFACE("slot='4'") INTERFACE("slot='0x4'")));

	(void)state;
	assert_non_null(l->faults);
	assert_int_equal(l->faults->kind, PCI_TWICE);
	assert_true(l->faults->device->node->open_at.off >
		    l->faults->other->node->open_at.off);
	assert_null(l->faults->next);
	assert_false(l->certain);
	done(&doc);
}

static void root_ports_share_slots(void **state)
{
	struct doc doc;
	const struct pci_layout *l = lay_out(
		&doc, DOMAIN("q35", CONTROLLER("1", "pcie-root-port", "")
					    CONTROLLER("2", "pcie-root-port", "")));

	(void)state;
	assert_null(l->faults);
	assert_int_equal(l->buses[0].used[1], 3);
	assert_int_equal(l->buses[0].used[2], 0);
	done(&doc);
}

static void a_place_that_is_not_known_leaves_doubt(void **state)
{
	struct doc doc;
	const struct pci_layout *l = lay_out(
		&doc, DOMAIN("q35", INTERFACE("slot='{{ n }}'") CONTROLLER(
					    "1", "pcie-switch-downstream-port", "")));

	(void)state;
	assert_non_null(l);
	assert_false(l->certain);
	assert_null(l->faults);
	done(&doc);
	assert_null(lay_out(&doc,
			    DOMAIN("q35", CONTROLLER("{{ n }}", "pcie-root-port", ""))));
	done(&doc);
}

static void every_model_is_found_by_its_name(void **state)
{
	(void)state;
	for (unsigned m = PCI_MODEL_root; m <= PCI_MODEL_pcie_expander; m++)
		assert_int_equal(pci_model_named(str_of(pci_model_row(m)->name)), m);
	assert_int_equal(pci_model_named(STR("pcie")), PCI_MODEL_none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_has_its_root),
		cmocka_unit_test(buses_between_controllers_are_added),
		cmocka_unit_test(a_bus_that_libvirt_adds_takes_devices),
		cmocka_unit_test(of_two_at_one_place_the_later_one_is_named),
		cmocka_unit_test(root_ports_share_slots),
		cmocka_unit_test(a_place_that_is_not_known_leaves_doubt),
		cmocka_unit_test(every_model_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
