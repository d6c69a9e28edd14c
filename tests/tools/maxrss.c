/* maxrss RESULT SECONDS COMMAND...: runs COMMAND, and writes to RESULT one line of how it
 * ended, how much memory it ever held, and for how long it had a processor: "exit 1 3456 KiB
 * 12 ms", "signal 11 3456 KiB 7 ms". After SECONDS it is ended by SIGALRM.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage use;
	int status, code;
	FILE *out;
	long ms;
	pid_t pid;

	if (argc < 4) {
		fputs("usage: maxrss RESULT SECONDS COMMAND...\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		/* An alarm survives exec. */
		alarm((unsigned)strtoul(argv[2], NULL, 10));
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid) {
		perror("maxrss");
		return 2;
	}
	code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	out = fopen(argv[1], "w");
	if (!out) {
		perror(argv[1]);
		return 2;
	}
	ms = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000L +
	     (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
	fprintf(out, "%s %d %ld KiB %ld ms\n", WIFSIGNALED(status) ? "signal" : "exit",
		code, use.ru_maxrss, ms);
	return fclose(out) == 0 ? 0 : 2;
}
