/* What inputs claim, and who claims the same: analyze/claim.h, analyze/fleet.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/fleet.h"
#include "analyze/host.h"
#include "analyze/unit.h"

#include "base/banned.h"

static const struct host host;

enum { INPUTS = 4 };

/* Inputs, as the run would read them. */
struct set {
	struct source src[INPUTS];
	struct unit u[INPUTS];
	struct claims c[INPUTS];
	size_t n;
	struct fleet *fleet;
};

static void begin(struct set *s)
{
	*s = (struct set){ .fleet = fleet_new() };
}

static void add(struct set *s, const char *path, const char *format, const char *text)
{
	size_t i = s->n++;

	s->src[i] = source_of_bytes(path, str_bytes(str_of(text)));
	unit_read(&s->u[i], &s->src[i], format_find(format), &host);
	assert_int_equal(s->u[i].state, UNIT_READ);
	claims_read(&s->c[i], &s->u[i], i);
	fleet_add(s->fleet, &s->c[i], path);
}

static void end(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		claims_free(&s->c[i]);
		unit_close(&s->u[i]);
	}
	fleet_free(s->fleet);
}

/* The inputs that are to be asked, as "0 2". */
static void asked(struct set *s, const char *want)
{
	struct buf got = { 0 };
	const uint32_t *v;
	size_t n;

	v = fleet_settle(s->fleet, &n);
	buf_add(&got, STR(""));
	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%s%u", i ? " " : "", v[i]);
	assert_string_equal(got.p, want);
	buf_free(&got);
}

#define DOMAIN(name, mac, disk)                                                          \
	"<domain type='kvm'><name>" name "</name><devices><disk type='file'>"            \
	"<source file='/" disk "'/></disk><interface type='network'>"                    \
	"<mac address='" mac "'/><source network='n'/></interface></devices></domain>"

#define A "52:54:00:00:00:0a"
#define B "52:54:00:00:00:0b"

static void the_first_of_those_in_the_way_is_asked(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	add(&s, "web.xml", "libvirt", DOMAIN("web", A, "web"));
	add(&s, "mail.xml", "libvirt", DOMAIN("mail", B, "mail"));
	add(&s, "db.xml", "libvirt", DOMAIN("db", A, "db"));
	asked(&s, "0");
	fleet_attach(s.fleet, &s.c[2]);
	for (size_t i = 0; i < s.c[2].v.n; i++) {
		const struct claim *c = s.c[2].v.v[i];

		if (c->kind != CLAIM_MAC)
			continue;
		assert_int_equal(c->nrivals, 1);
		assert_true(c->rivals[0].before);
		assert_string_equal(c->rivals[0].by->shown, "web");
		assert_string_equal(c->rivals[0].src->path, "web.xml");
		assert_int_equal(c->rivals[0].line, 1);
	}
	end(&s);
}

static void one_vm_that_is_told_twice_is_not_in_its_own_way(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	add(&s, "a/web.xml", "libvirt", DOMAIN("web", A, "web"));
	add(&s, "b/web.xml", "libvirt", DOMAIN("web", A, "other"));
	add(&s, "web2.xml", "libvirt", DOMAIN("web2", A, "disk"));
	add(&s, "web3.xml", "libvirt", DOMAIN("web3", A, "disk"));
	asked(&s, "");
	end(&s);
}

static void vms_that_are_not_kept_together_are_not_compared(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	add(&s, "web.xml", "libvirt", DOMAIN("web", A, "web"));
	add(&s, "example.xml", "libvirt", DOMAIN("db", A, "db"));
	add(&s, "host2/db.xml", "libvirt", DOMAIN("db", A, "db"));
	asked(&s, "");
	end(&s);
}

static void the_vms_of_one_file_are_compared(void **state)
{
#define INSTANCE(name)                                                                   \
	"- name: " name "\n  type: virtual-machine\n  config: {}\n  devices:\n    e:\n"  \
	"      {type: nic, network: n, hwaddr: '" A "'}\n"
	struct set s;

	(void)state;
	begin(&s);
	add(&s, "all.yaml", "incus", INSTANCE("a") INSTANCE("b"));
	asked(&s, "0");
	end(&s);
}

static void addresses_are_told_from_other_words(void **state)
{
	static const char *const macs[] = { "00:00:00:00:00:00", "52:54:00:00:00",
					    "52:54:00:00:00:0g", "52_54_00_00_00_0a",
					    "" };

	(void)state;
	for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		struct buf one = { 0 }, two = { 0 };
		struct set s;

		buf_printf(&one, DOMAIN("web", "%s", "web"), macs[i]);
		buf_printf(&two, DOMAIN("db", "%s", "db"), macs[i]);
		begin(&s);
		add(&s, "web.xml", "libvirt", one.p);
		add(&s, "db.xml", "libvirt", two.p);
		asked(&s, "");
		end(&s);
		buf_free(&one);
		buf_free(&two);
	}
}

#define SHELL(name, words) "#!/bin/sh\nqemu-system-x86_64 -name " name " " words "\n"

static void scripts(const char *a, const char *b, const char *want)
{
	struct buf one = { 0 }, two = { 0 };
	struct set s;

	buf_printf(&one, SHELL("web", "-hda web.img %s"), a);
	buf_printf(&two, SHELL("db", "-hda db.img %s"), b);
	begin(&s);
	add(&s, "web.sh", "script", one.p);
	add(&s, "vm-db.sh", "script", two.p);
	asked(&s, want);
	end(&s);
	buf_free(&one);
	buf_free(&two);
}

static void ports_of_qemu_are_those_that_it_opens(void **state)
{
	(void)state;
	scripts("-vnc :1", "-vnc 127.0.0.1:1", "0");
	scripts("-vnc :1", "-spice port=5901,addr=10.0.0.1", "0");
	scripts("-vnc :1", "-vnc :2", "");
	scripts("-vnc :1", "-vnc :1,to=9", "");
	scripts("-vnc none", "-vnc none", "");
	scripts("-vnc unix:/run/a:1", "-vnc unix:/run/a:1", "");
	scripts("-vnc :$N", "-vnc :$N", "");
	scripts("-nic user,hostfwd=tcp::22-:22", "-netdev user,id=a,hostfwd=tcp::22-:22",
		"0");
	scripts("-nic user,hostfwd=tcp::22-:22", "-nic user,hostfwd=udp::22-:22", "");
	scripts("-nic user,hostfwd=tcp::$P-:22", "-nic user,hostfwd=tcp::$P-:22", "");
	scripts("-nic user,hostfwd=tcp::0-:22", "-nic user,hostfwd=tcp::0-:22", "");
	scripts("-nic tap,hostfwd=tcp::22-:22", "-nic tap,hostfwd=tcp::22-:22", "");
}

static void commands_of_one_file_are_not_known_to_run_together(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	add(&s, "vm.sh", "script",
	    "#!/bin/sh\nqemu-system-x86_64 -name a -hda a.img -vnc :1\n"
	    "qemu-system-x86_64 -name b -hda b.img -vnc :1\n");
	asked(&s, "");
	end(&s);
	begin(&s);
	add(&s, "vm.service", "systemd",
	    "[Service]\nExecStart=/usr/bin/qemu-system-x86_64 -name a -hda a.img -vnc :1\n"
	    "ExecStart=/usr/bin/qemu-system-x86_64 -name b -hda b.img -vnc :1\n"
	    "[Install]\nWantedBy=multi-user.target\n");
	asked(&s, "");
	end(&s);
}

static void an_input_without_end_is_not_compared(void **state)
{
	struct buf text = { 0 };
	struct set s;

	(void)state;
	buf_add(&text, STR("<domain type='kvm'><name>web</name><devices>"));
	for (unsigned i = 0; i < 2 * CLAIMS_MAX; i++)
		buf_printf(
			&text,
			"<interface type='network'><mac address='52:54:00:00:%02x:%02x'/>"
			"<source network='n'/></interface>",
			i >> 8, i & 0xff);
	buf_add(&text, STR("</devices></domain>"));
	begin(&s);
	add(&s, "web.xml", "libvirt", text.p);
	assert_true(s.c[0].full);
	assert_int_equal(s.c[0].v.n, CLAIMS_MAX);
	assert_true(fleet_full(s.fleet));
	asked(&s, "");
	end(&s);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_those_in_the_way_is_asked),
		cmocka_unit_test(one_vm_that_is_told_twice_is_not_in_its_own_way),
		cmocka_unit_test(vms_that_are_not_kept_together_are_not_compared),
		cmocka_unit_test(the_vms_of_one_file_are_compared),
		cmocka_unit_test(addresses_are_told_from_other_words),
		cmocka_unit_test(ports_of_qemu_are_those_that_it_opens),
		cmocka_unit_test(commands_of_one_file_are_not_known_to_run_together),
		cmocka_unit_test(an_input_without_end_is_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
