/* What was asked for on the command line. The table is options.def.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "analyze/host.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "rules/rule.h"

enum command {
#define COMMAND(name, word, arguments, summary) CMD_##name,
#include "cli/options.def"
};

/* Sets of commands, for the table. */
#define ON(name) (1u << CMD_##name)
#define ON_ALL   (~0u)

enum option {
#define OPTION(name, longname, letter, argument, commands, help) OPT_##name,
#include "cli/options.def"
};

/* Formats of reports: X(name in code, name on the command line). One file each,
 * report_*.c; cli/sink.h has what they are made of. */
#define REPORTS(X)                                                                       \
	X(text, "text")                                                                  \
	X(concise, "concise")                                                            \
	X(json, "json")                                                                  \
	X(jsonl, "jsonl")                                                                \
	X(sarif, "sarif")                                                                \
	X(sarif_github, "sarif-github")                                                  \
	X(github, "github")                                                              \
	X(gitlab, "gitlab")                                                              \
	X(junit, "junit")                                                                \
	X(checkstyle, "checkstyle")                                                      \
	X(markdown, "markdown")

enum report_format {
#define X(name, word) REPORT_##name,
	REPORTS(X)
#undef X
};
enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct command_row {
	const char *name, *arguments, *summary;
};

struct option_row {
	const char *name;     /* without the dashes */
	char letter;          /* 0: none */
	const char *argument; /* NULL: takes none */
	unsigned commands;
	const char *help;
};

/* In the order of their enums. */
extern const struct command_row commands[];
extern const size_t ncommands;
extern const struct option_row option_rows[];
extern const size_t noption_rows;

struct output {
	enum report_format format;
	const char *path;
};

/* A VEC: borrowed from argv, or the arena's. */
struct words {
	const char **v;
	size_t n, cap;
};

struct options {
	enum command command;
	bool help; /* wanted instead of the command */
	struct words args;
	enum report_format format;
	VEC(struct output) outputs;
	struct words select, ignore, rule; /* ids, not yet looked up */
	struct words allow_root;           /* folders */
	VEC(struct path_map) maps;         /* as they are given */
	VEC(struct target_program) targets;
	VEC(struct table_place) places;
	VEC(struct given_var) vars;
	struct words var_files; /* paths */
	enum severity min_severity;
	bool never_fail, has_fail_on;
	enum severity fail_on; /* unless never_fail */
	bool deep, diff, quiet, host, schema;
	enum fix_class level; /* the most that `fix` may do */
	const char *stdin_filename, *host_mounts, *host_user, *svg;
	const char *schema_path; /* NULL: where libvirt installs it */
	const char *policy;      /* NULL: the closest above each file */
	bool no_policy;
	const char *baseline, *write_baseline; /* NULL: none */
	const struct format *as; /* what the files that are named are; NULL: not said */
	uint32_t sector_size;    /* that the disk will have; 0: not said */
	unsigned jobs;           /* 0: as many as there are processors */
	enum color_when color;
};

enum { JOBS_MAX = 256, OUTPUTS_MAX = 7 };

/* -1: the message is one line for the user, with a suggestion where there is one. */
int options_parse(struct options *o, int argc, char *const *argv, struct arena *a,
		  struct err *e) __attribute__((warn_unused_result));

/* The help of a command, or of the program. */
void help_program(struct buf *out);
void help_command(struct buf *out, enum command c);

#endif
