/* The command line: what is understood, what is refused and with which words.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/options.h"

#include "base/banned.h"

enum { WORDS_MAX = 16 };

struct parsed {
	struct options o;
	struct arena a;
	struct err e;
	int rc;
};

/* Splits at blanks: no test needs one within a word. */
static struct parsed parse(const char *line)
{
	struct parsed p = { 0 };
	char *argv[WORDS_MAX];
	int argc = 1;

	arena_init(&p.a, 0);
	argv[0] = arena_str(&p.a, STR("vmend"));
	while (*line) {
		size_t n = strcspn(line, " ");

		assert_true(argc < WORDS_MAX);
		argv[argc++] = arena_str(&p.a, (struct str){ line, n });
		line += n + (line[n] == ' ');
	}
	p.rc = options_parse(&p.o, argc, argv, &p.a, &p.e);
	return p;
}

static void refused(const char *line, const char *message)
{
	struct parsed p = parse(line);

	assert_int_equal(p.rc, -1);
	assert_int_equal(p.e.code, ERR_USAGE);
	assert_string_equal(p.e.msg, message);
	arena_free(&p.a);
}

static struct parsed accepted(const char *line)
{
	struct parsed p = parse(line);

	if (p.rc != 0)
		fail_msg("%s: %s", line, p.e.msg);
	return p;
}

static void defaults_are_calm(void **state)
{
	struct parsed p = accepted("check");

	(void)state;
	assert_int_equal(p.o.command, CMD_check);
	assert_int_equal(p.o.format, REPORT_text);
	assert_int_equal(p.o.fail_on, SEV_WARNING);
	assert_int_equal(p.o.min_severity, SEV_NOTE);
	assert_int_equal(p.o.level, FIX_SAFE);
	assert_int_equal(p.o.color, COLOR_AUTO);
	assert_int_equal(p.o.jobs, 0);
	assert_int_equal(p.o.args.n, 0);
	assert_false(p.o.never_fail || p.o.quiet || p.o.diff || p.o.help);
	arena_free(&p.a);
}

static void a_value_follows_or_is_attached(void **state)
{
	static const char *const lines[] = {
		"check --format json --jobs 7", "check --format=json --jobs=7",
		"check --format=json -j7",      "check -j 7 --format json",
		"check -qj7 --format=json",     "--format=json -j7 check",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct parsed p = accepted(lines[i]);

		assert_int_equal(p.o.format, REPORT_json);
		assert_int_equal(p.o.jobs, 7);
		arena_free(&p.a);
	}
}

static void arguments_keep_their_order(void **state)
{
	struct parsed p = accepted("fix b --diff a - -- --diff");

	(void)state;
	assert_true(p.o.diff);
	assert_int_equal(p.o.args.n, 4);
	assert_string_equal(p.o.args.v[0], "b");
	assert_string_equal(p.o.args.v[1], "a");
	assert_string_equal(p.o.args.v[2], "-");
	assert_string_equal(p.o.args.v[3], "--diff");
	arena_free(&p.a);
}

static void lists_are_split_and_joined(void **state)
{
	struct parsed p = accepted("check --select a,b --select=c --ignore d");

	(void)state;
	assert_int_equal(p.o.select.n, 3);
	assert_string_equal(p.o.select.v[1], "b");
	assert_string_equal(p.o.select.v[2], "c");
	assert_int_equal(p.o.ignore.n, 1);
	arena_free(&p.a);
	refused("check --select a,,b", "--select: a rule id is empty");
}

static void outputs_are_collected(void **state)
{
	struct parsed p = accepted("check --output json=a.json --output concise=b=c");

	(void)state;
	assert_int_equal(p.o.outputs.n, 2);
	assert_int_equal(p.o.outputs.v[0].format, REPORT_json);
	assert_string_equal(p.o.outputs.v[0].path, "a.json");
	assert_string_equal(p.o.outputs.v[1].path, "b=c");
	arena_free(&p.a);
	refused("check --output a.json", "--output takes FORMAT=FILE, not 'a.json'");
	refused("check --output jsn=a",
		"--output takes text, concise, json, jsonl, sarif, sarif-github, github, "
		"gitlab, junit, checkstyle or markdown, not 'jsn'; did you mean 'json'?");
}

static void the_stronger_fix_level_wins(void **state)
{
	struct parsed p = accepted("fix --lossy-fixes --unsafe-fixes");

	(void)state;
	assert_int_equal(p.o.level, FIX_LOSSY);
	arena_free(&p.a);
}

static void fail_on_never_is_no_severity(void **state)
{
	struct parsed p = accepted("check --fail-on never --min-severity error");

	(void)state;
	assert_true(p.o.never_fail);
	assert_int_equal(p.o.min_severity, SEV_ERROR);
	arena_free(&p.a);
	refused("check --min-severity never",
		"--min-severity takes error, warning or note, not 'never'");
	refused("check --fail-on warn",
		"--fail-on takes error, warning, note or never, not 'warn'");
	refused("check --fail-on wraning",
		"--fail-on takes error, warning, note or never, "
		"not 'wraning'; did you mean 'warning'?");
}

static void a_typing_mistake_gets_a_suggestion(void **state)
{
	(void)state;
	refused("chekc", "there is no command 'chekc'; did you mean 'check'?");
	refused("check --formt=json",
		"there is no option '--formt'; did you mean '--format'?");
	refused("check --zzz", "there is no option '--zzz'");
	refused("check -z", "there is no option '-z'");
	refused("frobnicate", "there is no command 'frobnicate'");
}

static void a_path_in_place_of_a_command_gets_a_hint(void **state)
{
	(void)state;
	refused("/dev/null",
		"'/dev/null' is not a command; did you mean `vmend check /dev/null`?");
}

static void values_are_bounded(void **state)
{
	(void)state;
	refused("check -j0", "-j takes a number from 1 to 256, not '0'");
	refused("check -j257", "-j takes a number from 1 to 256, not '257'");
	refused("check -j4x", "-j takes a number from 1 to 256, not '4x'");
	refused("check -j", "--jobs needs N");
	refused("check --format", "--format needs FORMAT");
	refused("check --quiet=yes", "--quiet takes no value");
}

static void options_belong_to_commands(void **state)
{
	(void)state;
	refused("check --diff", "`vmend check` has no option --diff");
	refused("inspect --schema x", "`vmend inspect` has no option --schema");
	refused("--diff undo x", "`vmend undo` has no option --diff");
	refused("rules --format concise", "`vmend rules` has the formats text and json");
	refused("fix --diff --format json",
		"--diff is a format of its own: not with --format or --output");
}

static void arguments_are_counted(void **state)
{
	(void)state;
	refused("undo", "`vmend undo` needs PATH...");
	refused("version x", "`vmend version` takes no arguments, not 'x'");
	refused("", "what shall it do? `vmend -h` lists the commands");
}

static void help_is_there_in_every_way(void **state)
{
	static const char *const lines[] = { "help fix", "fix --help", "fix -h",
					     "--help fix", "fix --diff -h x" };
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		p = accepted(lines[i]);
		assert_true(p.o.help);
		assert_int_equal(p.o.command, CMD_fix);
		arena_free(&p.a);
	}
	p = accepted("-h");
	assert_true(p.o.help);
	assert_int_equal(p.o.command, CMD_help);
	arena_free(&p.a);
	refused("help fxi", "there is no command 'fxi'; did you mean 'fix'?");
	p = accepted("--version");
	assert_int_equal(p.o.command, CMD_version);
	arena_free(&p.a);
}

static void targets_are_names_with_versions(void **state)
{
	struct parsed p = accepted("check --target incus=6.10.0 .");

	(void)state;
	assert_int_equal(p.o.targets.n, 1);
	assert_string_equal(p.o.targets.v[0].name, "incus");
	assert_int_equal(version_cmp(&p.o.targets.v[0].version, 6, 10, 0), 0);
	arena_free(&p.a);
	refused("check --target incus", "--target takes NAME=VERSION, not 'incus'");
	refused("check --target incsu=6",
		"--target takes incus, libvirt, qemu or utm, not 'incsu'; did you mean 'incus'?");
	refused("check --target incus=new",
		"--target incus: a version looks like 6.10.0, not like 'new'");
}

static void places_are_two_numbers_for_one_image(void **state)
{
	struct parsed p = accepted("fix --place 40=3 --place=7=0 a.qcow2");

	(void)state;
	assert_int_equal(p.o.places.n, 2);
	assert_int_equal(p.o.places.v[0].cluster, 40);
	assert_int_equal(p.o.places.v[0].slot, 3);
	assert_int_equal(p.o.places.v[1].slot, 0);
	arena_free(&p.a);
	refused("fix --place 40 a.qcow2",
		"--place takes CLUSTER=ENTRY, two numbers, not '40'");
	refused("fix --place 40=x a.qcow2",
		"--place takes CLUSTER=ENTRY, two numbers, not '40=x'");
	refused("fix --place 40=3 a.qcow2 b.qcow2", "--place is about one IMAGE, not 2");
}

static void help_fits_a_terminal(void **state)
{
	struct buf b = { 0 };

	(void)state;
	help_program(&b);
	for (size_t c = 0; c < ncommands; c++)
		help_command(&b, (enum command)c);
	for (const char *line = b.p; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 100);
	buf_free(&b);
}

static void control_characters_do_not_reach_messages(void **state)
{
	(void)state;
	refused("\033[2J", "there is no command '\\x1b[2J'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_calm),
		cmocka_unit_test(a_value_follows_or_is_attached),
		cmocka_unit_test(arguments_keep_their_order),
		cmocka_unit_test(lists_are_split_and_joined),
		cmocka_unit_test(outputs_are_collected),
		cmocka_unit_test(the_stronger_fix_level_wins),
		cmocka_unit_test(fail_on_never_is_no_severity),
		cmocka_unit_test(a_typing_mistake_gets_a_suggestion),
		cmocka_unit_test(a_path_in_place_of_a_command_gets_a_hint),
		cmocka_unit_test(values_are_bounded),
		cmocka_unit_test(options_belong_to_commands),
		cmocka_unit_test(arguments_are_counted),
		cmocka_unit_test(help_is_there_in_every_way),
		cmocka_unit_test(targets_are_names_with_versions),
		cmocka_unit_test(places_are_two_numbers_for_one_image),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(control_characters_do_not_reach_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
