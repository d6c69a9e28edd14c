/* Completions for bash, zsh and fish. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/manual/manual.h"

#include <stdio.h>

static const char levels[] = "error warning note", whens[] = "auto always never";

static void head(void)
{
	puts("# Generated from the tables of options and rules.\n"
	     "# SPDX-License-Identifier: Apache-2.0");
}

static void formats(void)
{
	for (size_t i = 0; manual_formats[i]; i++)
		printf("%s%s", i ? " " : "", manual_formats[i]);
}

static void rules(const char *between)
{
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r))
		printf("%s%s", r->id, rule_next(r) ? between : "");
}

static bool takes_rules(const struct command_row *c)
{
	return c->arguments[0] == 'R';
}

static bool takes_paths(const struct command_row *c)
{
	return c->arguments[0] && !takes_rules(c) && c->arguments[1] != 'C';
}

static bool is_on(const struct option_row *o, unsigned command)
{
	return o->commands >> command & 1;
}

/* ---- bash ---- */

/* case $prev: the value of the option before it. */
static void bash_values(void)
{
	for (const struct option_row *o = manual_options; o->name; o++) {
		enum manual_value v = manual_value(o);

		if (v == VALUE_NONE)
			continue;
		printf("\t--%s", o->name);
		if (o->letter)
			printf(" | -%c", o->letter);
		fputs(") ", stdout);
		switch (v) {
		case VALUE_FORMAT:
			fputs("files='' words='", stdout);
			formats();
			fputs("'", stdout);
			break;
		case VALUE_RULES:
			fputs("list=$rules", stdout);
			break;
		case VALUE_LEVEL:
			printf("files='' words='%s%s'", levels,
			       o->name[0] == 'f' ? " never" : "");
			break;
		case VALUE_WHEN:
			printf("files='' words='%s'", whens);
			break;
		case VALUE_SECTOR:
			fputs("files='' words='512 4096'", stdout);
			break;
		case VALUE_RAW:
			fputs("files='' words=raw", stdout);
			break;
		case VALUE_FILE:
			fputs("words='' files=-f", stdout);
			break;
		case VALUE_FOLDER:
			fputs("words='' files=-d", stdout);
			break;
		case VALUE_WORD:
		case VALUE_NONE:
			fputs("return", stdout);
			break;
		}
		puts(" ;;");
	}
}

static void bash_commands(void)
{
	for (unsigned c = 0; manual_commands[c].name; c++) {
		const struct command_row *row = &manual_commands[c];

		printf("\t%s) options='", row->name);
		for (const struct option_row *o = manual_options; o->name; o++) {
			if (is_on(o, c))
				printf("--%s ", o->name);
		}
		printf("'%s ;;\n", takes_rules(row)    ? " arguments=$rules"
				   : takes_paths(row)  ? " files=-f"
				   : row->arguments[0] ? " arguments=$commands"
						       : "");
	}
}

void manual_bash(void)
{
	head();
	puts("_vmend()\n{");
	puts("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}");
	puts("\tlocal command='' options='' arguments='' words='' list='' files='' i done=''");
	fputs("\tlocal commands='", stdout);
	for (const struct command_row *c = manual_commands; c->name; c++)
		printf("%s%s", c == manual_commands ? "" : " ", c->name);
	fputs("'\n\tlocal rules='", stdout);
	rules(" ");
	puts("'\n");
	puts("\t# --name=value comes in three words.\n"
	     "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then "
	     "prev=${COMP_WORDS[COMP_CWORD - 2]}; fi");
	puts("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase \" $commands \" in *\" ${COMP_WORDS[i]} \"*) "
	     "command=${COMP_WORDS[i]}; break ;; esac\n\tdone");
	puts("\tcase $command in");
	bash_commands();
	puts("\t*) arguments=$commands options='--help --version' ;;\n\tesac");
	puts("\tcase $prev in");
	bash_values();
	puts("\t*)\n\t\twords=$arguments\n\t\t[[ $cur != -* ]] || words=$options files=\n\t\t;;\n"
	     "\tesac");
	puts("\tif [[ $list ]]; then\n"
	     "\t\t[[ $cur != *,* ]] || done=${cur%,*},\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -P \"$done\" -W \"$list\" -- \"${cur##*,}\")\n"
	     "\telse\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "\tfi");
	puts("\tif [[ $files && ! $list ]]; then\n"
	     "\t\tcompopt -o filenames 2>/dev/null\n"
	     "\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen \"$files\" -- \"$cur\")\n"
	     "\tfi\n}");
	puts("complete -F _vmend vmend");
}

/* ---- zsh ---- */

/* Within '...[...]': a bracket, a colon or a quote would end it. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (*s == '[' || *s == ']' || *s == ':' || *s == '\\')
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void zsh_value(const struct option_row *o)
{
	switch (manual_value(o)) {
	case VALUE_NONE:
		break;
	case VALUE_FORMAT:
		fputs(":format:(", stdout);
		formats();
		putchar(')');
		break;
	case VALUE_RULES:
		fputs(":rules:_sequence compadd - $rules", stdout);
		break;
	case VALUE_LEVEL:
		printf(":level:(%s%s)", levels, o->name[0] == 'f' ? " never" : "");
		break;
	case VALUE_WHEN:
		printf(":when:(%s)", whens);
		break;
	case VALUE_SECTOR:
		fputs(":bytes:(512 4096)", stdout);
		break;
	case VALUE_RAW:
		fputs(":format:(raw)", stdout);
		break;
	case VALUE_FILE:
		fputs(":file:_files", stdout);
		break;
	case VALUE_FOLDER:
		fputs(":folder:_files -/", stdout);
		break;
	case VALUE_WORD:
		fputs(":", stdout);
		zsh_text(o->argument);
		fputs(": ", stdout);
		break;
	}
}

static void zsh_option(const struct option_row *o)
{
	/* What can be given several times says so in the table. */
	printf("\t\t\t'*%s%s[", "--", o->name);
	zsh_text(o->help);
	putchar(']');
	zsh_value(o);
	puts("' \\");
	if (!o->letter)
		return;
	printf("\t\t\t'*-%c[", o->letter);
	zsh_text(o->help);
	putchar(']');
	zsh_value(o);
	puts("' \\");
}

void manual_zsh(void)
{
	puts("#compdef vmend");
	head();
	puts("_vmend() {\n\tlocal -a commands rules\n\tlocal context state line\n\tcommands=(");
	for (const struct command_row *c = manual_commands; c->name; c++) {
		printf("\t\t'%s:", c->name);
		zsh_text(c->summary);
		puts("'");
	}
	fputs("\t)\n\trules=(", stdout);
	rules(" ");
	puts(")\n\t_arguments -C '1:command:->command' '*::argument:->argument' && return");
	puts("\tif [[ $state == command ]]; then\n\t\t_describe command commands\n\t\treturn\n\tfi");
	puts("\tcase $line[1] in");
	for (unsigned c = 0; manual_commands[c].name; c++) {
		const struct command_row *row = &manual_commands[c];

		printf("\t%s)\n\t\t_arguments \\\n", row->name);
		for (const struct option_row *o = manual_options; o->name; o++) {
			if (is_on(o, c))
				zsh_option(o);
		}
		if (takes_rules(row))
			puts("\t\t\t'*:rule:($rules)'");
		else if (takes_paths(row))
			puts("\t\t\t'*:path:_files'");
		else
			puts("\t\t\t'*: : '");
		puts("\t\t;;");
	}
	puts("\tesac\n}\n_vmend \"$@\"");
}

/* ---- fish ---- */

static void fish_text(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('\'');
}

static void fish_option(const struct option_row *o)
{
	fputs("complete -c vmend", stdout);
	if (o->commands != ON_ALL) {
		fputs(" -n '__fish_seen_subcommand_from", stdout);
		for (unsigned c = 0; manual_commands[c].name; c++) {
			if (is_on(o, c))
				printf(" %s", manual_commands[c].name);
		}
		putchar('\'');
	}
	printf(" -l %s", o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	fputs(" -d ", stdout);
	fish_text(o->help);
	switch (manual_value(o)) {
	case VALUE_NONE:
		break;
	case VALUE_FORMAT:
		fputs(" -x -a '", stdout);
		formats();
		putchar('\'');
		break;
	case VALUE_RULES:
		fputs(" -x -a '(__fish_append , $__vmend_rules)'", stdout);
		break;
	case VALUE_LEVEL:
		printf(" -x -a '%s%s'", levels, o->name[0] == 'f' ? " never" : "");
		break;
	case VALUE_WHEN:
		printf(" -x -a '%s'", whens);
		break;
	case VALUE_SECTOR:
		fputs(" -x -a '512 4096'", stdout);
		break;
	case VALUE_RAW:
		fputs(" -x -a raw", stdout);
		break;
	case VALUE_FILE:
		fputs(" -r -F", stdout);
		break;
	case VALUE_FOLDER:
		fputs(" -x -a '(__fish_complete_directories)'", stdout);
		break;
	case VALUE_WORD:
		fputs(" -x", stdout);
		break;
	}
	putchar('\n');
}

void manual_fish(void)
{
	head();
	fputs("set -g __vmend_rules ", stdout);
	rules(" ");
	putchar('\n');
	puts("complete -c vmend -n __fish_use_subcommand -f");
	for (const struct command_row *c = manual_commands; c->name; c++) {
		printf("complete -c vmend -n __fish_use_subcommand -a %s -d ", c->name);
		fish_text(c->summary);
		putchar('\n');
		if (takes_rules(c))
			printf("complete -c vmend -n '__fish_seen_subcommand_from %s' -f "
			       "-a '$__vmend_rules'\n",
			       c->name);
		else if (!takes_paths(c))
			printf("complete -c vmend -n '__fish_seen_subcommand_from %s' -f\n",
			       c->name);
	}
	for (const struct option_row *o = manual_options; o->name; o++)
		fish_option(o);
}
