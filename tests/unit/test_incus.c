/* Incus: which texts are its own, and what is read from them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/incus.h"
#include "analyze/config/node.h"
#include "analyze/host.h"

#include "base/banned.h"

static const struct host host;

static void read_unit(struct unit *u, struct source *src, const char *text)
{
	*src = source_of_bytes("test.yaml", str_bytes(str_of(text)));
	unit_read(u, src, format_find("incus"), &host);
	if (u->state != UNIT_READ)
		fail_msg("%s: %s", text, u->why.msg);
}

static void recognised(const char *text)
{
	if (!incus_probe(str_bytes(str_of(text))))
		fail_msg("is not recognised:\n%s", text);
}

static void passed_over(const char *text)
{
	if (incus_probe(str_bytes(str_of(text))))
		fail_msg("is taken for ours:\n%s", text);
}

static void its_texts_are_recognised(void **state)
{
	(void)state;
	recognised("config:\n  security.nesting: \"true\"\ndescription: x\n");
	recognised("\xef\xbb\xbfname: vm\r\ndevices:\r\n  root:\r\n    type: disk\r\n");
	recognised("config: {limits.cpu: 2}\n");
	recognised("# a profile\n---\ndevices:\n  root: {path: /, type: disk}\n");
	recognised(
		"profiles:\n- name: default\n  devices:\n    eth0:\n      type: nic\n");
	recognised("storage_pools:\n- name: data\n  driver: zfs\n");
	recognised("architecture: x86_64\ncreation_date: 1\nproperties:\n  os: Alpine\n");
	recognised("- name: vm\n  expanded_config:\n    a: b\n  type: virtual-machine\n");
	recognised("config: {}\ndescription: what was in it is gone\nname: vm\n");
	recognised("container:\n  config:\n    volatile.uuid: x\n");
}

static void other_texts_are_passed_over(void **state)
{
	(void)state;
	passed_over("");
	passed_over("a: b\n");
	passed_over("config:\n  core.https_address: 1\nnetworks:\n- name: br0\n");
	passed_over("services:\n  web:\n    devices:\n    - a\n    type: disk\n");
	passed_over("apiVersion: v1\nkind: ConfigMap\nconfig:\n  limits.cpu: 1\n");
	passed_over("config:\n  ipv4.address: none\nname: br0\ntype: bridge\n");
	passed_over("config:\n  user.key: x\negress: []\n");
	passed_over("#!/bin/sh\nconfig: x\n");
	passed_over("just words\nconfig:\n  limits.cpu: 1\n");
	passed_over("config: {}\nversion: 2\n");
	passed_over("profiles:\n- default\n");
	passed_over("config:\n  size: 1GiB\n  source: x\nname: v\n");
}

static void shapes_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		enum incus_kind kind;
		enum incus_type type;
	} shapes[] = {
		{ "config: {raw.qemu.conf: x}\nname: p\n", 1, INCUS_PROFILE,
		  INCUS_EITHER },
		{ "config: {raw.qemu.conf: x}\nprofiles: [a]\n", 1, INCUS_INSTANCE,
		  INCUS_VM },
		{ "config: {raw.lxc: x}\nprofiles: [a]\n", 1, INCUS_INSTANCE,
		  INCUS_CONTAINER },
		{ "config: {limits.cpu: 1}\ntype: virtual-machine\n", 1, INCUS_INSTANCE,
		  INCUS_VM },
		{ "config: {limits.cpu: 1}\ntype: container\n", 1, INCUS_INSTANCE,
		  INCUS_CONTAINER },
		{ "config: {limits.cpu: 1}\nephemeral: false\n", 1, INCUS_INSTANCE,
		  INCUS_EITHER },
		{ "config: {limits.cpu: 1}\nephemeral: false\ndevices:\n"
		  "  a: {type: disk, source: agent:config}\n",
		  1, INCUS_INSTANCE, INCUS_VM },
		{ "config: {limits.cpu: 1}\ntype: bridge\n", 0, INCUS_PROFILE,
		  INCUS_EITHER },
		{ "config: {features.images: true, limits.cpu: 1}\n", 0, INCUS_PROFILE,
		  INCUS_EITHER },
		{ "profiles:\n- {name: a, config: {boot.autostart: 1}}\n- name: b\n", 1,
		  INCUS_PROFILE, INCUS_EITHER },
		{ "name: vm\nbackend: zfs\nconfig:\n  container:\n    config: {limits.cpu: 1}\n"
		  "    type: virtual-machine\n  snapshots:\n  - config: {limits.cpu: 2}\n"
		  "    ephemeral: false\n",
		  2, INCUS_INSTANCE, INCUS_VM },
		{ "--- \nconfig: {limits.cpu: 1}\n---\nconfig: {limits.cpu: 2}\n", 2,
		  INCUS_PROFILE, INCUS_EITHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct source src;
		struct unit u;

		read_unit(&u, &src, shapes[i].text);
		if (u.nvms != shapes[i].n)
			fail_msg("%zu are read from\n%s", u.nvms, shapes[i].text);
		if (u.nvms && (u.incus[0].kind != shapes[i].kind ||
			       u.incus[0].type != shapes[i].type))
			fail_msg("kind %u, type %u in\n%s", u.incus[0].kind,
				 u.incus[0].type, shapes[i].text);
		unit_close(&u);
	}
}

static void what_profiles_may_say_is_not_absent_for_sure(void **state)
{
	struct source src;
	struct unit u;

	(void)state;
	read_unit(&u, &src, "config: {limits.cpu: 1}\nprofiles: [default]\n");
	assert_false(u.incus[0].complete);
	unit_close(&u);
	read_unit(&u, &src, "config: {limits.cpu: 1}\nprofiles: []\n");
	assert_true(u.incus[0].complete);
	unit_close(&u);
	read_unit(&u, &src,
		  "config: {limits.cpu: 1}\nexpanded_config: {security.iommu: on}\n"
		  "expanded_devices: {root: {type: disk, path: /}}\nprofiles: [a]\n");
	assert_true(u.incus[0].complete);
	assert_true(incus_true(&u.incus[0].all.iommu));
	assert_true(fact_absent(&u.incus[0].own.iommu));
	assert_int_equal(u.incus[0].ndevices, 1);
	assert_false(u.incus[0].devices_own);
	unit_close(&u);
}

static void words_for_true_are_those_of_incus(void **state)
{
	static const char *const yes[] = { "true", "True", "1", "yes", "ON" };
	static const char *const no[] = { "false", "0", "off", "y", "", "enabled" };
	struct fact f = { .state = FACT_KNOWN };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		f.v = str_of(yes[i]);
		assert_true(incus_true(&f) && !incus_not_true(&f));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		f.v = str_of(no[i]);
		assert_true(!incus_true(&f) && incus_not_true(&f));
	}
	f.state = FACT_UNKNOWN;
	assert_true(!incus_true(&f) && !incus_not_true(&f));
}

static void sizes_have_two_kinds_of_units(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_true(incus_size(STR("8GiB"), &n) && n == UINT64_C(8) << 30);
	assert_true(incus_size(STR("8GB"), &n) && n == UINT64_C(8000000000));
	assert_true(incus_size(STR("4 MB"), &n) && n == 4000000);
	assert_true(incus_size(STR("1024"), &n) && n == 1024);
	assert_false(incus_size(STR("50%"), &n));
	assert_false(incus_size(STR("GiB"), &n));
	assert_false(incus_size(STR("99999999999PiB"), &n));
	assert_false(incus_size(STR(""), &n));
}

/* ---- raw.qemu.conf ---- */

struct override {
	struct unit u;
	struct source src;
	const struct incus_override *o;
};

static void read_override(struct override *v, const char *text)
{
	read_unit(&v->u, &v->src, text);
	assert_int_equal(v->u.nvms, 1);
	v->o = v->u.incus[0].override;
	assert_non_null(v->o);
}

static void assert_at(const struct override *v, struct span at, const char *expected)
{
	struct str found = { v->src.mem.p ? (const char *)v->src.mem.p + at.off : "",
			     (size_t)at.len };

	if (!str_is(found, expected))
		fail_msg("'%.*s', expected '%s'", STR_ARG(found), expected);
}

static void sections_have_their_lines(void **state)
{
	struct override v;

	(void)state;
	read_override(&v,
		      "config:\n  raw.qemu.conf: |\n    [device \"a\"]\n\n    [b][1]\n"
		      "    k = v\n      [c]\nname: p\n");
	assert_int_equal(v.o->nsections, 3);
	assert_null(v.o->flaw);
	assert_true(str_is(v.o->sections[0].name, "device \"a\""));
	assert_at(&v, v.o->sections[0].at, "[device \"a\"]");
	assert_at(&v, v.o->sections[0].lines, "    [device \"a\"]\n\n");
	assert_int_equal(v.o->sections[1].nkeys, 1);
	assert_at(&v, v.o->sections[1].at, "[b][1]");
	assert_at(&v, v.o->sections[2].lines, "      [c]\n");
	unit_close(&v.u);
	read_override(&v, "config: {raw.qemu.conf: \"[a]\\n[\\u0062]\\nk=\\\"1\\\"\"}\n");
	assert_int_equal(v.o->nsections, 2);
	assert_at(&v, v.o->sections[0].lines, "[a]\\n");
	assert_at(&v, v.o->sections[1].at, "[\\u0062]");
	unit_close(&v.u);
}

static void a_line_that_holds_up_the_others_has_none_of_its_own(void **state)
{
	struct override v;

	(void)state;
	/* Without its first line, the block would be indented by six. */
	read_override(&v,
		      "config:\n  raw.qemu.conf: |\n    [a]\n      [b]\n      k = v\n");
	assert_int_equal(v.o->sections[0].lines.len, 0);
	unit_close(&v.u);
	read_override(&v, "config:\n  raw.qemu.conf: >\n    [a]\n\n    [b]\n");
	assert_int_equal(v.o->nsections, 2);
	assert_int_equal(v.o->sections[0].lines.len, 0);
	unit_close(&v.u);
}

static void lines_that_incus_refuses_are_found(void **state)
{
	static const char *const lines[] = {
		"k = v", "[]",      "[a",        "[a] # x",         "[a][x]",
		"# x",   "[a]\\nk", "[a]\\n= v", "[a]\\nk = \\\"v", "[a]\\n; x = y"
	};
	static const char *const good[] = { "",
					    "[a]",
					    "[a][-1]",
					    "[a]\\nk=",
					    " [a] \\n\\n k = v ",
					    "[a]\\nk=\\\"v\\\\n\\\"" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct override v;

		snprintf(text, sizeof(text), "config: {raw.qemu.conf: \"%s\"}\n",
			 lines[i]);
		read_override(&v, text);
		if (!v.o->flaw)
			fail_msg("nothing is wrong with %s", lines[i]);
		assert_true(
			range_within(v.o->flaw_at.off, v.o->flaw_at.len, strlen(text)));
		unit_close(&v.u);
	}
	for (size_t i = 1; i < sizeof(good) / sizeof(good[0]); i++) {
		struct override v;

		snprintf(text, sizeof(text), "config: {raw.qemu.conf: \"%s\"}\n",
			 good[i]);
		read_override(&v, text);
		if (v.o->flaw)
			fail_msg("%s: %s", good[i], v.o->flaw);
		unit_close(&v.u);
	}
}

static void qmp_is_a_json_list_of_objects(void **state)
{
	static const char *const bad[] = {
		"",        "{}",         "[1]",         "[{]",    "[{}",
		"[{},]",   "[{\"a\":}]", "[{\"a\" 1}]", "[{}] x", "[{\"a\": tru}]",
		"[\"a\"]", "[{'a': 1}]"
	};
	static const char *const good[] = {
		"[]",
		" [ {} ] ",
		"[{\"a\": [1, {\"b\": null}], \"c\": \"]\\\"\"}, {}]",
		"[{\"a\": -1.5e+3, \"b\": true}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!incus_qmp_flaw(str_of(bad[i])))
			fail_msg("nothing is wrong with %s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (incus_qmp_flaw(str_of(good[i])))
			fail_msg("%s: %s", good[i], incus_qmp_flaw(str_of(good[i])));
	}
}

static void templates_are_not_called_broken(void **state)
{
	struct source src = source_of_bytes(
		"t.yaml",
		str_bytes(STR("config:\n  limits.cpu: 1\n{% if x %}\n  a: b\n")));
	struct unit u;

	(void)state;
	unit_read(&u, &src, NULL, &host);
	assert_string_equal(u.format->name, "incus");
	assert_null(u.syntax);
	assert_non_null(u.skip_reason);
	unit_close(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_texts_are_recognised),
		cmocka_unit_test(other_texts_are_passed_over),
		cmocka_unit_test(shapes_are_told_apart),
		cmocka_unit_test(what_profiles_may_say_is_not_absent_for_sure),
		cmocka_unit_test(words_for_true_are_those_of_incus),
		cmocka_unit_test(sizes_have_two_kinds_of_units),
		cmocka_unit_test(sections_have_their_lines),
		cmocka_unit_test(a_line_that_holds_up_the_others_has_none_of_its_own),
		cmocka_unit_test(lines_that_incus_refuses_are_found),
		cmocka_unit_test(qmp_is_a_json_list_of_objects),
		cmocka_unit_test(templates_are_not_called_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
