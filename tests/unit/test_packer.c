/* Packer templates: what each syntax says of a builder, and what nobody can say.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rewrite/edit.h"
#include "tests/unit/packer_doc.h"

#include "base/banned.h"

/* vm_name of the only builder of a template with these variables, set to that. */
static void with_name(struct doc *d, const char *names, const char *value)
{
	static char text[2000];

	snprintf(text, sizeof(text),
		 "%s\nsource \"tart-cli\" \"x\" {\n  vm_name = %s\n}\n", names, value);
	read_text(d, text);
	assert_int_equal(d->unit.nbuilders, 1);
}

static void three_syntaxes_say_the_same(void **state)
{
	static const char *const texts[] = {
		"source \"qemu\" \"deb\" {\n  vm_name = \"a\"\n  disk_cache = \"none\"\n"
		"  machine_type = \"q35\"\n}\n",
		"{\"builders\": [{\"type\": \"qemu\", \"vm_name\": \"a\", \"disk_cache\": "
		"\"none\", \"machine_type\": \"q35\"}]}",
		"{\"source\": {\"qemu\": {\"deb\": {\"vm_name\": \"a\", \"disk_cache\": "
		"\"none\", \"machine_type\": \"q35\"}}}}",
		"{\"source\": [{\"qemu\": [{\"deb\": [{\"vm_name\": \"a\", \"disk_cache\": "
		"\"none\", \"machine_type\": \"q35\"}]}]}]}",
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct vm *vm;

		read_text(&d, texts[i]);
		assert_int_equal(d.unit.nvms, 1);
		vm = &d.unit.vms[0];
		assert_fact(&vm->name, "a");
		assert_fact(&vm->machine, "q35");
		assert_true(vm_runs_qemu(vm));
		assert_int_equal(vm->ndisks, 1);
		assert_fact(&vm->disks[0].cache, "none");
		assert_true(fact_absent(&vm->disks[0].format));
		assert_ptr_equal(vm->builder, &d.unit.builders[0]);
		unit_close(&d.unit);
	}
}

static void what_is_no_template_is_not_ours(void **state)
{
	static const char *const texts[] = {
		"variable \"x\" {\n}\nlocals {\n}\nresource \"a\" \"b\" {\n}\n",
		"os = \"debian\"\n",
		"{\"builders\": {\"type\": \"qemu\"}}",
		"{\"builders\": [{\"type\": \"other\"}]}",
		"{\"source\": {\"git\": {\"url\": {}}}}",
		"{\"source\": \"qemu\", \"build\": {}}",
		"{\"a\": {\"source\": {\"qemu\": {}}}}",
		"builders:\n  - type: qemu\n",
	};
	struct source src;
	struct unit u;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		src = source_of_bytes("x.pkr.hcl", str_bytes(str_of(texts[i])));
		unit_read(&u, &src, NULL, &no_host);
		if (u.state != UNIT_NOT_OURS)
			fail_msg("taken for %s: %s", u.format->name, texts[i]);
		unit_close(&u);
	}
}

static void names_lead_to_values(void **state)
{
	static const char names[] =
		"variable \"a\" {\n  default = \"A\"\n}\n"
		"variables {\n  b = \"B\"\n  n = 5\n  t = true\n  o = null\n}\n"
		"variable \"m\" {\n  default = { k = \"V\", l = [1, \"two\"] }\n}\n"
		"locals {\n  c = \"${var.a}-${var.b}\"\n  d = local.c\n}\n"
		"local \"e\" {\n  expression = upper(local.d)\n}\n";
	static const char *const values[][2] = {
		{ "var.a", "A" },
		{ "\"${var.a}\"", "A" },
		{ "\"x-${var.a}-\\n$${y}\"", NULL }, /* ${y} may be Packer's yet */
		{ "\"x-${var.a}\\\"\"", "x-A\"" },
		{ "local.d", "A-B" },
		{ "local.e", "A-B" },
		{ "lower(local.e)", "a-b" },
		{ "var.n", "5" },
		{ "var.o == null ? \"none\" : var.o", "none" },
		{ "var.o != null && var.t ? 1 : \"z\"", "z" },
		{ "!var.t || var.a == \"A\" ? \"yes\" : \"no\"", "yes" },
		{ "var.unknown == null ? \"same\" : \"same\"", "same" },
		{ "var.m.k", "V" },
		{ "var.m[\"l\"][1]", "two" },
		{ "lookup(var.m, \"k\", \"x\")", "V" },
		{ "lookup(var.m, \"z\", \"x\")", "x" },
		{ "coalesce(\"\", var.a)", "A" },
		{ "(var.b)", "B" },
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct fact *f;

		with_name(&d, names, values[i][0]);
		f = &d.unit.vms[0].name;
		if (!values[i][1])
			assert_int_equal(f->state, FACT_UNKNOWN);
		else if (!fact_is(f, values[i][1]))
			fail_msg("%s: state %u, '%.*s'", values[i][0], f->state,
				 STR_ARG(f->v));
		assert_ptr_equal(f->at.src, &d.unit.src);
		unit_close(&d.unit);
	}
}

static void what_cannot_be_known_is_unknown(void **state)
{
	static const char names[] =
		"variable \"none\" {\n  type = string\n}\n"
		"variable \"env\" {\n  default = env(\"X\")\n}\n"
		"locals {\n  a = local.b\n  b = local.a\n  l = [1]\n}\n";
	static const char *const values[] = {
		"var.none",
		"var.absent",
		"var.env",
		"local.a",
		"local.l",
		"local.l[7]",
		"timestamp()",
		"\"x-${uuidv4()}\"",
		"build.name",
		"source.name",
		"data.x.y.z",
		"path.root",
		"1 + 1",
		"var.none ? \"a\" : \"b\"",
		"\"%{ if true }x%{ endif }\"",
		"\"{{ .Name }}\"",
		"[for x in [1] : x][0]",
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		with_name(&d, names, values[i]);
		if (d.unit.vms[0].name.state != FACT_UNKNOWN)
			fail_msg("%s: state %u", values[i], d.unit.vms[0].name.state);
		unit_close(&d.unit);
	}
}

static void nothing_and_null_are_absent(void **state)
{
	static const char *const values[] = { "\"\"", "null", "var.empty", "var.null" };
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		with_name(&d, "variables {\n  empty = \"\"\n  null = null\n}\n",
			  values[i]);
		assert_true(fact_absent(&d.unit.builders[0].vm_name));
		unit_close(&d.unit);
	}
}

static void an_expression_that_doubles_itself_ends(void **state)
{
	static char names[4000];
	struct doc d;
	int n = snprintf(names, sizeof(names), "locals {\n  a0 = \"x\"\n");

	(void)state;
	for (int i = 1; i < 60; i++)
		n += snprintf(names + n, sizeof(names) - (size_t)n,
			      "  a%d = \"${local.a%d}${local.a%d}\"\n", i, i - 1, i - 1);
	snprintf(names + n, sizeof(names) - (size_t)n, "}\n");
	{
		static char text[5000];

		snprintf(text, sizeof(text),
			 "%ssource \"tart-cli\" \"x\" {\n  vm_name = local.a59\n}\n",
			 names);
		read_text(&d, text);
	}
	assert_int_equal(d.unit.vms[0].name.state, FACT_UNKNOWN);
	unit_close(&d.unit);
}

static void user_variables_of_legacy_templates_are_followed(void **state)
{
	static const char text[] =
		"{\"variables\": {\"a\": \"A\", \"b\": \"{{ user `a` }}-{{user \\\"c\\\"}}\", "
		"\"c\": \"C\", \"none\": null, \"env\": \"{{env `X`}}\"}, \"builders\": ["
		"{\"type\": \"tart-cli\", \"vm_name\": \"{{user `b`}}\", \"from_ipsw\": "
		"\"{{user `none`}}\", \"disk_format\": \"{{user `env`}}\", \"vm_base_name\": "
		"\"{{isotime}}\"}]}";
	const struct builder *b;
	struct doc d;

	(void)state;
	read_text(&d, text);
	b = &d.unit.builders[0];
	assert_fact(&b->vm_name, "A-C");
	assert_int_equal(b->from_ipsw.state, FACT_UNKNOWN);
	assert_int_equal(b->disk_format.state, FACT_UNKNOWN);
	assert_int_equal(b->vm_base_name.state, FACT_UNKNOWN);
	unit_close(&d.unit);
}

static void a_build_may_add_to_a_source(void **state)
{
	static const char source[] =
		"source \"tart-cli\" \"x\" {\n  vm_name = \"n\"\n}\n";
	static const char adds[] = "build {\n  source \"source.tart-cli.x\" {\n"
				   "    disk_format = \"asif\"\n  }\n}\n";
	static const char plain[] = "build {\n  sources = [\"source.tart-cli.x\"]\n}\n";
	char text[500];
	struct doc d;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", source, adds);
	read_text(&d, text);
	assert_fact(&d.unit.builders[0].disk_format, "asif");
	assert_true(fact_absent(&d.unit.builders[0].recovery_partition));
	unit_close(&d.unit);
	/* One build with it, and one without. */
	snprintf(text, sizeof(text), "%s%s%s", source, adds, plain);
	read_text(&d, text);
	assert_int_equal(d.unit.builders[0].disk_format.state, FACT_UNKNOWN);
	unit_close(&d.unit);
}

static void a_value_from_elsewhere_is_not_edited_here(void **state)
{
	struct plan p;
	struct doc d;

	(void)state;
	with_name(&d, "variable \"a\" {\n  default = \"A\"\n}\n", "var.a");
	p = plan_on(&d.unit.src, &d.unit.arena);
	assert_false(plan_set(&p, &d.unit.builders[0].vm_name, "B"));
	assert_string_equal(p.refused, "its value is that of var.a: change it there");
	unit_close(&d.unit);
}

static void drives_of_qemuargs_take_the_place_of_all_others(void **state)
{
	static const char *const args[] = {
		"[[\"-drive\", \"file=x\"]]",
		"var.args",
		"[[var.x, \"y\"]]",
	};
	char text[300];
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		snprintf(text, sizeof(text),
			 "source \"qemu\" \"x\" {\n  disk_cache = \"unsafe\"\n"
			 "  qemuargs = %s\n}\n",
			 args[i]);
		read_text(&d, text);
		assert_int_equal(d.unit.vms[0].ndisks, 0);
		unit_close(&d.unit);
	}
	read_text(&d, "source \"qemu\" \"x\" {\n  qemuargs = [[\"-m\", \"1G\"]]\n}\n");
	assert_int_equal(d.unit.vms[0].ndisks, 1);
	assert_int_equal(d.unit.vms[0].nraw, 2);
	unit_close(&d.unit);
}

static void constraints_narrow_the_range_of_versions(void **state)
{
	static const struct {
		const char *text;
		bool is_below, may_be_below; /* 1.2.3 */
	} all[] = {
		{ ">= 1.2.3", false, false },
		{ "> 1.2.2", false, false },
		{ ">= 1.0", false, true },
		{ "< 1.2.3", true, true },
		{ "<= 1.2.3", false, true },
		{ "1.2.2", true, true },
		{ "= 1.2.3", false, false },
		{ "~> 1.2.0", false, true },
		{ "~> 1.1.0", true, true },
		{ "~> 1.2", false, true },
		{ ">= 0.5, < 1.0", true, true },
		{ "~> 2.0", false, false },
		{ "!= 1.0", false, true },
		{ "newest", false, true },
		{ "", false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct plugin_range r = { 0 };

		plugin_constrain(&r, str_of(all[i].text));
		if (plugin_is_below(&r, 1, 2, 3) != all[i].is_below ||
		    plugin_may_be_below(&r, 1, 2, 3) != all[i].may_be_below)
			fail_msg("'%s'", all[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_syntaxes_say_the_same),
		cmocka_unit_test(what_is_no_template_is_not_ours),
		cmocka_unit_test(names_lead_to_values),
		cmocka_unit_test(what_cannot_be_known_is_unknown),
		cmocka_unit_test(nothing_and_null_are_absent),
		cmocka_unit_test(an_expression_that_doubles_itself_ends),
		cmocka_unit_test(user_variables_of_legacy_templates_are_followed),
		cmocka_unit_test(a_build_may_add_to_a_source),
		cmocka_unit_test(a_value_from_elsewhere_is_not_edited_here),
		cmocka_unit_test(drives_of_qemuargs_take_the_place_of_all_others),
		cmocka_unit_test(constraints_narrow_the_range_of_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
