/* readruns FILE: reads the byte runs of FILE that standard input names, "OFFSET LENGTH" each
 * on a line, and nothing else: what a reader of tables takes at least.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LONGEST = 4 << 20 };

int main(int argc, char **argv)
{
	uint8_t *buf = malloc(LONGEST);
	uint64_t off, len;
	int fd;

	if (argc != 2 || !buf) {
		fputs("usage: readruns FILE <RUNS\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_RDONLY);
	while (scanf("%" SCNu64 " %" SCNu64, &off, &len) == 2) {
		if (len > LONGEST || pread(fd, buf, len, (off_t)off) < 0) {
			perror(argv[1]);
			return 2;
		}
	}
	free(buf);
	return close(fd) == 0 ? 0 : 2;
}
