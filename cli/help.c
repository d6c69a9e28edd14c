/* --help, from the table of options.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "base/banned.h"

enum { OPTION_COLUMN = 28 };

static const char exit_codes[] =
	"Exit code: 0 nothing at or above the fail level remains, 1 findings remain, 2 wrong\n"
	"usage, 3 an input could not be read, is in use or was refused, 4 internal error.\n";

/* What the options do not say. */
static const char *notes(enum command c)
{
	switch (c) {
	case CMD_check:
		return "PATH is a file, a block device, a folder or - for standard input (up to\n"
		       "8 MiB). Without PATH: the current folder. Folders are walked without\n"
		       "following symbolic links; .gitignore and .git/info/exclude are honoured;\n"
		       "what is not a VM image or config is passed over.\n";
	case CMD_fix:
		return "Mends what is safe to mend, in rounds until nothing changes, and reports\n"
		       "what remains. Without PATH: the current folder. Of what it finds in a\n"
		       "folder it mends configs only: an image is mended when it is named.\n"
		       "An image is locked as QEMU does it, and is never touched while in use.\n"
		       "The exit code tells what remains after the repair, also with --diff.\n";
	case CMD_undo:
		return "Takes back the last repair of each PATH, also one that was interrupted.\n"
		       "Refuses when the bytes were changed by somebody else since.\n";
	case CMD_inspect:
		return "Prints facts only: nothing is judged, so damaged input is described too.\n";
	case CMD_map:
		return "The list below the drawing has every range with its place, and the\n"
		       "letters of the findings about it. Nothing is written but FILE, no locks\n"
		       "are taken, and findings do not change the exit code. FILE is replaced\n"
		       "only when it is an SVG document already, or empty.\n";
	case CMD_show_config:
		return "Without PATH: for the current folder.\n";
	case CMD_explain:
	case CMD_rules:
	case CMD_version:
	case CMD_help:
		return NULL;
	}
	return NULL;
}

/* The formats of check and fix. */
static void format_lines(struct buf *out)
{
	static const char *const words[] = {
#define X(name, word) word,
		REPORTS(X)
#undef X
	};
	size_t n = sizeof(words) / sizeof(words[0]), start = out->n;

	buf_add(out, STR("\nFormats:"));
	for (size_t i = 0; i < n; i++) {
		if (out->n - start > 70) {
			buf_add(out, STR("\n        "));
			start = out->n;
		}
		buf_printf(out, " %s%s", words[i], i + 1 < n ? "," : ".");
	}
	buf_char(out, '\n');
}

static void option_line(struct buf *out, const struct option_row *opt)
{
	size_t start = out->n, used;

	if (opt->letter)
		buf_printf(out, "  -%c, --%s", opt->letter, opt->name);
	else
		buf_printf(out, "  --%s", opt->name);
	if (opt->argument)
		buf_printf(out, " %s", opt->argument);
	used = out->n - start;
	if (used + 2 > OPTION_COLUMN) {
		buf_char(out, '\n');
		used = 0;
	}
	buf_fill(out, ' ', OPTION_COLUMN - used);
	buf_printf(out, "%s\n", opt->help);
}

void help_program(struct buf *out)
{
	buf_add(out,
		STR("Usage: vmend COMMAND [OPTIONS] [PATH...]\n\n"
		    "Finds and mends what keeps virtual machines from booting, or puts "
		    "their data at\nrisk, in disk images and VM configs.\n\n"));
	for (size_t i = 0; i < ncommands; i++) {
		size_t start = out->n;

		buf_printf(out, "  %s %s", commands[i].name, commands[i].arguments);
		buf_fill(out, ' ', 26 - (out->n - start));
		buf_printf(out, "%s\n", commands[i].summary);
	}
	buf_add(out, STR("\n`vmend COMMAND --help` has the options.\n\n"));
	buf_add(out, str_of(exit_codes));
}

void help_command(struct buf *out, enum command c)
{
	const struct command_row *row = &commands[c];
	const char *note = notes(c);

	if (c == CMD_help) {
		help_program(out);
		return;
	}
	buf_printf(out, "Usage: vmend %s [OPTIONS]%s%s\n\n%c%s.\n", row->name,
		   *row->arguments ? " " : "", row->arguments,
		   row->summary[0] - 'a' + 'A', row->summary + 1);
	if (note)
		buf_printf(out, "\n%s", note);
	buf_add(out, STR("\nOptions:\n"));
	for (size_t i = 0; i < noption_rows; i++) {
		if (i != OPT_version && (option_rows[i].commands >> c & 1))
			option_line(out, &option_rows[i]);
	}
	if (c == CMD_check || c == CMD_fix)
		format_lines(out);
	buf_char(out, '\n');
	buf_add(out, str_of(exit_codes));
}
