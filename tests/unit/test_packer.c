/* Packer templates: what each syntax says of a builder, and what nobody can say.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/beside.h"
#include "analyze/config/packer.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

struct doc {
	struct source src;
	struct unit unit;
};

static const struct host host;

static void read_text(struct doc *d, const char *text)
{
	d->src = source_of_bytes("t.pkr.hcl", str_bytes(str_of(text)));
	unit_read(&d->unit, &d->src, NULL, &host);
	if (d->unit.state != UNIT_READ || d->unit.syntax)
		fail_msg("state %u: %s", d->unit.state,
			 d->unit.syntax ? d->unit.syntax->what : d->unit.why.msg);
	assert_string_equal(d->unit.format->name, "packer");
}

static void assert_fact(const struct fact *f, const char *expected)
{
	if (!fact_is(f, expected))
		fail_msg("state %u, '%.*s', expected '%s'", f->state, STR_ARG(f->v),
			 expected);
}

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
		unit_read(&u, &src, NULL, &host);
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

/* The first VM of a template that is one source of this type with these settings. */
static const struct vm *one_vm(struct doc *d, const char *type, const char *body)
{
	static char text[2000];

	snprintf(text, sizeof(text), "source \"%s\" \"x\" {\n%s}\n", type, body);
	read_text(d, text);
	assert_int_equal(d->unit.nvms, 1);
	return &d->unit.vms[0];
}

static void virtualbox_and_vmware_speak_of_a_disk_and_a_drive(void **state)
{
	static const struct {
		const char *builder, *type, *body;
	} all[] = {
		{ "virtualbox-iso", "vbox",
		  "  firmware = \"efi\"\n  disk_size = 40000\n"
		  "  hard_drive_interface = \"sata\"\n  iso_interface = \"ide\"\n" },
		{ "vmware-iso", "vmware",
		  "  firmware = \"efi\"\n  disk_size = 40000\n"
		  "  disk_adapter_type = \"sata\"\n  cdrom_adapter_type = \"ide\"\n" },
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vm *vm = one_vm(&d, all[i].builder, all[i].body);

		assert_fact(&vm->type, all[i].type);
		assert_false(vm_runs_qemu(vm));
		assert_fact(&vm->firmware, "efi");
		assert_int_equal(vm->ndisks, 2);
		assert_fact(&vm->disks[0].device, "disk");
		assert_fact(&vm->disks[0].bus, "sata");
		assert_fact(&vm->disks[0].size, "40000");
		assert_fact(&vm->disks[1].device, "cdrom");
		assert_fact(&vm->disks[1].bus, "ide");
		assert_true(fact_absent(&vm->disks[1].size));
		unit_close(&d.unit);
	}
}

static void each_block_of_storage_is_a_disk_of_vsphere(void **state)
{
	struct doc d;
	const struct vm *vm;

	(void)state;
	vm = one_vm(
		&d, "vsphere-iso",
		"  storage {\n    disk_size = 100\n  }\n"
		"  storage {\n    disk_size = var.x\n    disk_controller_index = 1\n  }\n");
	assert_fact(&vm->type, "esx");
	assert_int_equal(vm->ndisks, 2);
	assert_fact(&vm->disks[0].size, "100");
	assert_true(fact_absent(&vm->disks[0].controller));
	assert_int_equal(vm->disks[1].size.state, FACT_UNKNOWN);
	assert_fact(&vm->disks[1].controller, "1");
	assert_ptr_equal(vm->disks[1].vm, vm);
	unit_close(&d.unit);
	vm = one_vm(&d, "vsphere-clone", "  vm_name = \"a\"\n");
	assert_int_equal(vm->ndisks, 0);
	unit_close(&d.unit);
	read_text(&d, "{\"builders\": [{\"type\": \"vsphere-iso\", \"storage\": "
		      "[{\"disk_size\": 1}, {\"disk_size\": 2}, 3]}]}");
	assert_int_equal(d.unit.vms[0].ndisks, 2);
	assert_fact(&d.unit.vms[0].disks[1].size, "2");
	unit_close(&d.unit);
}

static void proxmox_names_an_iommu_within_the_machine(void **state)
{
	static const struct {
		const char *text, *machine, *model;
	} all[] = {
		{ "q35", "q35", NULL },
		{ "q35,viommu=intel", "q35", "intel" },
		{ "viommu=virtio,type=pc-q35-9.0", "pc-q35-9.0", "virtio" },
		{ "viommu=intel", NULL, "intel" },
		{ "q35,", "q35", NULL },
	};
	char body[100];
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vm *vm;

		snprintf(body, sizeof(body), "  machine = \"%s\"\n", all[i].text);
		vm = one_vm(&d, "proxmox-iso", body);
		assert_true(vm_runs_qemu(vm));
		if (all[i].machine)
			assert_fact(&vm->machine, all[i].machine);
		else
			assert_true(fact_absent(&vm->machine));
		assert_int_equal(vm->niommus, all[i].model != NULL);
		if (all[i].model) {
			assert_fact(&vm->iommus[0].model, all[i].model);
			assert_int_equal(vm->iommus[0].model.at.len,
					 strlen(all[i].model));
			assert_fact(&vm->iommus[0].caching_mode, "on");
		}
		unit_close(&d.unit);
	}
	assert_int_equal(one_vm(&d, "proxmox", "  machine = var.m\n")->machine.state,
			 FACT_UNKNOWN);
	assert_int_equal(d.unit.vms[0].niommus, 0);
	unit_close(&d.unit);
}

static void disks_of_proxmox_are_those_of_qemu(void **state)
{
	struct doc d;
	const struct vm *vm = one_vm(
		&d, "proxmox-clone",
		"  bios = \"ovmf\"\n  disks {\n    type = \"scsi\"\n    format = \"raw\"\n"
		"    cache_mode = \"none\"\n    asyncio = \"native\"\n    io_thread = true\n"
		"    disk_size = \"8G\"\n  }\n");

	(void)state;
	assert_fact(&vm->firmware, "ovmf");
	assert_int_equal(vm->ndisks, 1);
	assert_fact(&vm->disks[0].bus, "scsi");
	assert_fact(&vm->disks[0].format, "raw");
	assert_fact(&vm->disks[0].cache, "none");
	assert_fact(&vm->disks[0].io, "native");
	assert_fact(&vm->disks[0].iothread, "true");
	assert_fact(&vm->disks[0].size, "8G");
	assert_ptr_equal(vm->disks[0].readonly.owner, vm->disks[0].node);
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

/* ---- the folder ---- */

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void open_in(struct doc *d, const char *dir, const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unit_open(&d->unit, path, SOURCE_READ, NULL, &host);
	assert_int_equal(d->unit.state, UNIT_READ);
}

static void files_of_the_folder_count_and_no_others(void **state)
{
	char dir[] = "/tmp/vmend-packer-XXXXXX";
	static const char *const names[] = { "s.pkr.hcl", "v.pkr.hcl",
					     "a.auto.pkrvars.hcl", "x.pkrvars.hcl",
					     "l.pkr.hcl" };
	struct doc d;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	put(fd, "s.pkr.hcl",
	    "source \"tart-cli\" \"x\" {\n  vm_name = var.n\n  disk_format = var.f\n}\n");
	open_in(&d, dir, "s.pkr.hcl");
	assert_int_equal(d.unit.builders[0].vm_name.state, FACT_UNKNOWN);
	assert_true(fact_absent(&d.unit.builders[0].from_ipsw));
	unit_close(&d.unit);

	put(fd, "v.pkr.hcl",
	    "variables {\n  n = \"N\"\n  f = \"raw\"\n}\nbuild {\n"
	    "  source \"source.tart-cli.x\" {\n    from_ipsw = \"latest\"\n  }\n}\n");
	put(fd, "a.auto.pkrvars.hcl", "f = \"asif\"\n");
	put(fd, "x.pkrvars.hcl", "n = \"other\"\n");
	open_in(&d, dir, "s.pkr.hcl");
	assert_fact(&d.unit.builders[0].vm_name, "N");
	assert_fact(&d.unit.builders[0].disk_format, "asif");
	/* It is set, and not in this file. */
	assert_int_equal(d.unit.builders[0].from_ipsw.state, FACT_UNKNOWN);
	unit_close(&d.unit);

	/* A link may lead anywhere: it is not followed, and what it says is not known. */
	assert_int_equal(symlinkat("/etc/hostname", fd, "l.pkr.hcl"), 0);
	open_in(&d, dir, "s.pkr.hcl");
	assert_false(d.unit.src.beside->whole);
	assert_int_equal(d.unit.builders[0].vm_name.state, FACT_UNKNOWN);
	assert_int_equal(d.unit.builders[0].allow_insecure.state, FACT_UNKNOWN);
	unit_close(&d.unit);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(unlinkat(fd, names[i], 0), 0);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
}

static void a_folder_of_many_templates_is_not_read(void **state)
{
	char dir[] = "/tmp/vmend-packer-XXXXXX", name[30];
	struct doc d;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < BESIDE_FILES_MAX + 2; i++) {
		snprintf(name, sizeof(name), "%d.pkr.hcl", i);
		put(fd, name, "source \"tart-cli\" \"x\" {\n}\n");
	}
	open_in(&d, dir, "0.pkr.hcl");
	assert_false(d.unit.src.beside->whole);
	assert_int_equal(d.unit.builders[0].vm_name.state, FACT_UNKNOWN);
	unit_close(&d.unit);
	/* One that is built in its own file needs no others. */
	put(fd, "0.pkr.hcl",
	    "source \"tart-cli\" \"x\" {\n}\nbuild {\n  sources = [\"source.tart-cli.x\"]\n}\n");
	open_in(&d, dir, "0.pkr.hcl");
	assert_true(fact_absent(&d.unit.builders[0].vm_name));
	unit_close(&d.unit);
	for (int i = 0; i < BESIDE_FILES_MAX + 2; i++) {
		snprintf(name, sizeof(name), "%d.pkr.hcl", i);
		assert_int_equal(unlinkat(fd, name, 0), 0);
	}
	close(fd);
	assert_int_equal(rmdir(dir), 0);
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
		cmocka_unit_test(virtualbox_and_vmware_speak_of_a_disk_and_a_drive),
		cmocka_unit_test(each_block_of_storage_is_a_disk_of_vsphere),
		cmocka_unit_test(proxmox_names_an_iommu_within_the_machine),
		cmocka_unit_test(disks_of_proxmox_are_those_of_qemu),
		cmocka_unit_test(constraints_narrow_the_range_of_versions),
		cmocka_unit_test(files_of_the_folder_count_and_no_others),
		cmocka_unit_test(a_folder_of_many_templates_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
