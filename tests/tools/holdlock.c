/* Holds an image's locks as `vmend fix` does while it writes, until its input ends.
 * usage: holdlock IMAGE; prints "locked", or why not (exit 1)
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/source.h"
#include "rewrite/lock.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct source src;
	struct err e = { 0 };
	char byte;

	if (argc != 2)
		return 2;
	if (source_open(&src, argv[1], SOURCE_WRITE, &e) != 0 ||
	    lock_image(&src, false, &e) != 0) {
		printf("%s\n", e.msg);
		return 1;
	}
	puts("locked");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	source_close(&src);
	return 0;
}
