/* manual: man pages and completions for shells, from the tables of options (cli/options.def), of
 * the keys of a policy (cli/policy.def) and of rules.
 * usage: manual vmend.1|vmend-policy.5|vmend-rules.7|bash|zsh|fish
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "tests/tools/manual/manual.h"

#include <stdio.h>
#include <string.h>

const struct command_row manual_commands[] = {
#define COMMAND(name, word, arguments, summary) { word, arguments, summary },
#include "cli/options.def"
	{ NULL, NULL, NULL },
};

const struct option_row manual_options[] = {
#define OPTION(name, longname, letter, argument, on, help)                               \
	{ longname, letter, argument, on, help },
#include "cli/options.def"
	{ NULL, 0, NULL, 0, NULL },
};

const char *const manual_formats[] = {
#define X(name, word) word,
	REPORTS(X)
#undef X
		NULL,
};

/* What an argument is, by its name in the table. */
enum manual_value manual_value(const struct option_row *o)
{
	static const struct {
		const char *argument;
		enum manual_value value;
	} values[] = {
		{ "FORMAT", VALUE_FORMAT }, { "RULE,...", VALUE_RULES },
		{ "LEVEL", VALUE_LEVEL },   { "WHEN", VALUE_WHEN },
		{ "FILE", VALUE_FILE },     { "DIR", VALUE_FOLDER },
		{ "BYTES", VALUE_SECTOR },
	};

	if (!o->argument)
		return VALUE_NONE;
	/* raw, and nothing else so far. */
	if (strcmp(o->name, "as") == 0)
		return VALUE_RAW;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(values[i].argument, o->argument) == 0)
			return values[i].value;
	}
	return VALUE_WORD;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} pages[] = {
		{ "vmend.1", manual_program },
		{ "vmend-policy.5", manual_policy },
		{ "vmend-rules.7", manual_rules },
		{ "bash", manual_bash },
		{ "zsh", manual_zsh },
		{ "fish", manual_fish },
	};

	for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].name, argv[1]) == 0) {
			pages[i].print();
			return ferror(stdout) || fflush(stdout) != 0;
		}
	}
	fputs("usage: manual vmend.1|vmend-policy.5|vmend-rules.7|bash|zsh|fish\n",
	      stderr);
	return 2;
}
