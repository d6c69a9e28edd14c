/* The commands. Each prints its report itself and returns the exit code; with EXIT_USAGE and
 * EXIT_INTERNAL *e is set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "analyze/host.h"
#include "cli/options.h"

#include <signal.h>

enum exit_code {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1,
	EXIT_USAGE = 2,
	EXIT_INPUT = 3, /* not read, in use, or refused */
	EXIT_INTERNAL = 4,
};

enum exit_code cmd_check(const struct options *o, struct err *e); /* and fix */
enum exit_code cmd_undo(const struct options *o, struct err *e);
enum exit_code cmd_inspect(const struct options *o, struct err *e);
enum exit_code cmd_map(const struct options *o, struct err *e);
enum exit_code cmd_explain(const struct options *o, struct err *e);
enum exit_code cmd_rules(const struct options *o, struct err *e);
enum exit_code cmd_show_config(const struct options *o, struct err *e);
enum exit_code cmd_version(const struct options *o, struct err *e);

/* Writes out to standard output and frees it. ERR_IO when that fails. */
int print(struct buf *out, struct err *e) __attribute__((warn_unused_result));

/* host_read() with --host-mounts; ERR_USAGE when that cannot be read. */
int read_host(struct host *h, const struct options *o, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Fills in the text of a file of variables; what: why it is none. */
bool var_file_read(struct given_file *f, struct arena *a, const char **what)
	__attribute__((warn_unused_result));

/* Keeps signals that would end the program waiting; the mask before that is in *before. */
void signals_hold(sigset_t *before);

#endif
