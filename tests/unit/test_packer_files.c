/* What a Packer template is told by files beside it, and by the user.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/beside.h"
#include "tests/unit/packer_doc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

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
	unit_open(&d->unit, path, SOURCE_READ, NULL, &no_host);
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

/* ---- what the user gives ---- */

static void what_is_given_last_counts(void **state)
{
	static const struct given_var vars[] = { { "n", "line" }, { "none", "x" } };
	const struct given_file files[] = {
		{ "a.json", str_bytes(STR("{\"n\": \"json\", \"f\": \"raw\"}")) },
		{ "b.pkrvars.hcl", str_bytes(STR("f = \"asif\"\nn = \"file\"\n")) },
	};
	struct host h = { .var_files = files, .nvar_files = 1 };
	static const char text[] = "variable \"n\" {\n  default = \"N\"\n}\n"
				   "variable \"f\" {}\n"
				   "source \"tart-cli\" \"x\" {\n  vm_name = var.n\n"
				   "  disk_format = var.f\n  from_ipsw = var.none\n}\n";
	struct doc d;

	(void)state;
	read_text_on(&d, text, &h);
	assert_fact(&d.unit.builders[0].vm_name, "json");
	assert_fact(&d.unit.builders[0].disk_format, "raw");
	unit_close(&d.unit);
	h.nvar_files = 2;
	read_text_on(&d, text, &h);
	assert_fact(&d.unit.builders[0].vm_name, "file");
	assert_fact(&d.unit.builders[0].disk_format, "asif");
	unit_close(&d.unit);
	h.vars = vars;
	h.nvars = 2;
	read_text_on(&d, text, &h);
	assert_fact(&d.unit.builders[0].vm_name, "line");
	/* Nobody declares it. */
	assert_int_equal(d.unit.builders[0].from_ipsw.state, FACT_UNKNOWN);
	unit_close(&d.unit);
}

static void a_value_that_is_given_has_the_type_of_the_default(void **state)
{
	static const struct given_var vars[] = { { "b", "true" }, { "l", "[1]" } };
	const struct host h = { .vars = vars, .nvars = 2 };
	struct doc d;

	(void)state;
	read_text_on(&d,
		     "variable \"b\" {\n  default = false\n}\n"
		     "variable \"l\" {\n  default = []\n}\n"
		     "source \"tart-cli\" \"x\" {\n  vm_name = var.b ? \"A\" : \"B\"\n"
		     "  disk_format = var.l\n}\n",
		     &h);
	assert_fact(&d.unit.builders[0].vm_name, "A");
	assert_int_equal(d.unit.builders[0].disk_format.state, FACT_UNKNOWN);
	unit_close(&d.unit);
}

static void a_file_that_is_none_has_a_reason(void **state)
{
	static const char *const texts[] = { "a = ", "{\"a\": 1, \"a\": 2}", "[1]" };
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_BUDGET);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct given_file f = { "f", str_bytes(str_of(texts[i])) };
		const char *why = NULL;

		assert_null(packer_var_file(&f, &a, &why));
		assert_non_null(why);
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_the_folder_count_and_no_others),
		cmocka_unit_test(a_folder_of_many_templates_is_not_read),
		cmocka_unit_test(what_is_given_last_counts),
		cmocka_unit_test(a_value_that_is_given_has_the_type_of_the_default),
		cmocka_unit_test(a_file_that_is_none_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
