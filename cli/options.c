/* Parses the command line by the table of options.def: --name VALUE, --name=VALUE, -jN,
 * -j N, -qj4, "--" ends options, options may stand before the command.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <unistd.h>

#include "base/banned.h"

const struct command_row commands[] = {
#define COMMAND(name, word, arguments, summary) { word, arguments, summary },
#include "cli/options.def"
};
const size_t ncommands = sizeof(commands) / sizeof(commands[0]);

const struct option_row option_rows[] = {
#define OPTION(name, longname, letter, argument, on, help)                               \
	{ longname, letter, argument, on, help },
#include "cli/options.def"
};
const size_t noption_rows = sizeof(option_rows) / sizeof(option_rows[0]);

struct parser {
	struct options *o;
	struct arena *a;
	struct err *e;
	char *const *argv;
	int argc, next; /* index of the next argument to look at */
	bool has_command;
	bool args_only; /* "--" was seen */
	uint64_t given; /* bit per enum option */
};

static const char *word_shown(struct parser *p, const char *word)
{
	return str_shown(p->a, str_of(word));
}

/* "...; did you mean '...'?", where something is near. */
static int refuse(struct parser *p, const struct suggestion *s, const char *what)
{
	if (s->best)
		return err_set(p->e, ERR_USAGE, "%s; did you mean '%s'?", what, s->best);
	return err_set(p->e, ERR_USAGE, "%s", what);
}

/* ---- values ---- */

struct choice {
	const char *name;
	unsigned value;
};

static int choose(struct parser *p, const struct option_row *opt, const char *value,
		  const struct choice *choices, unsigned *out)
{
	struct suggestion s = { .word = value };
	struct buf names = { 0 };
	int rc = -1;

	for (const struct choice *c = choices; c->name; c++) {
		if (strcmp(c->name, value) == 0) {
			*out = c->value;
			rc = 0;
		}
		suggest(&s, c->name);
		buf_printf(&names, "%s%s",
			   c == choices ? ""
			   : c[1].name  ? ", "
					: " or ",
			   c->name);
	}
	if (rc != 0)
		refuse(p, &s,
		       arena_printf(p->a, "--%s takes %s, not '%s'", opt->name, names.p,
				    word_shown(p, value)));
	buf_free(&names);
	return rc;
}

static const struct choice formats[] = {
#define X(name, word) { word, REPORT_##name },
	REPORTS(X)
#undef X
		{ NULL, 0 },
};

static int take_format(struct parser *p, const struct option_row *opt, const char *value,
		       enum report_format *out)
{
	unsigned v;

	if (choose(p, opt, value, formats, &v) != 0)
		return -1;
	*out = (enum report_format)v;
	return 0;
}

static int take_output(struct parser *p, const struct option_row *opt, const char *value)
{
	const char *eq = strchr(value, '=');
	struct output *o;

	if (!eq || !eq[1])
		return err_set(p->e, ERR_USAGE, "--output takes FORMAT=FILE, not '%s'",
			       word_shown(p, value));
	if (p->o->outputs.n == OUTPUTS_MAX)
		return err_set(p->e, ERR_USAGE, "--output can be given %d times",
			       OUTPUTS_MAX);
	o = vec_add(&p->o->outputs, p->a);
	o->path = eq + 1;
	return take_format(p, opt,
			   arena_str(p->a, (struct str){ value, (size_t)(eq - value) }),
			   &o->format);
}

/* never: the value that "never" stands for; NULL: it is none of the choices. */
static int take_severity(struct parser *p, const struct option_row *opt,
			 const char *value, enum severity *out, bool *never)
{
	enum { NEVER = 9 };
	const struct choice levels[] = {
		{ "error", SEV_ERROR },
		{ "warning", SEV_WARNING },
		{ "note", SEV_NOTE },
		{ never ? "never" : NULL, NEVER },
		{ NULL, 0 },
	};
	unsigned v;

	if (choose(p, opt, value, levels, &v) != 0)
		return -1;
	if (never)
		*never = v == NEVER;
	if (v != NEVER)
		*out = (enum severity)v;
	return 0;
}

static int take_color(struct parser *p, const struct option_row *opt, const char *value)
{
	static const struct choice whens[] = {
		{ "auto", COLOR_AUTO },
		{ "always", COLOR_ALWAYS },
		{ "never", COLOR_NEVER },
		{ NULL, 0 },
	};
	unsigned v;

	if (choose(p, opt, value, whens, &v) != 0)
		return -1;
	p->o->color = (enum color_when)v;
	return 0;
}

static int take_jobs(struct parser *p, const char *value)
{
	uint64_t n;

	if (!str_u64(str_of(value), &n) || n == 0 || n > JOBS_MAX)
		return err_set(p->e, ERR_USAGE,
			       "-j takes a number from 1 to %d, not '%s'", JOBS_MAX,
			       word_shown(p, value));
	p->o->jobs = (unsigned)n;
	return 0;
}

static int take_sector_size(struct parser *p, const struct option_row *opt,
			    const char *value)
{
	static const struct choice sizes[] = {
		{ "512", 512 },
		{ "4096", 4096 },
		{ NULL, 0 },
	};
	unsigned v;

	if (choose(p, opt, value, sizes, &v) != 0)
		return -1;
	p->o->sector_size = v;
	return 0;
}

/* Only what has no magic of its own can be taken for something on the user's word. */
static int take_as(struct parser *p, const struct option_row *opt, const char *value)
{
	static const struct choice kinds[] = { { "raw", 0 }, { NULL, 0 } };
	unsigned v;

	if (choose(p, opt, value, kinds, &v) != 0)
		return -1;
	p->o->as = format_find("raw");
	return 0;
}

/* The programs whose versions some rule asks for. */
static const struct choice programs[] = {
	{ "incus", 0 }, { "libvirt", 0 }, { "qemu", 0 }, { "utm", 0 }, { NULL, 0 }
};

static int take_target(struct parser *p, const struct option_row *opt, const char *value)
{
	const char *eq = strchr(value, '=');
	struct target_program *t;
	const char *name;
	unsigned v;

	if (!eq)
		return err_set(p->e, ERR_USAGE, "--target takes NAME=VERSION, not '%s'",
			       word_shown(p, value));
	name = arena_str(p->a, (struct str){ value, (size_t)(eq - value) });
	if (choose(p, opt, name, programs, &v) != 0)
		return -1;
	t = vec_add(&p->o->targets, p->a);
	t->name = name;
	if (version_parse(str_of(eq + 1), &t->version))
		return 0;
	return err_set(p->e, ERR_USAGE,
		       "--target %s: a version looks like 6.10.0, not like '%s'", name,
		       word_shown(p, eq + 1));
}

static int take_map(struct parser *p, const struct option_row *opt, const char *value)
{
	const char *eq = strchr(value, '=');
	struct path_map *m;

	if (!eq || *value != '/' || !eq[1])
		return err_set(p->e, ERR_USAGE,
			       "--%s takes /FROM=TO, FROM an absolute path, not '%s'",
			       opt->name, word_shown(p, value));
	m = vec_add(&p->o->maps, p->a);
	m->from = arena_str(p->a, (struct str){ value, (size_t)(eq - value) });
	m->to = eq + 1;
	return 0;
}

static int take_place(struct parser *p, const struct option_row *opt, const char *value)
{
	const char *eq = strchr(value, '=');
	struct table_place t;

	if (!eq || !str_u64((struct str){ value, (size_t)(eq - value) }, &t.cluster) ||
	    !str_u64(str_of(eq + 1), &t.slot))
		return err_set(p->e, ERR_USAGE,
			       "--%s takes CLUSTER=ENTRY, two numbers, not '%s'",
			       opt->name, word_shown(p, value));
	*vec_add(&p->o->places, p->a) = t;
	return 0;
}

static int take_var(struct parser *p, const char *value)
{
	const char *eq = strchr(value, '=');

	if (!eq || eq == value)
		return err_set(p->e, ERR_USAGE, "--var takes NAME=VALUE, not '%s'",
			       word_shown(p, value));
	*vec_add(&p->o->vars, p->a) = (struct given_var){
		arena_str(p->a, (struct str){ value, (size_t)(eq - value) }), eq + 1
	};
	return 0;
}

/* "a,b,c": each word to list. */
static int take_ids(struct parser *p, const struct option_row *opt, const char *value,
		    struct words *list)
{
	const char *end;

	for (;; value = end + 1) {
		end = value + strcspn(value, ",");
		if (end == value)
			return err_set(p->e, ERR_USAGE, "--%s: a rule id is empty",
				       opt->name);
		*vec_add(list, p->a) =
			arena_str(p->a, (struct str){ value, (size_t)(end - value) });
		if (!*end)
			return 0;
	}
}

/* Options whose value is taken as it stands; NULL: another one. */
static const char **word_of(struct options *o, enum option id)
{
	if (id == OPT_stdin_filename)
		return &o->stdin_filename;
	if (id == OPT_host_mounts)
		return &o->host_mounts;
	if (id == OPT_host_user)
		return &o->host_user;
	if (id == OPT_schema_path)
		return &o->schema_path;
	if (id == OPT_svg)
		return &o->svg;
	if (id == OPT_policy)
		return &o->policy;
	if (id == OPT_baseline)
		return &o->baseline;
	if (id == OPT_write_baseline)
		return &o->write_baseline;
	return NULL;
}

/* Options without a value. */
static bool *flag_of(struct options *o, enum option id)
{
	if (id == OPT_deep)
		return &o->deep;
	if (id == OPT_diff)
		return &o->diff;
	if (id == OPT_quiet)
		return &o->quiet;
	if (id == OPT_host)
		return &o->host;
	if (id == OPT_schema)
		return &o->schema;
	if (id == OPT_no_policy)
		return &o->no_policy;
	if (id == OPT_help)
		return &o->help;
	return NULL;
}

static int take_word(struct parser *p, struct words *list, const char *value)
{
	*vec_add(list, p->a) = value;
	return 0;
}

static void take_level(struct options *o, enum fix_class level)
{
	if (o->level < level)
		o->level = level;
}

/* All there is to most options. */
static void take_plain(struct options *o, enum option id, const char *value)
{
	const char **word = word_of(o, id);
	bool *flag = flag_of(o, id);

	if (word)
		*word = value;
	if (flag)
		*flag = true;
}

static int take(struct parser *p, enum option id, const char *value)
{
	const struct option_row *opt = &option_rows[id];
	struct options *o = p->o;

	p->given |= UINT64_C(1) << id;
	take_plain(o, id, value);
	switch (id) {
	case OPT_format:
		return take_format(p, opt, value, &o->format);
	case OPT_output:
		return take_output(p, opt, value);
	case OPT_select:
		return take_ids(p, opt, value, &o->select);
	case OPT_ignore:
		return take_ids(p, opt, value, &o->ignore);
	case OPT_rule:
		return take_ids(p, opt, value, &o->rule);
	case OPT_min_severity:
		return take_severity(p, opt, value, &o->min_severity, NULL);
	case OPT_fail_on:
		o->has_fail_on = true;
		return take_severity(p, opt, value, &o->fail_on, &o->never_fail);
	case OPT_jobs:
		return take_jobs(p, value);
	case OPT_color:
		return take_color(p, opt, value);
	case OPT_place:
		return take_place(p, opt, value);
	case OPT_allow_root:
		return take_word(p, &o->allow_root, value);
	case OPT_path_map:
		return take_map(p, opt, value);
	case OPT_target:
		return take_target(p, opt, value);
	case OPT_var:
		return take_var(p, value);
	case OPT_var_file:
		return take_word(p, &o->var_files, value);
	case OPT_as:
		return take_as(p, opt, value);
	case OPT_sector_size:
		return take_sector_size(p, opt, value);
	case OPT_convert_sector_size:
		*vec_add(&o->rule, p->a) = "gpt-sector-size";
		take_level(o, FIX_UNSAFE);
		return take_sector_size(p, opt, value);
	case OPT_unsafe_fixes:
		take_level(o, FIX_UNSAFE);
		return 0;
	case OPT_lossy_fixes:
		o->level = FIX_LOSSY;
		return 0;
	case OPT_stdin_filename:
	case OPT_host_mounts:
	case OPT_host_user:
	case OPT_schema:
	case OPT_schema_path:
	case OPT_svg:
	case OPT_policy:
	case OPT_baseline:
	case OPT_write_baseline:
	case OPT_deep:
	case OPT_diff:
	case OPT_quiet:
	case OPT_host:
	case OPT_no_policy:
	case OPT_help:
		return 0;
	case OPT_version:
		o->command = CMD_version;
		p->has_command = true;
		return 0;
	}
	BUG("option %u", id);
}

/* ---- words ---- */

static const char *option_shown(struct parser *p, enum option id)
{
	return arena_printf(p->a, "--%s", option_rows[id].name);
}

/* value: what stood behind "=" or the letter; NULL: the next argument is the value. */
static int take_argument(struct parser *p, enum option id, const char *value)
{
	if (!option_rows[id].argument)
		return take(p, id, "");
	if (!value && p->next < p->argc)
		value = p->argv[p->next++];
	if (!value)
		return err_set(p->e, ERR_USAGE, "%s needs %s", option_shown(p, id),
			       option_rows[id].argument);
	return take(p, id, value);
}

static int parse_long(struct parser *p, const char *word)
{
	const char *end = word + strcspn(word, "=");
	const char *name = arena_str(p->a, (struct str){ word, (size_t)(end - word) });
	struct suggestion s = { .word = name };

	for (size_t i = 0; i < noption_rows; i++) {
		if (strcmp(option_rows[i].name, name) != 0) {
			suggest(&s, option_rows[i].name);
			continue;
		}
		if (*end && !option_rows[i].argument)
			return err_set(p->e, ERR_USAGE, "--%s takes no value", name);
		return take_argument(p, (enum option)i, *end ? end + 1 : NULL);
	}
	if (s.best)
		s.best = arena_printf(p->a, "--%s", s.best);
	return refuse(
		p, &s,
		arena_printf(p->a, "there is no option '--%s'", word_shown(p, name)));
}

static int parse_letters(struct parser *p, const char *letters)
{
	for (; *letters; letters++) {
		size_t i = 0;

		while (i < noption_rows && option_rows[i].letter != *letters)
			i++;
		if (i == noption_rows)
			return err_set(p->e, ERR_USAGE, "there is no option '-%s'",
				       word_shown(p, letters));
		if (option_rows[i].argument)
			return take_argument(p, (enum option)i,
					     letters[1] ? letters + 1 : NULL);
		if (take(p, (enum option)i, "") != 0)
			return -1;
	}
	return 0;
}

static int command_find(struct parser *p, const char *word, enum command *out)
{
	struct suggestion s = { .word = word };

	for (size_t i = 0; i < ncommands; i++) {
		if (strcmp(commands[i].name, word) == 0) {
			*out = (enum command)i;
			return 0;
		}
		suggest(&s, commands[i].name);
	}
	if (!s.best && access(word, F_OK) == 0)
		return err_set(p->e, ERR_USAGE,
			       "'%s' is not a command; did you mean `vmend check %s`?",
			       word_shown(p, word), word_shown(p, word));
	return refuse(
		p, &s,
		arena_printf(p->a, "there is no command '%s'", word_shown(p, word)));
}

static int parse_word(struct parser *p, const char *word)
{
	if (!p->args_only && strcmp(word, "--") == 0) {
		p->args_only = true;
		return 0;
	}
	if (!p->args_only && word[0] == '-' && word[1] == '-')
		return parse_long(p, word + 2);
	if (!p->args_only && word[0] == '-' && word[1])
		return parse_letters(p, word + 1);
	if (!p->has_command) {
		p->has_command = true;
		return command_find(p, word, &p->o->command);
	}
	*vec_add(&p->o->args, p->a) = word;
	return 0;
}

/* ---- what fits together ---- */

static bool given(const struct parser *p, enum option id)
{
	return p->given >> id & 1;
}

static int check_combination(struct parser *p)
{
	const struct options *o = p->o;

	for (size_t i = 0; i < noption_rows; i++) {
		if (given(p, (enum option)i) &&
		    !(option_rows[i].commands >> o->command & 1))
			return err_set(p->e, ERR_USAGE, "`vmend %s` has no option --%s",
				       commands[o->command].name, option_rows[i].name);
	}
	if (o->format != REPORT_text && o->format != REPORT_json &&
	    o->command != CMD_check && o->command != CMD_fix)
		return err_set(p->e, ERR_USAGE,
			       "`vmend %s` has the formats text and json",
			       commands[o->command].name);
	if (given(p, OPT_convert_sector_size) &&
	    (given(p, OPT_sector_size) || given(p, OPT_rule)))
		return err_set(p->e, ERR_USAGE,
			       "--convert-sector-size does one thing only: not with "
			       "--sector-size or --rule");
	if (o->places.n && o->args.n != 1)
		return err_set(p->e, ERR_USAGE, "--place is about one IMAGE, not %zu",
			       o->args.n);
	if (o->policy && o->no_policy)
		return err_set(p->e, ERR_USAGE, "--policy or --no-policy, not both");
	if (o->svg && o->args.n != 1)
		return err_set(p->e, ERR_USAGE, "--svg draws one IMAGE, not %zu",
			       o->args.n);
	if (o->diff && (given(p, OPT_format) || given(p, OPT_output)))
		return err_set(
			p->e, ERR_USAGE,
			"--diff is a format of its own: not with --format or --output");
	return 0;
}

static int check_arguments(struct parser *p)
{
	const struct options *o = p->o;
	const char *arguments = commands[o->command].arguments;

	if (!*arguments && o->args.n)
		return err_set(p->e, ERR_USAGE, "`vmend %s` takes no arguments, not '%s'",
			       commands[o->command].name, word_shown(p, o->args.v[0]));
	if (*arguments && *arguments != '[' && o->args.n == 0)
		return err_set(p->e, ERR_USAGE, "`vmend %s` needs %s",
			       commands[o->command].name, arguments);
	return 0;
}

/* `vmend help fix` is `vmend fix --help`; `vmend help` and `vmend --help` are the same. */
static int settle_help(struct parser *p)
{
	struct options *o = p->o;

	if (!p->has_command)
		o->command = CMD_help;
	o->help = true;
	if (o->command != CMD_help || o->args.n == 0)
		return 0;
	return command_find(p, o->args.v[0], &o->command);
}

int options_parse(struct options *o, int argc, char *const *argv, struct arena *a,
		  struct err *e)
{
	struct parser p = {
		.o = o, .a = a, .e = e, .argv = argv, .argc = argc, .next = 1
	};

	*o = (struct options){ .command = CMD_help,
			       .min_severity = SEV_NOTE,
			       .fail_on = SEV_WARNING,
			       .level = FIX_SAFE };
	while (p.next < argc) {
		if (parse_word(&p, argv[p.next++]) != 0)
			return -1;
	}
	if (o->help || (p.has_command && o->command == CMD_help))
		return settle_help(&p);
	if (!p.has_command)
		return err_set(e, ERR_USAGE,
			       "what shall it do? `vmend -h` lists the commands");
	if (check_combination(&p) != 0)
		return -1;
	return check_arguments(&p);
}
