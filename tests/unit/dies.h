/* Does a call end in BUG()? For tests of what must never happen.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_DIES_H
#define TESTS_UNIT_DIES_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a child; true when it aborted. */
static inline bool dies(void (*fn)(void))
{
	struct rlimit no_core = { 0 };
	int status = 0, null;
	pid_t pid = fork();

	if (pid == 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		setrlimit(RLIMIT_CORE, &no_core);
		fn();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

#endif
