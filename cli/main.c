/* vmend: finds and mends what keeps virtual machines from booting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml.h"
#include "cli/commands.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/banned.h"

void signals_hold(sigset_t *before)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &ends, before);
}

int print(struct buf *out, struct err *e)
{
	int rc = 0;

	if (write_all(STDOUT_FILENO, out->p, out->n) != 0)
		rc = err_sys(e, errno, "cannot write to standard output");
	buf_free(out);
	return rc;
}

static enum exit_code help(const struct options *o, struct err *e)
{
	struct buf out = { 0 };

	help_command(&out, o->command);
	return print(&out, e) == 0 ? EXIT_CLEAN : EXIT_INTERNAL;
}

static enum exit_code run(const struct options *o, struct err *e)
{
	if (o->help)
		return help(o, e);
	switch (o->command) {
	case CMD_check:
	case CMD_fix:
		return cmd_check(o, e);
	case CMD_undo:
		return cmd_undo(o, e);
	case CMD_inspect:
		return cmd_inspect(o, e);
	case CMD_map:
		return cmd_map(o, e);
	case CMD_explain:
		return cmd_explain(o, e);
	case CMD_rules:
		return cmd_rules(o, e);
	case CMD_show_config:
		return cmd_show_config(o, e);
	case CMD_version:
		return cmd_version(o, e);
	case CMD_help:
		return help(o, e);
	}
	BUG("command %u", o->command);
}

/* With standard output closed, the next file that is opened would get its number, and the
 * report would be written into a disk image. What was closed stays unusable, by the wrong
 * direction of what takes its place. */
static bool secure_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

/* glibc returns what one input took to the system, which clears it anew for the next: with small
 * files that takes longer than most of what is asked of them. */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

int main(int argc, char **argv)
{
	struct options o;
	struct arena a;
	struct err e = { 0 };
	enum exit_code code = EXIT_USAGE;

	if (!secure_standard_streams())
		return EXIT_INTERNAL;
	/* `ulimit -f` shall make a write fail, not end the program in the middle of one. */
	signal(SIGXFSZ, SIG_IGN);
	keep_memory();
	xml_init();
	arena_init(&a, ARENA_BUDGET);
	if (options_parse(&o, argc, argv, &a, &e) == 0)
		code = run(&o, &e);
	if (e.code != ERR_NONE)
		fprintf(stderr, "vmend: %s\n", e.msg);
	arena_free(&a);
	return (int)code;
}
