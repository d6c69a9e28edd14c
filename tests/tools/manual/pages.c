/* The man pages: vmend(1), vmend-policy(5), vmend-rules(7). man(7) macros.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/manual/manual.h"

#include <stdio.h>
#include <string.h>

/* Text as roff reads it: what is a dash on the keyboard stays one, and no line becomes a
 * request. */
static void roff(const char *s)
{
	bool first = true;

	for (; *s; s++) {
		if (first && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else if (*s == '\'')
			fputs("\\(aq", stdout);
		else if (*s == '`')
			fputs("\\(ga", stdout);
		else if (*s == '^')
			fputs("\\(ha", stdout);
		else if (*s == '~')
			fputs("\\(ti", stdout);
		else
			putchar(*s);
		first = *s == '\n';
	}
}

static void head(const char *name, int section, const char *what)
{
	printf(".\\\" Generated from the tables of options, keys and rules.\n"
	       ".\\\" SPDX-License-Identifier: Apache-2.0\n"
	       ".TH %s %d \"\" \"vmend " VMEND_VERSION "\"\n.SH NAME\n",
	       name, section);
	roff(name);
	printf(" \\- %s\n", what);
}

static void text(const char *s)
{
	roff(s);
	putchar('\n');
}

/* .B word, then a text in italics. */
static void item(const char *bold, const char *italic, const char *what)
{
	fputs(".TP\n\\fB", stdout);
	roff(bold);
	fputs("\\fR", stdout);
	if (italic && *italic) {
		fputs(" \\fI", stdout);
		roff(italic);
		fputs("\\fR", stdout);
	}
	putchar('\n');
	text(what);
}

/* ---- vmend(1) ---- */

static void option(const struct option_row *o)
{
	bool all = o->commands == ON_ALL;
	const char *before = "";

	fputs(".TP\n", stdout);
	if (o->letter)
		printf("\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", stdout);
	roff(o->name);
	fputs("\\fR", stdout);
	if (o->argument) {
		fputs(" \\fI", stdout);
		roff(o->argument);
		fputs("\\fR", stdout);
	}
	putchar('\n');
	roff(o->help);
	fputs("\n.br\nWith ", stdout);
	if (all)
		fputs("all commands", stdout);
	for (unsigned c = 0; !all && manual_commands[c].name; c++) {
		if (!(o->commands >> c & 1))
			continue;
		printf("%s\\fB", before);
		roff(manual_commands[c].name);
		fputs("\\fR", stdout);
		before = ", ";
	}
	fputs(".\n", stdout);
}

static void exit_codes(void)
{
	puts(".SH EXIT STATUS");
	item("0", NULL, "Nothing at or above the fail level remains.");
	item("1", NULL, "Findings at or above the fail level remain.");
	item("2", NULL, "Wrong usage, or a policy that cannot be read.");
	item("3", NULL, "An input could not be read, is in use, or was refused.");
	item("4", NULL, "Internal error.");
	text("The format of the report never changes the exit status.");
}

static void files(void)
{
	puts(".SH ENVIRONMENT");
	item("NO_COLOR, CLICOLOR_FORCE", NULL,
	     "Without colours, or with colours always.");
	item("XDG_STATE_HOME", NULL,
	     "Where the journals of texts and block devices are, in "
	     "vmend/undo (default: ~/.local/state).");
	puts(".SH FILES");
	item(".vmend.yaml", NULL,
	     "The policy of the files in its folder and below: "
	     "vmend\\-policy(5).");
	item("IMAGE.vmend-undo", NULL,
	     "The journal of the repairs of an image, with which "
	     "they can be taken back.");
}

void manual_program(void)
{
	head("vmend", 1, "find and mend what keeps virtual machines from booting");
	puts(".SH SYNOPSIS\n.B vmend\n.I COMMAND\n.RI [ OPTIONS ]\n.RI [ PATH .\\|.\\|.]");
	puts(".SH DESCRIPTION");
	text("vmend reads disk images (raw disks with MBR or GPT, QCOW2, ISO 9660) and configs "
	     "of virtual machines (libvirt, QEMU command lines in scripts and units, Packer, "
	     "Incus and LXD, quickemu, UTM), says what is wrong in them and where, and mends "
	     "it with the smallest edits, each proven before it is written, and each can be "
	     "taken back. What an input is, is decided by its content. A PATH is a file, a "
	     "block device, a folder, or - for standard input; without one it is the current "
	     "folder.");
	puts(".SH COMMANDS");
	for (const struct command_row *c = manual_commands; c->name; c++)
		item(c->name, c->arguments, c->summary);
	puts(".SH OPTIONS");
	for (const struct option_row *o = manual_options; o->name; o++)
		option(o);
	puts(".SH FORMATS\nWith \\fBcheck\\fR and \\fBfix\\fR:");
	for (size_t i = 0; manual_formats[i]; i++) {
		fputs(i ? ", \\fB" : "\\fB", stdout);
		roff(manual_formats[i]);
		fputs("\\fR", stdout);
	}
	puts(".");
	exit_codes();
	files();
	puts(".SH SEE ALSO\n.BR vmend\\-policy (5),\n.BR vmend\\-rules (7),\n"
	     ".BR qemu\\-img (1)");
}

/* ---- vmend-policy(5) ---- */

void manual_policy(void)
{
	head("vmend-policy", 5, "the policy file of vmend");
	puts(".SH SYNOPSIS\n.I .vmend.yaml");
	puts(".SH DESCRIPTION");
	text("What a team has decided on, once, for everybody who runs vmend on its files. The "
	     "one that counts for a file is the closest above it, up to the folder that has "
	     ".git; others count only where it names them with extends. What the command "
	     "line says comes before all of it. A key, rule or word that vmend does not know "
	     "ends the run with exit status 2. \"vmend show-config FILE\" prints each setting "
	     "that counts, and where it stands.");
	puts(".SH KEYS");
#define KEY(name, read, in_paths, value, help)                                           \
	item(name ":", value, help);                                                     \
	if (in_paths)                                                                    \
		puts("Also in \\fBpaths\\fR.");
#include "cli/policy.def"
	puts(".SH RULES OF A TEAM");
	text("Each row of rules has a name that begins with team-, a setting (field or node), "
	     "one test, and a message. Its findings are like all others.");
#define ROW_KEY(name, value, help)             item(name ":", value, help);
#define ROW_TEST(name, op, words, value, help) item(name ":", value, help);
#include "cli/policy.def"
	puts(".SH EXAMPLE\n.nf");
	text("fail-on: error\n"
	     "severity:\n"
	     "  disk-cache-unsafe: error\n"
	     "paths:\n"
	     "  - files: [\"test/**\"]\n"
	     "    ignore: [disk-cache-unsafe]\n"
	     "rules:\n"
	     "  team-disk-cache:\n"
	     "    field: disk.cache\n"
	     "    is: [none, null]\n"
	     "    when: {disk.device: [disk, null]}\n"
	     "    severity: error\n"
	     "    message: our hosts lose power\n"
	     "    set: none");
	puts(".fi\n.SH SEE ALSO\n.BR vmend (1),\n.BR vmend\\-rules (7)");
}

/* ---- vmend-rules(7) ---- */

void manual_rules(void)
{
	head("vmend-rules", 7, "what vmend finds");
	puts(".SH DESCRIPTION");
	text("Each rule with its severity, the class of its fix, and why it is there. \"vmend "
	     "explain RULE\" says what to do, too, and where the proof is.");
	puts(".SH RULES");
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		fputs(".TP\n\\fB", stdout);
		roff(r->id);
		printf("\\fR (%s, fix: %s)\n", severity_name(r->severity),
		       fix_class_name(r->fix_class));
		roff(r->title);
		fputs(".\n", stdout);
		text(r->why);
	}
	puts(".SH SEE ALSO\n.BR vmend (1),\n.BR vmend\\-policy (5)");
}
